"""Evidence on regions: how sharp the colours of slices are (J5), how many neurons switch at a
boundary (J7), whether slopes know what a prompt means (J8), and how many plateaus there are (P1).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.measures import slices, statistics
from plateaus.measures.statistics import Measured, larger, measured, median, share

Two = tuple[Measured, Measured]


def edge_shares(planes: xr.Dataset) -> np.ndarray:
    """Of every triple, the share of the colour change in the fifth where it is steepest."""
    return slices.edge_share(planes.colour.transpose("triple", "beta", "alpha", "channel").values)


@criterion
def edge_share(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """J5; control: the same triples before training."""
    return median(edge_shares(trained)), median(edge_shares(step_0))


@criterion
def edge_gain(trained: xr.Dataset, step_0: xr.Dataset) -> Measured:
    """J5: the same after training minus before it, triple by triple."""
    return median(edge_shares(trained) - edge_shares(step_0))


GROWN = 0.1
"""A median edge share that grew by more than this has grown."""


def grown(trainings: xr.Dataset, text: str) -> np.ndarray:
    """Of each training on a text, what it adds to the median edge share ``(trainings,)``."""
    middle = trainings.edge_share.isel(training=(trainings.text == text).values).median("triple")
    return (middle.sel(weights="trained") - middle.sel(weights="step 0")).values


@criterion
def every_training(trainings: xr.Dataset) -> Two:
    """J5, of ``book.edges``: share of trainings on stories that sharpen the edges; control: of
    those on shuffled words.
    """
    return tuple(share(grown(trainings, text) > GROWN) for text in ("stories", "shuffled"))


@criterion
def switches(
    dissimilar: xr.Dataset, similar: xr.Dataset | None, exactly: xr.Dataset
) -> tuple[Measured, ...]:
    """J7, of ``experiments.switching``; controls: paths between ends of similar meaning, and a
    count beside the exact number.
    """
    alike = statistics.NOTHING if similar is None else median(similar.crossed)
    true = exactly.exact.where(exactly.exact > 0)
    return median(dissimilar.crossed), alike, median(exactly.counted / true)


@criterion
def more_than_inside(
    different: xr.Dataset,
    similar: xr.Dataset | None,
    different_0: xr.Dataset,
    similar_0: xr.Dataset | None,
) -> Two:
    """J7: sign changes per length, different over similar meaning; control: before training."""
    if similar is None:
        return statistics.NOTHING, statistics.NOTHING
    found = ((different, similar), (different_0, similar_0))
    return tuple(statistics.ratio(x.whole / x.length, y.whole / y.length) for x, y in found)


@criterion
def meaning_at_equal_token(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """J8, of ``experiments.meaning``: does the slope tell different meaning from one meaning?
    Control: before training.
    """
    kinds = ("different", "similar")
    found = ([x.slope.sel(kind=k).values for k in kinds] for x in (trained, step_0))
    return tuple(measured(*two, statistic=larger) for two in found)


@criterion
def meaning_against_token(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """J8: slope of one last token and different meanings minus that of different last tokens and
    one meaning; control: before training.
    """
    return tuple(
        statistics.difference(x.slope.sel(kind="different"), x.slope.sel(kind="words"))
        for x in (trained, step_0)
    )


@criterion
def number(trainings: xr.Dataset) -> Two:
    """P1, of ``studies.plateaus``: plateaus after training over plateaus before it, over trainings;
    control: in a context of shuffled words.
    """
    count = trainings.number
    ratio = count.sel(weights="trained") / count.sel(weights="step 0")
    return median(ratio.sel(text="stories")), median(ratio.sel(text="shuffled"))


def sizes(trainings: xr.Dataset) -> dict[str, np.ndarray]:
    """The same number of each training, by kind of base point ``(seed,)``."""
    each = _size_gained(trainings).median("pair")
    return {base: each.sel(base=base).values for base in ("real", "random")}


def _size_gained(trainings: xr.Dataset) -> xr.DataArray:
    index = trainings.half_exit
    return index.sel(weights="trained") - index.sel(weights="step 0")


@criterion
def size(trainings: xr.Dataset) -> Two:
    """P1: half-exit index after training minus before it, over the activations of the first
    training; control: around random points.
    """
    gain = _size_gained(trainings).isel(seed=0)
    return median(gain.sel(base="real")), median(gain.sel(base="random"))
