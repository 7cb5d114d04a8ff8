"""Behind the chapters on dynamics: several trainings on English prose, each by its last weights."""

from __future__ import annotations

import xarray as xr

from plateaus.networks.language_model import LanguageModel
from plateaus.studies import attraction, contraction, dynamics

MODEL = "prose-4l-2.5m"
"""Four blocks, 2.5 million tokens. No model of this size ships."""
LINES = ("log_c", "total", "later", "terms", "identity", "telescoping", "shares", "affine")
REACHED = ("fixed", "relative", "grows", "appended", "overlap", "shifted")


def of_training(lm: LanguageModel, pairs: int, *, seed: int = 0) -> xr.Dataset:
    """What ``contraction.of_model``, ``attraction.of_model`` and ``dynamics.of_models`` give of one
    training; the ``affine`` of the last of the three is ``affine_extent``.
    """
    lines = contraction.of_model(lm, pairs, seed)[list(LINES)]
    drawn = attraction.of_model(lm, pairs)
    reached = dynamics.of_models([lm], pairs).isel(training=0, drop=True)
    reached = reached[list(REACHED)].assign(affine_extent=reached.affine)
    found = xr.merge([lines, drawn, reached], combine_attrs="drop")
    return found.expand_dims(training=[lm.name])


def lines(kept: xr.Dataset) -> xr.Dataset:
    """Of trainings side by side, what ``contraction.of_model`` gave."""
    return kept[list(LINES)].assign_attrs(model=MODEL)


def extents(kept: xr.Dataset) -> xr.Dataset:
    """What ``dynamics.of_models`` gave of them."""
    found = kept[list(REACHED)].assign(affine=kept.affine_extent)
    return found.assign_attrs(model=MODEL)


def drawn(kept: xr.Dataset) -> xr.Dataset:
    """What ``attraction.of_model`` gave of them."""
    return kept[["pull", "made", "log_total", "beside", "words"]].assign_attrs(model=MODEL)
