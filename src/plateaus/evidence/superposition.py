"""Evidence from ``studies.superposition``: do plateaus appear where features share dimensions?"""

from __future__ import annotations

import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.evidence.interpolation import median
from plateaus.measures.statistics import Measured


@criterion
def half_exit_gained(study: xr.Dataset) -> tuple[Measured, Measured, Measured]:
    """Half-exit index in random directions with room for all features minus without it.

    Controls: the same before training, and the features recovered without room for them.
    """
    widths = study.width.values.tolist()
    index = study.half_exit.sel(direction="random").median("pair")
    gained = index.sel(width=max(widths)) - index.sel(width=min(widths))
    recovered = study.recovered.sel(width=min(widths), weights="trained")
    return (
        median(gained.sel(weights="trained")),
        median(gained.sel(weights="untrained")),
        median(recovered),
    )
