"""What a grid found, against the size of its models."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from plateaus.figures.style import PALETTE

LABELS = {"parameters": "parameters", "tokens": "tokens of training"}
FAMILIES = {"laboratory": PALETTE["orange"], "prose": PALETTE["blue"]}


def against_size(values: xr.DataArray, ax: Axes, *, by: str, named: bool = True) -> Axes:
    """Median over ``seed``, the range as a bar, one point a model, against a size coordinate."""
    middle, low, high = (getattr(values, f)("seed") for f in ("median", "min", "max"))
    for model in values.model.values:
        name, at = str(model), {"model": model}
        x, y = float(values[by].sel(at)), float(middle.sel(at))
        if not np.isfinite([x, y]).all():
            continue
        colour = next((c for f, c in FAMILIES.items() if name.startswith(f)), PALETTE["ink"])
        bar = [[y - float(low.sel(at))], [float(high.sel(at)) - y]]
        ax.errorbar(x, y, yerr=bar, fmt="o", color=colour, capsize=2)
        if named:
            ax.annotate(
                name, (x, y), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=6
            )
    ax.set_xscale("log")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(0.2)
    ax.set_xlabel(LABELS[by])
    ax.set_ylabel("gain in maximum slope of d(α)/d(1)")
    return ax
