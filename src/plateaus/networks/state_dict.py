"""State dicts that are in no library's format: a file of named tensors, as a training script or a
repository of published weights left it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from plateaus.errors import CorruptModel, UnknownModel, first_line
from plateaus.networks import weights
from plateaus.networks.loaded import ImageNetwork
from plateaus.networks.modules import Module, from_modules
from plateaus.networks.network import softmax

UNREADABLE = (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError,
              IndexError, pickle.UnpicklingError, zipfile.BadZipFile, SafetensorError)  # fmt: skip


class Body(Protocol):
    """A module whose state dict is wanted, and which knows its parts."""

    def blocks(self) -> list[nn.Module]:
        """What is applied one after the other, maps in and maps out."""

    def readouts(self) -> dict[str, Module]:
        """A chain of readings behind the last map, as in ``Network.readouts``."""


@dataclass(frozen=True, kw_only=True)
class ImageFormat:
    """What the network takes, and what it calls it."""

    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...] = ()


def read(file: str | os.PathLike) -> tuple[Path, dict[str, Tensor]]:
    """Where it lies, and its tensors by name.

    Tensors alone are read, and no program code; they may lie under the key ``state_dict`` or
    ``model``, and ``module.`` before their names, which several GPUs leave behind, is taken off.

    Raises:
        UnknownModel: no such file.
        CorruptModel: no named tensors.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        raise UnknownModel(f"There is no file {path}: give one that holds a state dict.")
    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise CorruptModel(
            f"{path} could not be read as tensors ({first_line(error)[:120]}): restore the file; "
            "one that holds program code is never run."
        ) from None
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(x, Tensor) for name, x in found.items()
    ):
        raise CorruptModel(
            f"{path} holds no state dict, but a {type(found).__name__}: give a file of named "
            "tensors, by themselves or under the key state_dict."
        )
    return path, {name.removeprefix("module."): tensor for name, tensor in found.items()}


def fill(path: Path, model: nn.Module, state: Mapping[str, Tensor], *, wanted: str) -> None:
    """The tensors of ``state`` into ``model``: all there, of their shapes and finite, none more;
    counters of batches may lack. ``wanted`` says what is to be given.

    Raises:
        CorruptModel: names the first that is wrong.
    """
    like = model.state_dict()
    for name, tensor in like.items():
        given = state.get(name)
        if name.endswith("num_batches_tracked"):
            continue
        if given is None:
            fault = f"lacks {name}"
        elif given.shape != tensor.shape:
            fault = f"has {name} of shape {tuple(given.shape)} instead of {tuple(tensor.shape)}"
        elif given.layout != torch.strided or given.is_meta or not given.is_floating_point():
            kind = "no numbers" if given.is_meta else f"{given.dtype}, {given.layout}"
            fault = f"has {name} as {kind} instead of floating-point numbers"
        elif name.endswith("running_var") and not (given >= 0).all():
            fault = f"has variances in {name} that are negative or NaN"
        elif not torch.isfinite(given).all():
            fault = f"has numbers in {name} that are not finite"
        else:
            continue
        raise CorruptModel(f"The state dict {path} {fault}: give {wanted}, or restore the file.")
    if surplus := sorted(set(state) - set(like)):
        raise CorruptModel(
            f"The state dict {path} holds {surplus[0]}, for which there is no place: give {wanted}."
        )
    model.load_state_dict(dict(state), strict=False)


def wrapped(
    path: Path,
    model: Body,
    draw: Callable[[], Body],
    images: ImageFormat,
    *,
    device: torch.device,
    dtype: torch.dtype,
    left_out: Iterable[str] = (),
) -> ImageNetwork:
    """``model`` as an ``ImageNetwork`` that draws its untrained twin by ``draw``."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    about = {"source": str(path.name), "checkpoint": "final", "sha256": digest, "dtype": str(dtype)}
    if left := ", ".join(left_out):
        about["left out"] = left

    def wrap(model: Body, name: str, **changed: str) -> ImageNetwork:
        model = model.to(device, dtype).eval().requires_grad_(False)
        example = torch.zeros(images.shape, device=device, dtype=dtype)
        net = from_modules(model.blocks(), example, readouts=model.readouts(), name=name)
        if "logits" in net.readouts:
            net = replace(net, readouts={**net.readouts, "probabilities": softmax})
        return ImageNetwork(
            **{f.name: getattr(net, f.name) for f in fields(net)},
            provenance={**about, **changed},
            **{f.name: getattr(images, f.name) for f in fields(images)},
            untrained=untrained,
        )

    def untrained(seed: int) -> ImageNetwork:
        with weights.drawn(seed):
            fresh = draw()
        changed = {"checkpoint": f"untrained, seed {seed}", "sha256": "none"}
        return wrap(fresh, f"{path.stem}@untrained-{seed}", **changed)

    return wrap(model, path.stem)
