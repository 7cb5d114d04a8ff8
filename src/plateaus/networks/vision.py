"""Networks that see images, in the hub's format: ResNets, ViTs, DETR's backbone, timm's."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from plateaus.errors import BadParameter, CorruptModel, UnsupportedModel, first_line
from plateaus.networks import weights
from plateaus.networks.families import FAMILIES
from plateaus.networks.loaded import ImageNetwork
from plateaus.networks.modules import from_modules
from plateaus.networks.network import Network, softmax
from plateaus.networks.source import PROCESSOR, Source, checkpoints, find, mapping

LARGEST = 4096
"""Pixels of a side, or channels."""


def load(
    source: Source,
    described: dict[str, Any],
    *,
    device: torch.device,
    dtype: torch.dtype,
    size: int | None = None,
) -> ImageNetwork:
    """A network that sees images, block by block: see ``plateaus.load``."""
    about = weights.about(source, dtype)
    kind = getattr(transformers, described["architectures"][0], None)
    if kind is None:
        raise UnsupportedModel(
            f"{source.title} holds a {described['architectures'][0]}, which this version of the "
            "transformers library does not have: install a newer one, or give another model."
        )
    model = weights.read(kind, source, dtype=dtype)
    shape, mean, std = _images(source, model.config, size)
    names = getattr(model.config, "id2label", None) or {}

    def wrap(model: nn.Module, name: str, changed: dict[str, str], **more: Any) -> ImageNetwork:
        net = _network(model.to(device), shape, name)
        return ImageNetwork(
            **{f.name: getattr(net, f.name) for f in fields(net)},
            provenance={**about, "image": " x ".join(map(str, shape)), **changed},
            shape=shape,
            mean=mean,
            std=std,
            classes=tuple(names.values()) if "logits" in net.readouts else (),
            **more,
        )

    def untrained(seed: int) -> ImageNetwork:
        with weights.drawn(seed):
            fresh = type(model)(model.config).to(dtype).eval().requires_grad_(False)
        changed = {"checkpoint": f"untrained, seed {seed}", "sha256": "none"}
        return wrap(fresh, f"{source.title}@untrained-{seed}", changed)

    def checkpoint(at: str) -> ImageNetwork:
        return load(find(source.home, at), described, device=device, dtype=dtype, size=size)

    stored = {"checkpoints": checkpoints(source.folder)} if source.folder else {}
    return wrap(model, source.title, {}, untrained=untrained, checkpoint=checkpoint, **stored)


def _network(model: nn.Module, shape: tuple[int, ...], name: str) -> Network:
    """``model`` as a ``Network`` of its blocks, once its answer to an image is the model's own.

    Raises:
        UnsupportedModel: the blocks, run one after the other, say something else.
    """
    example = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    example = example.to(next(model.parameters()))
    try:
        parts = FAMILIES[model.config.model_type](model)
        with torch.no_grad():
            net = from_modules(parts.modules, example, readouts=parts.readouts, name=name)
            ours = net.readings(example.flatten()[None])[-1].value
            theirs = parts.whole(example[None]).flatten(1)
    except Exception as error:
        raise UnsupportedModel(
            f"{name} is a {type(model).__name__} that cannot be run block by block on images of "
            f"shape {shape} ({first_line(error)}): give another model, or size= in pixels."
        ) from None
    tolerance = torch.finfo(ours.dtype).eps ** 0.5
    if ours.shape != theirs.shape or not (ours - theirs).norm() <= tolerance * theirs.norm():
        raise UnsupportedModel(
            f"The blocks of {name}, run one after the other, do not give what the "
            f"{type(model).__name__} itself gives: it cannot be measured here."
        )
    if "logits" in net.readouts:
        net = replace(net, readouts={**net.readouts, "probabilities": softmax})
    return net


def _images(
    source: Source, config: Any, size: int | None
) -> tuple[tuple[int, int, int], list[float], list[float]]:
    """Shape of an image, and the mean and deviation of each channel, as the model was trained.

    Raises:
        CorruptModel: nothing says how large the images are, or something impossible; BadParameter:
            an impossible ``size``.
    """
    described, trained = _described(source), getattr(config, "pretrained_cfg", None) or {}
    channels, *sides = trained.get("input_size", [getattr(config, "num_channels", 3)])
    sides = getattr(config, "image_size", None) or sides or _sides(described)
    sides = sides if size is None else size
    if not sides and size is None:
        raise CorruptModel(
            f"{source.title} does not say how large its images are: add {PROCESSOR}, or "
            "give size= in pixels."
        )
    shape = (channels, *(sides if isinstance(sides, list | tuple) else (sides, sides)))
    if len(shape) != 3 or any(type(n) is not int or not 0 < n <= LARGEST for n in shape):
        raise (CorruptModel if size is None else BadParameter)(
            f"{source.title} would take images of {shape!r:.80} (channels, height, width), and "
            f"each is a whole number from 1 to {LARGEST}: give size= in pixels, or restore its "
            "files."
        )
    if not described.get("do_normalize", True):
        described = {}
    mean = described.get("image_mean") or trained.get("mean") or [0.0] * channels
    std = described.get("image_std") or trained.get("std") or [1.0] * channels
    for name, numbers in (("image_mean", mean), ("image_std", std)):
        if not _one_each(numbers, channels) or (numbers is std and min(std) <= 0):
            raise CorruptModel(
                f"{source.title} has the {name} {numbers!r:.80}, and a finite number for each of "
                f"{channels} channels is needed, above 0 for image_std: restore {PROCESSOR}."
            )
    return shape, list(mean), list(std)


def _one_each(numbers: Any, channels: int) -> bool:
    return (
        isinstance(numbers, list | tuple)
        and len(numbers) == channels
        and all(isinstance(n, int | float) and math.isfinite(n) for n in numbers)
    )


def _described(source: Source) -> dict[str, Any]:
    """How images are prepared, as the model's own folder says; {} if it does not."""
    if source.folder is not None:
        file = Path(source.home) / PROCESSOR
        return mapping(file) if file.is_file() else {}
    try:
        read = transformers.ImageProcessingMixin.get_image_processor_dict
        return read(source.name, **source.revision)[0]
    except OSError:
        return {}


def _sides(described: dict[str, Any]) -> tuple[int, int] | None:
    """Height and width after the resizing and cropping that images are prepared with."""
    found = described.get("crop_size") if described.get("do_center_crop") else None
    found = found or described.get("size")
    if isinstance(found, int):
        return found, found
    if isinstance(found, dict) and {"height", "width"} <= found.keys():
        return found["height"], found["width"]
    side = found.get("shortest_edge") if isinstance(found, dict) else None
    return (side, side) if side else None
