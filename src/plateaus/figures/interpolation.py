"""Curves of the interpolation experiment, and how sharp they are where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from plateaus.figures.readouts import labels
from plateaus.figures.style import PALETTE

COLOURS = [PALETTE[c] for c in ("blue", "orange", "green", "purple", "yellow", "sky", "grey")]
LABELS = {
    "distance": "d(α) / d(1)",
    "relative_distance": "relative distance ρ",
    "kl": "KL(p_A ‖ p(α))  [nats]",
    "root_jsd": "√JSD  [√nats]",
    "logit_difference": "logit difference, scaled",
}


def curves(results: Mapping[str, xr.DataArray], ax: Axes, *, band: bool = True) -> Axes:
    """Median over ``pair`` of each named curve against alpha, with its quartiles as a band."""
    for (name, curve), colour in zip(results.items(), COLOURS, strict=False):
        q = curve.quantile([0.25, 0.5, 0.75], dim="pair", skipna=True)
        ax.plot(curve.alpha, q.sel(quantile=0.5), color=colour, label=name)
        if band and curve.sizes["pair"] > 1:
            ax.fill_between(
                curve.alpha,
                q.sel(quantile=0.25),
                q.sel(quantile=0.75),
                color=colour,
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
    ax.axhline(straight, color=PALETTE["grey"], ls=":", lw=1.2)
    for (name, value), colour in zip(results.items(), COLOURS, strict=False):
        x = np.arange(value.sizes["readout"])
        q = value.quantile([0.25, 0.5, 0.75], dim="pair", skipna=True)
        ax.plot(x, q.sel(quantile=0.5), "o-", ms=3.5, color=colour, label=name)
        ax.fill_between(
            x, q.sel(quantile=0.25), q.sel(quantile=0.75), color=colour, alpha=0.18, lw=0
        )
        ax.set_xticks(x, labels(value), rotation=60, ha="right")
    ax.set_xlabel("read behind block, or at")
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    return ax


def pairs(result: xr.DataArray, ax: Axes, *, dashed: Sequence[str] = ()) -> Axes:
    """One curve for each pair, by its label; ``dashed`` labels are drawn dashed."""
    for i, (label, colour) in enumerate(zip(result.pair.values, COLOURS, strict=False)):
        ax.plot(
            result.alpha,
            result.isel(pair=i),
            color=colour,
            ls="--" if label in dashed else "-",
            label=str(label),
        )
    ax.set_ylabel(LABELS.get(str(result.name), str(result.name)))
    return _alpha_axis(ax)


def _alpha_axis(ax: Axes) -> Axes:
    alpha = np.array([0.0, 1.0])
    ax.plot(alpha, alpha, color=PALETTE["grey"], ls=":", lw=1.2, zorder=0)
    ax.set_xlabel("α along the path from A to B")
    ax.set_xlim(0, 1)
    return ax
