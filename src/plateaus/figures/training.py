"""Slopes of many trainings: on their way, beside a reference, and against their loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from plateaus.figures.style import CYCLE, PALETTE, REFERENCE

Line = tuple[Sequence[float], Sequence[float]]
"""What is drawn across, and up."""


def through_training(trainings: Sequence[Line], ax: Axes, *, unit: str) -> Axes:
    """Median maximum slope against what was trained on, one line for each training; the value
    before training is grey.
    """
    ax.axhline(1, **REFERENCE)
    for seen, slope in trainings:
        ax.plot(seen, slope, "o-", ms=4, color=PALETTE["blue"], lw=1.2)
        ax.plot(seen[:1], slope[:1], "o", ms=5, color=PALETTE["grey"], zorder=4)
    return _slope_against(unit, ax)


def differences(rows: Mapping[str, tuple[float, float, float, Sequence[float]]], ax: Axes) -> Axes:
    """A number with its interval in each named row, and the seeds that it is the mean of."""
    ax.axvline(0, **REFERENCE)
    for place, (value, low, high, seeds) in enumerate(rows.values()):
        ax.plot([low, high], [place, place], color=PALETTE["blue"], lw=1.5)
        ax.plot(seeds, np.full(len(seeds), place), "o", ms=4, mfc="none", color=PALETTE["ink"])
        ax.plot(value, place, "o", ms=7, color=PALETTE["blue"])
    ax.set_yticks(range(len(rows)), list(rows))
    ax.invert_yaxis()
    return ax


def against_loss(kinds: Mapping[str, Sequence[Line]], ax: Axes) -> Axes:
    """Slope against held-out loss on the way of each training, a colour for each kind; the loss
    falls to the right, a dot is the end.
    """
    for (name, trainings), colour in zip(kinds.items(), CYCLE, strict=False):
        for k, (loss, slope) in enumerate(trainings):
            ax.plot(loss, slope, color=PALETTE[colour], lw=1.3, label=None if k else name)
            ax.plot(loss[-1], slope[-1], "o", ms=6, color=PALETTE[colour])
    ax.invert_xaxis()
    ax.set_xlabel("held-out loss  [nats per word]")
    ax.set_ylabel("maximum slope")
    ax.legend()
    return ax


def schedules(
    lines: Mapping[str, Line], points: Mapping[str, tuple[float, float, float, float]], ax: Axes
) -> Axes:
    """Slope against tokens on several schedules, a colour for each; and models at one place,
    (millions of tokens, value, low, high), by a mark each that the legend explains.
    """
    ax.axhline(1, **REFERENCE)
    for (name, (seen, slope)), colour in zip(lines.items(), CYCLE, strict=False):
        ax.plot(seen, slope, "o-", ms=4, color=PALETTE[colour], lw=1.2, label=name)
    marks = ("s", "^", "D", "v", "P", "X")
    for (name, (seen, value, low, high)), mark in zip(points.items(), marks, strict=False):
        ax.plot([seen, seen], [low, high], color=PALETTE["ink"], lw=1)
        ax.plot(seen, value, mark, ms=6, mfc="white", color=PALETTE["ink"], label=name)
    ax.legend(loc="upper left")
    return _slope_against("tokens read  [millions]", ax)


def _slope_against(read: str, ax: Axes) -> Axes:
    ax.set_xscale("symlog", linthresh=0.02)
    ax.set_xticks([0, 0.1, 1, 10, 100], ["0", "0.1", "1", "10", "100"])
    ax.set_xlim(-0.003, 150)
    ax.set_xlabel(read)
    ax.set_ylabel("maximum slope")
    return ax
