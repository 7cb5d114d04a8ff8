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
    seen = set()
    for model in values.model.values:
        name, at = str(model), {"model": model}
        x, y = float(values[by].sel(at)), float(middle.sel(at))
        if not np.isfinite([x, y]).all():
            continue
        family = next((f for f in FAMILIES if name.startswith(f)), None)
        bar = [[y - float(low.sel(at))], [float(high.sel(at)) - y]]
        style = {"color": FAMILIES.get(family, PALETTE["ink"]), "fmt": "o", "capsize": 2}
        ax.errorbar(x, y, yerr=bar, label=None if family in seen else family, **style)
        seen.add(family)
        if named:  # without its family, which the colour tells: whole names cover each other
            short = name.removeprefix(f"{family}-")
            place = {"xytext": (0, 5), "textcoords": "offset points", "ha": "center"}
            ax.annotate(short, (x, y), **place)
    ax.set_xscale("log")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(0.2)
    ax.set_xlabel(LABELS[by])
    ax.set_ylabel("gain in maximum slope of d(α)/d(1)")
    return ax
