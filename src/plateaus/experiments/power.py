"""Would an attraction be seen if there were one? The same measurements where real ones attract."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import xarray as xr

from plateaus.experiments import pulls, trajectories
from plateaus.experiments.ends import Ends
from plateaus.experiments.runs import Runs
from plateaus.experiments.sharpness import over
from plateaus.networks import nulls


def attracting(ends: Ends, strength: float, *, others: bool = False) -> Ends:
    """The same ends in networks in which each of them attracts; see ``nulls.attracting``.

    Args:
        others: no line is attracted by its own two ends.
    """
    real = torch.cat([ends.a, ends.b])
    line = torch.arange(len(ends)).repeat(2)

    def make(rows: Sequence[int]) -> Runs:
        runs = ends.make(rows)
        k = ends.block - runs.net.first
        # in each pair's own context
        own = torch.stack([real[line != i] if others else real for i in rows])
        tail = nulls.attracting(runs.net[k:], real=own, strength=strength)
        blocks = (*runs.net.blocks[:k], *tail.blocks)
        return Runs(net=runs.net.with_blocks(blocks), a=runs.a, b=runs.b)

    return ends.elsewhere(make)


def seen(
    ends: Ends,
    strengths: Sequence[float],
    *,
    others: bool = False,
    steps: int = 41,
    share: float = 0.25,
    seed: int = 0,
) -> xr.Dataset:
    """What the claim's two measurements say of networks that attract by each of these strengths.

    Returns:
        ``to_half``, the sum of log c from a to the point half-way to the exit; and ``attraction``,
        how much straighter updates point to real anchors of other lines than to random ones; dims
        ``strength, pair``.
    """
    follow = partial(trajectories.follow, steps=steps, share=share, seed=seed)

    def measure(strength: float) -> xr.Dataset:
        found = follow(attracting(ends, strength, others=others) if strength else ends)
        pull = pulls.gap(found.pull)
        total = found.log_total.sel(network="trained", drop=True)
        return xr.Dataset({"to_half": total, "attraction": pull})

    return over("strength", {s: s for s in strengths}, measure)
