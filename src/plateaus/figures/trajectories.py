"""Figures of the dynamics: points of a line through depth, how their gaps grow, and the nulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import PALETTE, REFERENCE, colours

PLATEAUS = {0: PALETTE["yellow"], 1: PALETTE["blue"], 2: PALETTE["orange"]}
KINDS = {
    "inside": (PALETTE["blue"], "inside one plateau"),
    "between": (PALETTE["orange"], "between plateaus"),
    "random": (PALETTE["green"], "random, matched"),
}


def positions(line: xr.Dataset, ax: Axes, *, marked: Sequence[int] = ()) -> Axes:
    """Where each point of one line projects on the chord, block by block; ``marked`` points are
    drawn thick.

    ``line`` has ``position`` (``depth, point``) and ``plateau`` (``point``).
    """
    return _through_depth(line.position, line.plateau, ax, marked, "position on the chord, a to b")


def distances(line: xr.Dataset, ax: Axes, *, marked: Sequence[int] = ()) -> Axes:
    """The same points' absolute distance from a's trajectory; ``line`` has ``from_a`` (``depth,
    point``).
    """
    _through_depth(line.from_a, line.plateau, ax, marked, "distance from a")
    ax.set_ylim(0, None)
    return ax


def _through_depth(
    values: xr.DataArray, plateau: xr.DataArray, ax: Axes, marked: Sequence[int], words: str
) -> Axes:
    for k in range(values.sizes["point"]):
        thick = k in marked
        ax.plot(
            values.depth,
            values.isel(point=k),
            color=PLATEAUS[int(plateau[k])],
            lw=2.2 if thick else 0.8,
            alpha=1 if thick else 0.65,
            marker="o" if thick else None,
            ms=4,
            markevery=max(1, values.sizes["depth"] // 6),
            zorder=3 if thick else 2,
        )
    ax.set(xlabel="block about to be entered", ylabel=words)
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def log_ratios(by_kind: xr.DataArray, ax: Axes, *, summed: bool = False) -> Axes:
    """log c by block for each kind of pair (``kind, block``), or what is summed up to it."""
    ax.axhline(0, **REFERENCE)
    for kind in by_kind.kind.values:
        colour, words = KINDS[str(kind)]
        ax.plot(by_kind.block, by_kind.sel(kind=kind), "o-", ms=3, color=colour, label=words)
    words = "sum of log c up to this block" if summed else "log c of the block"
    ax.set(xlabel="block", ylabel=words)
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def spacing(ginis: Mapping[str, xr.DataArray], ax: Axes) -> Axes:
    """Median and quartiles over lines of the spacing Gini (``pair, depth``), one band for each
    name.
    """
    colour = colours(ginis)
    for name, gini in ginis.items():
        low, middle, high = (gini.quantile(q, dim="pair") for q in (0.25, 0.5, 0.75))
        ax.plot(gini.depth, middle, color=colour[name], label=name)
        ax.fill_between(gini.depth, low, high, color=colour[name], alpha=0.18, lw=0)
    ax.set(xlabel="block about to be entered", ylabel="spacing Gini", ylim=(0, None))
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def totals(log_total: xr.DataArray, ax: Axes) -> Axes:
    """Distribution over lines of the sum of log c (``network, pair``): box to the quartiles,
    whiskers to 5 and 95%.
    """
    names = [str(n) for n in log_total.network.values]
    rows = np.arange(len(names), 0, -1)  # the first at the top
    boxes = ax.boxplot(
        [log_total.sel(network=n).values for n in names],
        positions=rows,
        vert=False,
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        widths=0.55,
        medianprops={"color": PALETTE["ink"]},
    )
    for patch, colour in zip(boxes["boxes"], colours(names).values(), strict=True):
        patch.set(facecolor=colour, alpha=0.55)
    ax.axvline(0, **REFERENCE)
    ax.set_yticks(rows, names)
    ax.set(xlabel="sum of log c over all blocks")
    return ax
