"""Distances along walks from real and synthetic activations, and where they are steepest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import PALETTE

COLOURS = [PALETTE[c] for c in ("blue", "orange", "purple", "green", "red") if c in PALETTE]


def curves(results: Mapping[str, xr.Dataset], ax: Axes, *, level: float) -> Axes:
    """Median over base points of the distance moved, divided by ``level``'s unit, per step."""
    ax.axhline(level, color=PALETTE["ink"], ls=":", lw=1)
    for (name, result), colour in zip(results.items(), COLOURS, strict=False):
        ax.plot(result.step, result.distance.median("pair"), color=colour, label=name)
    ax.set_xlabel("step  [hundredths of the way]")
    ax.set_ylabel("distance moved  [units of the stream]")
    return ax


def shares(values: Mapping[str, np.ndarray], ax: Axes, *, label: str) -> Axes:
    """Share of base points at or below each step: one staircase for each kind."""
    for (name, x), colour in zip(values.items(), COLOURS, strict=False):
        ax.ecdf(x, color=colour, label=name)
    ax.set_xlabel(label)
    ax.set_ylabel("share of base points")
    ax.set_xlim(0, 100)
    return ax
