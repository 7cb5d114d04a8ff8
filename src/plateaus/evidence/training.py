"""Evidence from ``book.trainings``: what in training makes plateaus (J3, J4, P2).

A result has the dim ``state``, a moment of one training, with the coordinates ``cell``, ``seed``
and ``step``. One training is one number: the median over pairs of the maximum slope of its stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr
from scipy import stats

from plateaus.evidence.criterion import criterion
from plateaus.evidence.paired import alike
from plateaus.experiments.sharpness import slopes
from plateaus.measures.statistics import LEVEL, Measured, median, share

GROWN = 0.25
"""A median slope that grew by more than this has grown."""
SHALLOW, DEEP, WIDE = "reference", "deep", "wide"
"""Cells of 3 x 128, 6 x 128 and 3 x 180; the last two have equally many weights."""


def of_cell(result: xr.Dataset, cell: str) -> list[xr.Dataset]:
    """The trainings of a cell, by seed; each has its states in order."""
    chosen = result.isel(state=np.flatnonzero(result.cell == cell)).sortby("step")
    return [
        chosen.isel(state=np.flatnonzero(chosen.seed == seed)) for seed in np.unique(chosen.seed)
    ]


def medians(training: xr.Dataset, reading: str = "stream") -> np.ndarray:
    """Median maximum slope over pairs of each state ``(state,)``."""
    return training.slope.sel(reading=reading).median("pair").values.astype(float)


def slope_at(result: xr.Dataset, cell: str, state: int = -1, reading: str = "stream") -> np.ndarray:
    """That of one state, by default the last, of each training of a cell ``(trainings,)``."""
    return np.array([medians(t, reading)[state] for t in of_cell(result, cell)])


def loss_at(result: xr.Dataset, cell: str, state: int = -1) -> np.ndarray:
    """Held-out loss in nats per word of the same ``(trainings,)``."""
    return np.array([float(t.loss[state]) for t in of_cell(result, cell)])


def paired(x: Sequence[float], y: Sequence[float]) -> Measured:
    """Mean over seeds of x - y, with Student's interval: few trainings are no ground for a
    bootstrap.
    """
    gap = np.asarray(x, dtype=float) - np.asarray(y, dtype=float)
    if len(gap) < 2:
        return Measured(value=None, ci=None, n=len(gap))
    low, high = stats.ttest_1samp(gap, 0.0).confidence_interval(LEVEL)
    return Measured(value=float(gap.mean()), ci=(float(low), float(high)), n=len(gap))


def beside(result: xr.Dataset, cell: str, of: str) -> tuple[Measured, np.ndarray]:
    """The last state of each training of a cell minus that of the reference of the same seed:
    the mean, and each seed. ``of`` is "loss" or a reading, whose slope is meant.
    """
    ends = [
        {
            int(t.seed[-1]): float(t.loss[-1]) if of == "loss" else medians(t, of)[-1]
            for t in of_cell(result, name)
        }
        for name in (cell, SHALLOW)
    ]
    seeds = sorted(ends[0].keys() & ends[1].keys())
    x, y = (np.array([each[seed] for seed in seeds]) for each in ends)
    return paired(x, y), x - y


def at_loss(training: xr.Dataset, loss: float) -> float:
    """Median slope where the held-out loss first falls to ``loss``: on the straight line between
    the states before and after; NaN if it never does.
    """
    return on_the_way(training.loss.values, medians(training), loss)


def on_the_way(losses: np.ndarray, slope: np.ndarray, loss: float) -> float:
    """The same of what a training had at each state."""
    reached = np.flatnonzero(losses <= loss)
    if not len(reached) or reached[0] == 0:
        return float("nan")
    after = reached[0]
    return float(np.interp(loss, losses[[after, after - 1]], slope[[after, after - 1]]))


def gap_at_equal_loss(one: Iterable[xr.Dataset], other: Iterable[xr.Dataset]) -> np.ndarray:
    """Slope of one training minus that of another of the same seed, both at the least loss that
    both reach ``(seeds,)``.
    """
    gaps = []
    for a, b in zip(one, other, strict=True):
        loss = max(float(a.loss.min()), float(b.loss.min()))
        gaps.append(at_loss(a, loss) - at_loss(b, loss))
    return np.array(gaps)


@criterion
def at_equal_loss(result: xr.Dataset) -> tuple[Measured, Measured, Measured]:
    """P2, twice as many blocks; controls: wider, and the deeper network at its end."""
    shallow, deep, wide = (of_cell(result, cell) for cell in (SHALLOW, DEEP, WIDE))
    return (
        median(gap_at_equal_loss(deep, shallow)),
        median(gap_at_equal_loss(wide, shallow)),
        median(slope_at(result, DEEP)),
    )


def _by_size(result: xr.Dataset, larger: str) -> tuple[Measured, Measured]:
    ends, starts = (
        slope_at(result, larger, state) - slope_at(result, SHALLOW, state) for state in (-1, 0)
    )
    return median(ends), median(starts)


@criterion
def slope_by_depth(result: xr.Dataset) -> tuple[Measured, Measured]:
    """J3, six blocks against three; control: step 0."""
    return _by_size(result, DEEP)


@criterion
def slope_by_width(result: xr.Dataset) -> tuple[Measured, Measured]:
    """J3, width 180 against 128; control: step 0."""
    return _by_size(result, WIDE)


def _rank(result: xr.Dataset, state: int) -> Measured:
    loss, slope = (
        np.concatenate([of(result, cell, state) for cell in (SHALLOW, WIDE)])
        for of in (loss_at, slope_at)
    )
    return alike(loss, slope)


@criterion
def rank_by_loss(result: xr.Dataset) -> tuple[Measured, Measured]:
    """J3 among trainings of three blocks; control: step 0."""
    return _rank(result, -1), _rank(result, 0)


@criterion
def every_training(now: xr.Dataset, before: xr.Dataset, result: xr.Dataset, cell: str | None):
    """J4: the network of ``now`` and ``before``, results of ``interpolate``, and the trainings of
    ``cell``, if any, as which it was made; control: shuffled text.
    """
    gains = [np.median(slopes(now)) - np.median(slopes(before))]
    if cell:
        gains += list(slope_at(result, cell) - slope_at(result, cell, 0))
    control = slope_at(result, "shuffled") - slope_at(result, "shuffled", 0)
    return share(np.array(gains) > GROWN), share(control > GROWN)
