"""Evidence from ``experiments.trajectories``: contraction inside plateaus, and attraction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.experiments import pulls
from plateaus.experiments.decoys import excess
from plateaus.measures.statistics import NOTHING, Measured, grouped, median


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


@criterion
def decoys(study: xr.Dataset, *, pull: float = 0.1) -> tuple[Measured, ...]:
    """How much more distances to decoys grow than those to mates, of ``experiments.decoys.study``;
    where mates have ``words``, the interval is over these.

    Controls: the three nulls, and the network made to attract by this share of the way a block.
    """
    each = excess(study)
    return tuple(_over_words(each.sel(network=n), study.get("words")) for n in _networks(pull))


@criterion
def decoys_over_trainings(studies: xr.Dataset, *, pull: float = 0.1) -> tuple[Measured, ...]:
    """The same over trainings, medians of each training's own decoys: dim ``training``."""
    each = excess(studies).median("pair")
    return tuple(median(each.sel(network=n).values) for n in _networks(pull))


def _over_words(values: xr.DataArray, words: xr.DataArray | None) -> Measured:
    if words is None:
        return median(values.values)
    found = grouped((values.values, words.values), statistic=np.median)
    return replace(found, n=values.size)


def _networks(pull: float) -> tuple[str, ...]:
    return "trained", "untrained", "linearised", "sign-flipped", f"pulled by {pull:g}"
