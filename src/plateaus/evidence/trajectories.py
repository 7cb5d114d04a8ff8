"""Evidence from ``experiments.trajectories``: contraction inside plateaus, and attraction."""

from __future__ import annotations

import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.measures.statistics import Measured, median


@criterion
def log_contraction(study: xr.Dataset) -> tuple[Measured, ...]:
    """Sum of log c over all blocks for pairs inside one plateau.

    Controls: the untrained, the linearised and the sign-flipped network.
    """
    networks = ("trained", "untrained", "linearised", "sign-flipped")
    return tuple(median(study.log_total.sel(network=name).values) for name in networks)


@criterion
def attraction(study: xr.Dataset) -> tuple[Measured, Measured]:
    """How much straighter updates point to real activations of other lines than to random points
    at the same distance. Control: before training.
    """
    gap = study.pull.sel(anchor="real") - study.pull.sel(anchor="random")
    trained, untrained = (median(gap.sel(weights=w).values) for w in ("trained", "untrained"))
    return trained, untrained


@criterion
def over_trainings(attractions: xr.Dataset) -> tuple[Measured, Measured]:
    """The same over trainings of one network, of ``experiments.trajectories.attractions``."""
    trained, untrained = (
        median(attractions.gap.sel(weights=w).values) for w in ("trained", "untrained")
    )
    return trained, untrained
