"""Half-exit indices of toys with room for all their features and without."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import PALETTE, REFERENCE

SHIFT = {"untrained": -0.12, "trained": 0.12}
SHADE = {"untrained": PALETTE["grey"], "trained": PALETTE["blue"]}


def indices(studies: Mapping[str, xr.Dataset], ax: Axes, *, direction: str) -> Axes:
    """A dot for each seed, at each width of each study; dims ``width, weights, seed, direction,
    pair``.
    """
    ticks = []
    for name, study in studies.items():
        middle = study.half_exit.sel(direction=direction).median("pair")
        for width in study.width.values:
            at = len(ticks)
            ticks.append(f"{name.split(', ')[-1]}, {width}")
            for weights in SHIFT:
                values = middle.sel(width=width, weights=weights).values
                x = np.full(len(values), at + SHIFT[weights])
                label = weights if at == 0 else None
                ax.scatter(x, values, c=SHADE[weights], s=18, label=label)
    ax.axhline(1, **REFERENCE)
    ax.set_xticks(range(len(ticks)), ticks, rotation=90)
    ax.set_xlabel("target, dimensions")
    ax.set_ylim(bottom=0)
    ax.set_ylabel("half-exit index")
    return ax
