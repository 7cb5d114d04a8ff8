"""Curves of the interpolation experiment, and how sharp they are where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.readouts import axis
from plateaus.figures.style import CYCLE, PALETTE, REFERENCE, colours, plain_steps

LABELS = {
    "distance": "d(α) / d(1)",
    "relative_distance": "relative distance ρ",
    "kl": "KL from A  [nats]",
    "root_jsd": "√JSD  [√nats]",
    "logit_difference": "logit difference, scaled",
}


def curves(results: Mapping[str, xr.DataArray], ax: Axes, *, band: bool = True) -> Axes:
    """Median over ``pair`` of each named curve against alpha, with its quartiles as a band."""
    colour = colours(results)
    for name, curve in results.items():
        q = curve.quantile([0.25, 0.5, 0.75], dim="pair", skipna=True)
        ax.plot(curve.alpha, q.sel(quantile=0.5), color=colour[name], label=name)
        if band and curve.sizes["pair"] > 1:
            ax.fill_between(
                curve.alpha,
                q.sel(quantile=0.25),
                q.sel(quantile=0.75),
                color=colour[name],
                alpha=0.18,
                lw=0,
            )
        ax.set_ylabel(LABELS.get(str(curve.name), str(curve.name)))
    return _alpha_axis(ax)


def by_readout(results: Mapping[str, xr.DataArray], ax: Axes, *, straight: float = 1.0) -> Axes:
    """Median and quartiles over ``pair`` of a sharpness, against the read-out in order of depth.

    Args:
        straight: the value of a straight curve, drawn as a dotted line.
    """
    ax.axhline(straight, **REFERENCE)
    colour = colours(results)
    for name, value in results.items():
        x = axis(value, ax)
        q = value.quantile([0.25, 0.5, 0.75], dim="pair", skipna=True)
        ax.plot(x, q.sel(quantile=0.5), "o-", ms=3.5, color=colour[name], label=name)
        ax.fill_between(
            x, q.sel(quantile=0.25), q.sel(quantile=0.75), color=colour[name], alpha=0.18, lw=0
        )
    ax.set_yscale("log")
    plain_steps(ax.yaxis)
    return ax


def pairs(result: xr.DataArray, ax: Axes, *, dashed: Sequence[str] = ()) -> Axes:
    """One curve for each pair, by its label; those of one meaning, ``dashed``, in dots and dashes.

    A label keeps its colour in all panels of a figure; two share one only when none is left over,
    and then not two of one kind of line.
    """
    all_of = [PALETTE[c] for c in CYCLE]
    for i, label in enumerate(map(str, result.pair.values)):
        kind = "-." if label in dashed else "-"
        drawn = [line for panel in ax.figure.axes for line in panel.get_lines()]
        own = [line.get_color() for line in drawn if line.get_label() == label]
        taken = [line.get_color() for line in drawn if line.get_linestyle() == kind]
        unused = [c for c in all_of if c not in [line.get_color() for line in drawn]]
        free = unused or [c for c in all_of if c not in taken] or [PALETTE["ink"]]
        colour = own[0] if own else free[0]
        ax.plot(result.alpha, result.isel(pair=i), color=colour, ls=kind, label=label)
    ax.set_ylabel(LABELS.get(str(result.name), str(result.name)))
    return _alpha_axis(ax)


def _alpha_axis(ax: Axes) -> Axes:
    alpha = np.array([0.0, 1.0])
    ax.plot(alpha, alpha, **REFERENCE, zorder=0)
    ax.set_xlabel("α, from A to B")
    ax.set_xlim(0, 1)
    return ax
