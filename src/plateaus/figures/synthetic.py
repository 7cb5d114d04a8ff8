"""Distances along walks from real and synthetic activations, and where they are steepest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import BOUND, CYCLE, PALETTE

COLOURS = [PALETTE[name] for name in CYCLE]


def curves(
    results: Mapping[str, xr.Dataset], bases: Sequence[str], ax: Axes, *, level: float
) -> Axes:
    """Median over base points of each kind of the distance moved against the step; dashed:
    ``level``.
    """
    ax.axhline(level, **BOUND)
    for kind, colour in zip(bases, COLOURS, strict=False):
        result = results[f"{kind}, towards random"]
        ax.plot(result.step, result.distance.median("pair"), color=colour, label=kind)
    ax.set_xlabel("step  [hundredths of the way]")
    ax.set_ylabel("distance moved  [units of the stream]")
    return ax


def shares(steepest: xr.DataArray, targets: Sequence[str], ax: Axes) -> Axes:
    """Share of base points ``(way, pair)`` at or below each step: a staircase for each target."""
    for kind, colour in zip(targets, COLOURS, strict=False):
        ax.ecdf(steepest.sel(way=f"real, towards {kind}").values, color=colour, label=kind)
    ax.set_xlabel("step of steepest change")
    ax.set_ylabel("share of base points")
    ax.set_xlim(0, 100)
    return ax
