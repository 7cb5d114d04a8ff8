"""Do real activations draw in what is not real? A point beside a real one, and a real one as far
off.

A growing network dilutes all distances, and random anchors are drawn to real activations where
these attract. So each real activation a gets two neighbours at one distance: its **mate**, another
real activation, and a **decoy**, which is none: it lies in the direction that leads from another
real activation to *its* mate. Where real trajectories attract, decoys come closer to a than mates
do, which follow trajectories of their own; what the network does to all differences alike cancels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.pairs import Pairs
from plateaus.errors import BadPoints
from plateaus.experiments import power
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.sharpness import over
from plateaus.measures import dynamics
from plateaus.networks import nulls
from plateaus.networks.network import Network

PULLS = (0.05, 0.1, 0.2)
"""Shares of the way by which the positive controls move each point in each block."""
TO = ("mate", "decoy")


def beside(a: Tensor, mates: Tensor) -> Tensor:
    """A decoy for each a: as far off as its mate, along the displacement of the mate of another
    that is nearest to being perpendicular to its own; all ``(pairs, d)``.

    Raises:
        BadPoints: fewer than two pairs, or a mate that is its own a.
    """
    away = (mates - a).double()
    length = away.norm(dim=-1, keepdim=True)
    if len(a) < 2 or not (length > 0).all():
        raise BadPoints(
            f"Decoys are made of the displacements of other mates, got {len(a)} pairs, "
            f"{int((length == 0).sum())} of them of one point: give two or more, of distinct ones."
        )
    unit = away / length
    across = (unit @ unit.T).abs().fill_diagonal_(2)
    return a + (length * unit[across.argmin(-1)]).to(a)


def half_way(net: Network, a: Tensor, b: Tensor) -> Ends:
    """Inputs ``(pairs, inputs)`` and their mates, entering half-way through the blocks: in networks
    on the plane, where every point that enters the first block may be real.
    """
    return Ends.of_inputs(net, a, b, block=net.first + len(net) // 2)


@checked
def follow(ends: Ends, *, against_nulls: bool = False) -> xr.Dataset:
    """``log_total``, the sum of log c over all blocks from each a to its mate b and to its decoy.

    Args:
        against_nulls: whether to measure it in the linearised network (the affine one tangent at
            the mean real activation) and in the sign-flipped one too.

    Returns:
        Dims ``network`` ("trained", and the nulls), ``to`` ("mate", "decoy") and ``pair``.
    """
    decoys, centre = beside(ends.a, ends.b), torch.cat([ends.a, ends.b]).mean(0)
    parts, at = [], 0
    for part in ends.parts(2):
        rows = slice(at, at + len(part.a))
        networks = {"trained": part.net}
        if against_nulls:
            networks |= nulls.both(part.net, at=centre.expand(len(part.a), -1))
        a, both = part.a.unsqueeze(1), torch.stack([part.b, decoys[rows]], 1)
        found = [dynamics.of_pairs(net, a, both).log_total for net in networks.values()]
        values = torch.stack(found).movedim(-1, 1).numpy(force=True)
        parts.append(xr.DataArray(values, dims=("network", "to", "pair")))
        at = rows.stop
    total = xr.concat(parts, "pair")
    named = total.assign_coords(network=list(networks), to=list(TO), pair=range(len(ends)))
    return xr.Dataset({"log_total": named}, attrs=ends.attrs)


@checked
def study(ends: Ends, untrained: Ends, *, pulls: Sequence[float] = PULLS) -> xr.Dataset:
    """``follow`` in the network, in its nulls and where every real activation attracts.

    Args:
        pulls: by which share of the way, see ``power.attracting``.

    Returns:
        Dims as there, with the networks "trained", "linearised", "sign-flipped", "untrained" and
        "pulled by 0.1" for each of the pulls.
    """
    made = {f"pulled by {s:g}": power.attracting(ends, s) for s in pulls}
    one = lambda each: follow(each).isel(network=0, drop=True)  # noqa: E731
    rest = over("network", {"untrained": untrained} | made, one)
    return xr.concat([follow(ends, against_nulls=True), rest], "network").assign_attrs(ends.attrs)


def excess(result: xr.Dataset) -> xr.DataArray:
    """How much more the distance to the decoy grows than that to the mate: below zero where decoys
    are drawn in.
    """
    return result.log_total.sel(to="decoy", drop=True) - result.log_total.sel(to="mate", drop=True)


def words(pairs: Pairs) -> np.ndarray:
    """A number for the two last words of each pair, whichever comes first: in some languages few
    words have one meaning, so that many pairs end in the same two.
    """
    low, high = torch.stack([pairs.a[:, -1], pairs.b[:, -1]]).sort(0).values
    return torch.unique(torch.stack([low, high]), dim=1, return_inverse=True)[1].numpy(force=True)
