"""Distances along walks from real and synthetic activations, and where they are steepest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
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


def edits(
    moved: Mapping[str, Mapping[str, tuple[float, float, float]]], names: Sequence[str], ax: Axes
) -> Axes:
    """Dots with intervals, (value, low, high), of each way (a colour) for each edit (a row)."""
    rows = np.arange(len(names))[::-1]
    for shift, (way, each), colour in zip((0.22, 0.0, -0.22), moved.items(), COLOURS, strict=False):
        value, low, high = np.array([each[name] for name in names]).T
        ax.hlines(rows + shift, low, high, color=colour)
        ax.plot(value, rows + shift, "o", ms=5, color=colour, label=way)
    ax.set_yticks(rows, names)
    ax.set_xlabel("distance moved")
    return ax
