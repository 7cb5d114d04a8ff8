"""Two samples of the same pairs: by how much they differ, and whether they rise together.

Every statistic here takes an axis, so that all resamples are taken at once.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.measures.statistics import Measured, measured, trend

Values = np.ndarray | xr.DataArray


def gap(one: Values, other: Values) -> Measured:
    """median(one) - median(other), pairs drawn anew together; both ``(pair,)``."""
    return measured(np.asarray(one), np.asarray(other), statistic=_apart)


def times(one: Values, other: Values) -> Measured:
    """median(one) / median(other), pairs drawn anew together; both ``(pair,)``."""
    return measured(np.asarray(one), np.asarray(other), statistic=_ratio)


def alike(one: Values, other: Values) -> Measured:
    """Spearman's rank correlation over pairs."""
    return measured(np.asarray(one), np.asarray(other), statistic=trend)


def _apart(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(x, axis) - np.median(y, axis)


def _ratio(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(x, axis) / np.median(y, axis)
