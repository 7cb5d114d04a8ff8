"""Do updates point at real activations? Cosines with the direction to a real anchor and to a random
one as far off, in a network and where real activations were made to attract.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.measures import dynamics
from plateaus.networks import nulls
from plateaus.networks.network import Network

STRENGTH = 0.2
"""Share of the way by which the positive control moves each point in each block."""


def towards(net: Network, x: Tensor, real: Tensor, random: Tensor, own: Tensor) -> xr.DataArray:
    """How straight the updates pull x ``(P, 1, d)`` towards an anchor of each kind.

    The mean over blocks of cos(F_l(x) - F_l(a), a_l - x_l), a the anchor; NaN where there is no
    other line to take one from. Dims ``anchor`` ("real", "random") and ``pair``.

    Args:
        real, random: ``(k, d)``; own: ``(P, k)``, the real ones that are ends of the point's line.
    """
    values = np.full((2, len(x)), np.nan)
    if not own.all(-1).any():
        anchors = dynamics.anchors(x[:, 0], real, random, own)
        found = (dynamics.of_pairs(net, x, a.unsqueeze(1)).alignment for a in anchors)
        values = torch.stack([each.nanmean(0)[:, 0] for each in found]).cpu().numpy()
    return xr.DataArray(values, dims=("anchor", "pair"), coords={"anchor": ["real", "random"]})


def made(
    net: Network,
    x: Tensor,
    real: Tensor,
    random: Tensor,
    own: Tensor,
    *,
    strength: float = STRENGTH,
) -> xr.DataArray:
    """``towards`` in the same network, made to attract to the real activations of other lines."""
    if not own.all(-1).any():
        others = torch.stack([real[~mine] for mine in own])  # in each pair's own context
        net = nulls.attracting(net, real=others, strength=strength)
    return towards(net, x, real, random, own)


def gap(pull: xr.DataArray) -> xr.DataArray:
    """How much more they point to real anchors than to random ones."""
    return pull.sel(anchor="real", drop=True) - pull.sel(anchor="random", drop=True)
