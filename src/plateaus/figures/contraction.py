"""Figures of contraction: terms of a departure, extents by depth, chains of balls, spectra."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import PALETTE, REFERENCE, colours
from plateaus.figures.trajectories import KINDS

TERMS = {
    "contraction": (PALETTE["blue"], "interior contracts"),
    "norm": (PALETTE["grey"], "norm grows"),
    "expansion": (PALETTE["orange"], "boundary expands"),
}


def by_block(found: xr.DataArray, ax: Axes) -> Axes:
    """log c of each kind of pair by block, with its interval; dims ``kind, block, bound`` with the
    bounds "value", "low" and "high".
    """
    ax.axhline(0, **REFERENCE)
    for kind, (colour, words) in KINDS.items():
        value, low, high = (found.sel(kind=kind, bound=b) for b in ("value", "low", "high"))
        ax.plot(found.block, value, "o-", ms=3, color=colour, label=words)
        ax.fill_between(found.block, low, high, color=colour, alpha=0.25, lw=0)
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def terms(found: Mapping[str, xr.DataArray], ax: Axes) -> Axes:
    """Bars of the three terms [nats] for each network; arrays with dims ``term, training``: bars
    are means, whiskers the lowest and the highest training.
    """
    width = 0.8 / len(TERMS)
    for k, (term, (colour, words)) in enumerate(TERMS.items()):
        for i, of in enumerate(found.values()):
            each = of.sel(term=term).values
            x = i + (k - 1) * width
            ax.bar(x, each.mean(), width, color=colour, label=None if i else words)
            ax.vlines(x, each.min(), each.max(), color=PALETTE["ink"], lw=1)
    ax.axhline(0, **REFERENCE)
    ax.set_xticks(range(len(found)), list(found))
    ax.set_ylabel("part of the departure  [nats]")
    return ax


def extents(found: Mapping[str, xr.Dataset], ax: Axes, kind: str) -> Axes:
    """Median and quartiles over pairs of the extent, against the number of blocks in between."""
    colour = colours(found)
    for name, one in found.items():
        low, middle, high = (one[kind].quantile(q, dim="pair") for q in (0.25, 0.5, 0.75))
        ax.plot(one.depth, middle, "o-", ms=3, color=colour[name], label=name)
        ax.fill_between(one.depth, low, high, color=colour[name], alpha=0.18, lw=0)
    ax.set(xlabel="blocks in between", ylabel="extent along the segment", ylim=(0, 1))
    return ax


def chain(radii: np.ndarray, direct: float, ax: Axes) -> Axes:
    """A chain of balls: radius by depth, and the largest ball at the start that needs no chain."""
    depth = np.arange(len(radii))
    ax.fill_between(depth, -radii, radii, color=PALETTE["blue"], alpha=0.25, lw=0)
    ax.plot(depth, radii, "o-", ms=3, color=PALETTE["blue"], label="δ of the chain")
    ax.plot(depth, -radii, "o-", ms=3, color=PALETTE["blue"])
    ax.plot([0, 0], [-direct, direct], lw=3, color=PALETTE["orange"], label="without a chain")
    ax.axhline(0, **REFERENCE)
    ax.set(xlabel="blocks passed", ylabel="distance from the trajectory of a")
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def spectra(logs: np.ndarray, ax: Axes, *, first: int = 0) -> Axes:
    """log of the singular values of each block's derivative, ``(blocks, points, d)``: the range,
    the middle half and the median over points and directions.
    """
    blocks = first + np.arange(len(logs))
    low, q1, middle, q3, high = np.quantile(
        logs.reshape(len(logs), -1), [0, 0.25, 0.5, 0.75, 1], axis=1
    )
    ax.fill_between(blocks, low, high, color=PALETTE["sky"], alpha=0.3, lw=0, label="all")
    ax.fill_between(blocks, q1, q3, color=PALETTE["blue"], alpha=0.4, lw=0, label="middle half")
    ax.plot(blocks, middle, "o-", ms=3, color=PALETTE["ink"], label="median")
    ax.axhline(0, **REFERENCE)
    ax.set(xlabel="block", ylabel="log of singular values")
    return ax


def through_training(found: xr.DataArray, ax: Axes) -> Axes:
    """A number of networks on the way through their training, one thin line for each seed; dim
    ``state`` with ``model``, ``seed`` and ``step``. Across: the share of the steps done.
    """
    ax.axhline(0, **REFERENCE)
    names = list(dict.fromkeys(found.model.values.tolist()))
    colour = colours(names)
    for name in names:
        of = found.isel(state=(found.model == name).values)
        for k, seed in enumerate(dict.fromkeys(of.seed.values.tolist())):
            one = of.isel(state=(of.seed == seed).values).sortby("step")
            done = one.step.values / one.step.values.max()
            label = None if k else name
            ax.plot(done, one.values, "o-", ms=3, lw=1, color=colour[name], alpha=0.8, label=label)
    ax.set_xscale("symlog", linthresh=0.003)
    ax.set_xticks([0, 0.01, 0.1, 1], ["0", "1%", "10%", "100%"])
    ax.set(xlabel="share of the steps done")
    return ax
