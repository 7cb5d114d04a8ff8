"""Two conditions on the same pairs: how far their medians are apart, how alike they order pairs."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.measures.statistics import Measured, measured, trend

Values = np.ndarray | xr.DataArray


def gap(one: Values, other: Values) -> Measured:
    """median(one) - median(other), pairs drawn anew together; both ``(pair,)``."""
    return measured(np.asarray(one), np.asarray(other), statistic=_apart)


def _apart(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(x, axis) - np.median(y, axis)  # the axis lets all resamples be taken at once


def alike(one: Values, other: Values) -> Measured:
    """Spearman's rank correlation over pairs."""
    return measured(np.asarray(one), np.asarray(other), statistic=_rank)


def _rank(x: np.ndarray, y: np.ndarray) -> float:
    return float(trend(x, y))
