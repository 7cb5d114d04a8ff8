"""Evidence on models trained without LayerNorm (S5), from ``experiments.interpolate``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.evidence.interpolation import Two, median
from plateaus.experiments.readouts import read
from plateaus.experiments.sharpness import slopes, widths
from plateaus.measures.statistics import measured


@criterion
def slope_without(without: xr.Dataset, without_0: xr.Dataset) -> Two:
    """Slope without normalisation; control: before training."""
    return median(slopes(without)), median(slopes(without_0))


@criterion
def curve_difference(without: xr.Dataset, with_norm: xr.Dataset) -> tuple:
    """Largest distance between the two curves of a pair.

    Controls: the curve of another pair, and the width with LayerNorm.
    """
    ours, theirs = (read(r.relative_distance).values for r in (without, with_norm))
    apart, other = (abs(ours - np.roll(theirs, k, axis=0)).max(-1) for k in (0, 1))
    return median(apart), median(other), median(widths(with_norm))


@criterion
def gain_ratio(without: xr.Dataset, with_norm: xr.Dataset) -> Two:
    """Slope minus 1 without, divided by the same with; control: the slope with."""

    def ratio(ours: np.ndarray, theirs: np.ndarray, axis: int = -1) -> np.ndarray:
        return (np.median(ours, axis) - 1) / np.maximum(np.median(theirs, axis) - 1, 1e-3)

    ours, theirs = slopes(without).values, slopes(with_norm).values
    return measured(ours, theirs, statistic=ratio), median(theirs)
