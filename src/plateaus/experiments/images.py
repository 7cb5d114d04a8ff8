"""Paths between images of different classes, entering a network that sees images at its stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.images import Images
from plateaus.errors import BadParameter
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.interpolation import interpolate
from plateaus.experiments.sharpness import over, sharpness
from plateaus.geometry import paths as ways
from plateaus.networks import load as loading
from plateaus.networks.loaded import ImageNetwork
from plateaus.networks.network import Chain, Network

PATHS: Mapping[str, Callable[..., Tensor]] = {"straight": ways.segment, "slerp": ways.slerp}
"""Both take feature maps as vectors: on the second, length and direction change by themselves."""
READINGS = ("stream", "pooled", "logits", "probabilities")
"""After the last block; a network may lack some."""


@checked
def apart(images: Images, count: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """``count`` random pairs of test images of different classes, as two uint8 tensors ``(count,
    channels, size, size)``; an image may stand in several pairs.

    Raises:
        BadParameter: the test images show one class only.
    """
    random, y = np.random.default_rng(seed), images.test_labels
    i, j = (torch.from_numpy(random.integers(len(y), size=50 * count)) for _ in range(2))
    chosen = (y[i] != y[j]).nonzero()[:count, 0]
    if len(chosen) < count:
        raise BadParameter(
            f"Of {50 * count} random pairs of {len(y)} test images of {images.name} only "
            f"{len(chosen)} show different classes, not {count}: give images of more classes."
        )
    return images.test[i[chosen]], images.test[j[chosen]]


def check(net: object, images: Images, *, names: bool = True) -> None:
    """Refuse what cannot be measured before anything is computed; ``names``: it is to be a
    classifier.

    Raises:
        BadParameter: no network that names what an image shows, or whose maps have a mean over
            places.
        BadPoints: images of another size.
    """
    needed = "logits" if names else "pooled"
    if not isinstance(net, ImageNetwork) or needed not in net.readouts:
        what = "name what an image shows" if names else "pool maps of images"
        kind = "an image classifier" if names else "a residual network that sees images"
        raise BadParameter(
            f"{getattr(net, 'name', repr(net)[:60])} does not {what}: give {kind}, such as "
            "vision-digits, a directory of one, or a state dict of one."
        )
    net.points(images.test[:1])


def load(name: str, images: Images, *, device: str = "auto", names: bool = True) -> ImageNetwork:
    """The network ``name`` for images of this size, where it takes any; ``names``: as for
    :func:`check`.

    Raises:
        BadParameter, BadPoints: as :func:`check`.
    """
    try:
        net = loading.load(name, device=device, size=images.size)
    except BadParameter:  # it takes no size, which is no concern of who gives its name alone
        net = loading.load(name, device=device)
    check(net, images, names=names)
    return net


def stages(net: Network) -> list[int]:
    """Numbers of the blocks with which a stage begins: the first behind the stem, and each that
    changes the size of the maps.
    """
    wider = [i for i in range(2, len(net)) if net.dims[i + 1] != net.dims[i]]
    return [1, *wider]


@checked
def swept(
    net: ImageNetwork,
    a: Tensor,
    b: Tensor,
    *,
    blocks: Sequence[int],
    paths: Mapping[str, Callable[..., Tensor]] = PATHS,
    steps: int = 50,
) -> xr.Dataset:
    """Curves between the activations of images ``a`` and ``b``, entering at several blocks.

    Returns:
        ``slope`` and ``half_exit``, dims ``path, stage, reading, pair``, after the last block; the
        first of ``blocks`` is stage 1.
    """
    if not len(blocks) or not paths:
        raise BadParameter(
            f"Images are moved on at least one path before at least one block, got the paths "
            f"{list(paths)} and blocks={list(blocks)}: name some."
        )
    names = [name for name in READINGS if name == "stream" or name in net.readouts]
    whole = Ends.of_images(net, a, b, block=blocks[0])

    def entering(block: int, path: Callable[..., Tensor]) -> xr.Dataset:
        at = whole.at(block)
        ends = Ends.of_points(in_one(net[block:]), at.a, at.b)
        found = sharpness(interpolate(ends, steps=steps, path=path))[["slope", "half_exit"]]
        kept = found.swap_dims(readout="reading").drop_vars("block_out").sel(reading=names)
        return kept.assign_coords(pair=np.arange(len(a)))

    def along(path: Callable[..., Tensor]) -> xr.Dataset:
        numbered = dict(enumerate(blocks, 1))
        return over("stage", numbered, lambda block: entering(block, path))

    return over("path", paths, along).transpose("path", "stage", "reading", "pair")


def in_one(net: Network) -> Network:
    """The same function in a single block: nothing is read on the way."""
    return replace(net, blocks=(Chain(steps=net.blocks),), dims=(net.dims[0], net.dims[-1]))


@torch.no_grad()
def accuracy(net: ImageNetwork, images: Images) -> float:
    """Share of the test images whose class has the largest logit."""
    logits = net.reading("logits")(net.points(images.test))
    return float((logits.argmax(-1) == images.test_labels).double().mean())


def headline(result: xr.Dataset, reading: str = "stream") -> xr.Dataset:
    """What the claims are about: straight paths that enter behind the stem, read in the stream
    after the last block.
    """
    return result.sel(path="straight", reading=reading).isel(stage=0)
