"""Evidence from ``experiments.trajectories``: contraction inside plateaus, and attraction."""

from __future__ import annotations

import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.experiments import pulls
from plateaus.measures.statistics import NOTHING, Measured, median


@criterion
def log_contraction(study: xr.Dataset) -> tuple[Measured, ...]:
    """Sum of log c over all blocks for pairs inside one plateau.

    Controls: the untrained, the linearised and the sign-flipped network.
    """
    networks = ("trained", "untrained", "linearised", "sign-flipped")
    return tuple(median(study.log_total.sel(network=name).values) for name in networks)


@criterion
def attraction(study: xr.Dataset) -> tuple[Measured, ...]:
    """How much straighter updates point to real activations of other lines than to random points
    at the same distance. Controls: before training, and where those were made to attract, if that
    was measured.
    """
    trained, untrained = (pulls.gap(study.pull.sel(weights=w)) for w in ("trained", "untrained"))
    made = median(pulls.gap(study.made).values) if "made" in study else NOTHING
    return median(trained.values), median(untrained.values), made


@criterion
def over_trainings(attractions: xr.Dataset) -> tuple[Measured, ...]:
    """The same over trainings of one network, of ``experiments.trajectories.attractions``."""
    trained, untrained = (attractions.gap.sel(weights=w) for w in ("trained", "untrained"))
    made = median(attractions.made.values) if "made" in attractions else NOTHING
    return median(trained.values), median(untrained.values), made
