"""Figures of many small trainings: scores with their intervals, side by side or as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from plateaus.figures.style import MERGE, PALETTE, REFERENCE, plain_powers

FAMILIES = {"rule": "blue", "table": "green", "function": "orange"}
"""Colours of classifications by rule, of benchmarks, and of regressions by rule."""


def dots(
    values: xr.DataArray, ax: Axes, *, colours: Sequence[str], grey: xr.DataArray | None = None
) -> Axes:
    """A dot with its interval for every setting, the first on top; ``values`` has dims ``bound,
    setting``, ``grey`` the same before training.
    """
    at = np.arange(values.sizes["setting"])[::-1]
    for one, shade in ((grey, [PALETTE["grey"]] * len(at)), (values, colours)):
        if one is None:
            continue
        middle, low, high = (one.sel(bound=b).values for b in ("value", "low", "high"))
        ax.hlines(at, low, high, colors=shade, lw=2)
        ax.scatter(middle, at, c=shade, s=26, zorder=3)
    ax.set_yticks(at, values.setting.values)
    ax.set_ylim(-0.7, len(at) - 0.3)
    ax.grid(axis="y", visible=False)
    return ax


def score_and_gain(found: xr.Dataset, axes: Sequence[Axes], colours: Sequence[str]) -> None:
    """Two panels of ``experiments.tasks.scores``: the score, before training in grey; the gain."""
    score = found.score
    dots(score.sel(weights="trained"), axes[0], colours=colours,
         grey=score.sel(weights="untrained"))  # fmt: skip
    dots(found.gain, axes[1], colours=colours)
    axes[1].set_yticklabels([])
    for ax, words in zip(axes, ("plateau score", "slope gained"), strict=True):
        ax.axvline(0, **REFERENCE)
        ax.set_xlabel(words)


def against(
    quality: np.ndarray, score: np.ndarray, ax: Axes, *, colours: Sequence[str], label: str
) -> Axes:
    """A dot for each task, ``(tasks,)``: its score over how well it was learnt; losses, which
    differ by their factor, on a logarithmic axis.
    """
    ax.scatter(quality, score, c=colours, s=26, zorder=3)
    if "loss" in label:
        ax.set_xscale("log")
        plain_powers(ax.xaxis)
    ax.set(xlabel=label, ylabel="plateau score", ylim=(-0.1, 1))
    return ax


def cells(score: xr.DataArray, ax: Axes, *, mark: xr.DataArray | None = None) -> ScalarMappable:
    """A table of scores, dims ``bound, row, column``, each with half the length of its interval;
    where ``mark`` is true the network did not learn its task, and the cell is crossed out. NaN, of
    a network whose ends are the same, is "none".
    """
    middle, low, high = (score.sel(bound=b).values for b in ("value", "low", "high"))
    drawn = ax.imshow(middle, cmap=MERGE, vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(middle):
        ink = "white" if value < 0.55 else "black"
        half = (high[i, j] - low[i, j]) / 2
        words = f"{value:.2f}\n±{half:.2f}" if np.isfinite(value) else "none"
        ax.text(j, i, words, ha="center", va="center", color=ink)
        if mark is not None and bool(mark.values[i, j]):
            ax.plot([j - 0.48, j + 0.48], [i + 0.48, i - 0.48], color=ink, lw=1)
    names = [str(name).replace("-", "-\n") for name in score.column.values]
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(score.sizes["row"]), score.row.values)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    return drawn
