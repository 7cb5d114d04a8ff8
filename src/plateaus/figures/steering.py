"""Predictions against the dose of a steering vector, and doses against exits."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import BOUND, CYCLE, PALETTE, REFERENCE, plain_steps

COLOURS = [PALETTE[name] for name in CYCLE]


def staying(result: xr.Dataset, ax: Axes) -> Axes:
    """Share of prompts whose top prediction stays the first, against the length that is added."""
    length = result.part * result.attrs["full"]
    for vector, colour in zip(result.vector.values, COLOURS, strict=False):
        ax.plot(length, result.same.sel(vector=vector).mean("pair"), color=colour, label=vector)
    ax.set_xlabel("length added  [median activations]")
    ax.set_ylabel("share of predictions that stay")
    ax.set_ylim(0, 1.02)
    return ax


def against_exit(result: xr.Dataset, ax: Axes) -> Axes:
    """Dose of the change against that of the exit, in units of the vector; dotted: equal, dashed:
    between 0.8 and 1.25 of each other.
    """
    for vector, colour in zip(result.vector.values, COLOURS, strict=False):
        one = result.sel(vector=vector)
        ax.plot(one.exit, one.flip, ".", ms=4, alpha=0.6, color=colour, label=vector)
    ends = [float(result.exit.min()), float(result.exit.max())]
    ax.plot(ends, ends, **REFERENCE)
    for factor in (0.8, 1.25):
        ax.plot(ends, [factor * x for x in ends], **BOUND)
    ax.set_xscale("log")
    ax.set_yscale("log")
    plain_steps(ax.xaxis)
    plain_steps(ax.yaxis)
    ax.set_xlabel("dose of the exit")
    ax.set_ylabel("dose of the change")
    return ax
