"""Evidence from ``experiments.tasks``: whether task and labels decide how plateau-like a network
becomes, and from ``studies.bending``: whether a penalty removes what they make (P3).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.evidence.interpolation import Two, median
from plateaus.measures.statistics import Measured, measured


@criterion
def spread(tasks: xr.Dataset, one: xr.Dataset) -> Two:
    """Largest minus smallest slope gain; control: as many groups of seeds of one task."""
    return _both(gains, tasks, one)


@criterion
def half_exit_spread(tasks: xr.Dataset, one: xr.Dataset) -> Two:
    """The same of the half-exit index after training."""
    return _both(_indices, tasks, one)


@criterion
def labels_matter(true: xr.Dataset, shuffled: xr.Dataset, again: xr.Dataset) -> Two:
    """Slope gained with true labels minus with shuffled ones; control: between two shuffles."""
    return median(gains(true) - gains(shuffled)), median(gains(shuffled) - gains(again))


@criterion
def slope_removed(bent: xr.Dataset) -> tuple[Measured, ...]:
    """P3: share of the slope above 1 that the penalty removes, over seeds; controls: the penalty at
    weight zero, and the slope without it.
    """
    slope = bent.slope.sel(weights="trained").median("pair")
    plain = slope.sel(penalty="without")
    found = ((plain - slope.sel(penalty=name)) / (plain - 1) for name in ("weight 10", "weight 0"))
    return *map(median, found), median(plain)


@criterion
def loss_kept(bent: xr.Dataset) -> Two:
    """P3: held-out loss with the penalty over that without; control: before training over after."""
    plain = bent.loss.sel(penalty="without")
    after = plain.sel(weights="trained")
    found = bent.loss.sel(penalty="weight 10", weights="trained"), plain.sel(weights="untrained")
    return tuple(median(loss / after) for loss in found)


def gains(study: xr.Dataset) -> xr.DataArray:
    """Slope after training minus before it, the median pair's; dims ``seed`` and what else."""
    by = study.slope
    return (by.sel(weights="trained") - by.sel(weights="untrained")).median("pair")


def _indices(study: xr.Dataset) -> xr.DataArray:
    return study.half_exit.sel(weights="trained").median("pair")


def _both(measure: Callable[[xr.Dataset], xr.DataArray], tasks: xr.Dataset, one: xr.Dataset) -> Two:
    by_task = measure(tasks).transpose("seed", "setting").values
    every = measure(one).squeeze("setting").values
    groups = every.reshape(by_task.shape[1], by_task.shape[0]).T
    return _range(by_task), _range(groups)


def _range(by_seed: np.ndarray) -> Measured:
    """Largest minus smallest median over seeds of values ``(seeds, groups)``; the interval is over
    seeds, each with all its values.
    """

    def apart(rows: np.ndarray) -> float:
        medians = np.median(by_seed[np.asarray(rows, dtype=int)], axis=0)
        return float(medians.max() - medians.min())

    return measured(np.arange(len(by_seed)), statistic=apart)
