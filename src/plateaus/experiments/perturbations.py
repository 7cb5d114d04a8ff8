"""Ways to move a feature map that is not a vector but has places: as a whole, at one place, by
noise. Each assumes something about which maps are like the real ones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.interpolation import interpolate
from plateaus.experiments.readouts import read
from plateaus.experiments.sharpness import over, sharpness
from plateaus.networks.loaded import ImageNetwork
from plateaus.networks.network import Network

KINDS = ("another image", "a patch of it", "noise like maps", "white noise")


@checked
def perturbations(
    net: ImageNetwork,
    a: Tensor,
    b: Tensor,
    *,
    block: int,
    like: Tensor,
    window: int = 2,
    seed: int = 0,
) -> dict[str, Ends]:
    """Where to move from the maps that images ``a`` cause before ``block``, by the names in KINDS.

    - to the map of ``b``, all channels and places at once: which assumes that a straight line
      between two maps stays among maps;
    - to the map in which a square of ``window`` x ``window`` places in the middle is that of ``b``:
      that places can be exchanged by themselves;
    - along normal noise with the covariance of the maps of the images ``like``, between all
      channels and places: that maps are determined by their second moments;
    - along white noise: that channels and places have nothing to do with each other.

    Both kinds of noise are as long as the median distance of the maps of ``a`` and ``b``, and know
    nothing of the signs that a ReLU leaves.

    Raises:
        BadParameter: the block does not take maps, or ones smaller than the window.
    """
    real = Ends.of_images(net, a, b, block=block)
    shape = shape_of(net, block)
    if min(shape[1:]) < window:
        raise BadParameter(
            f"Block {block} of {net.name} takes maps of {shape[1]} x {shape[2]} places, got "
            f"window={window}: give a smaller window, or an earlier block."
        )
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        maps = net[:block].reading(None)(net.points(like))
    length = float((real.b - real.a).norm(dim=-1).median())
    weights = torch.randn(len(a), len(maps), generator=random).to(maps)
    noises = {
        "noise like maps": weights @ (maps - maps.mean(0)),
        "white noise": torch.randn(real.a.shape, generator=random).to(maps),
    }
    rest = net[block:]
    return {
        "another image": real,
        "a patch of it": real.moved(b=patched(real.a, real.b, shape, window)),
        **{name: Ends.of_directions(rest, real.a, x, length=length) for name, x in noises.items()},
    }


def patched(a: Tensor, b: Tensor, shape: tuple[int, int, int], window: int) -> Tensor:
    """The maps ``a`` ``(pairs, d)``, with those of ``b`` on ``window`` x ``window`` places in the
    middle.
    """
    top, left = ((side - window) // 2 for side in shape[1:])
    place = np.s_[..., top : top + window, left : left + window]
    mixed = a.reshape(-1, *shape).clone()
    mixed[place] = b.reshape(-1, *shape)[place]
    return mixed.reshape(a.shape)


def shape_of(net: Network, block: int) -> tuple[int, int, int]:
    """Channels, height and width of the maps that enter a block.

    Raises:
        BadParameter: it does not take maps.
    """
    shape = getattr(net.blocks[block], "shape", ())
    if len(shape) != 3:
        raise BadParameter(
            f"Block {block} of {net.name} takes no maps of channels, height and width: give a "
            "network of convolutions."
        )
    return tuple(shape)


@checked
def moved(kinds: dict[str, Ends], *, steps: int = 50) -> xr.Dataset:
    """Curves along every kind of perturbation, and how far it gets.

    Returns:
        ``slope`` and ``half_exit``, dims ``kind, pair``, in the stream after the last block;
        ``input`` and ``output``, the distances between the two ends there and here, as shares of
        those between the maps of two images, in the median.
    """

    def each(ends: Ends) -> xr.Dataset:
        found = read(sharpness(interpolate(ends, steps=steps)))[["slope", "half_exit"]]
        found = found.drop_vars(["block_out", "reading"], errors="ignore")
        far = [(part.net, part.a, part.b) for part in ends.parts(points=2)]
        with torch.no_grad():
            after = [(stream(net)(b) - stream(net)(a)).norm(dim=-1) for net, a, b in far]
        distances = {"input": (ends.b - ends.a).norm(dim=-1), "output": torch.cat(after)}
        return found.assign(
            {name: ("pair", values.double().numpy()) for name, values in distances.items()}
        ).assign_coords(pair=np.arange(len(ends)))

    found = over("kind", kinds, each)
    whole = found.sel(kind=KINDS[0])
    return found.assign(
        {name: found[name] / whole[name].median("pair") for name in ("input", "output")}
    )


def stream(net: Network) -> Network:
    """The network without its readout."""
    return replace(net, readout=None)
