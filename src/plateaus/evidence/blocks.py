"""Evidence from ``experiments.interpolate``: where the jump is made, and by which sublayers."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.evidence.interpolation import Two, median
from plateaus.experiments.readouts import read, through_blocks
from plateaus.experiments.sharpness import width, widths
from plateaus.measures.statistics import Measured, measured, trend

STRAIGHT = 0.8
"""Width of a straight curve."""
NARROWED = 0.01
"""A network whose median curve is narrower by less has nothing that freezing could remove."""


@criterion
def width_lost(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Width behind the first block after the patch minus width behind the last.

    Control: before training.
    """
    found = (block_widths(result) for result in (trained, step_0))
    lost, lost_0 = (w.isel(block_out=0, drop=True) - w.isel(block_out=-1, drop=True) for w in found)
    return median(lost), median(lost_0)


@criterion
def rank_by_block(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Does the width fall steadily from block to block? Control: before training."""
    found = (block_widths(result).transpose("pair", "block_out") for result in (trained, step_0))
    return tuple(median(trend(np.arange(w.sizes["block_out"]), w.values)) for w in found)


@criterion
def mlp_frozen(
    whole: xr.Dataset, frozen: xr.Dataset, both: xr.Dataset
) -> tuple[Measured, Measured, Measured]:
    """Share of the narrowing that freezing the MLPs removes.

    Controls: how far from straight the curve is with both kinds frozen (at most, over pairs), and
    the width of the whole network.
    """
    off = measured(departures(both).values, statistic=np.max)
    return narrowing_removed(whole, frozen), off, median(widths(whole))


@criterion
def attention_frozen(whole: xr.Dataset, frozen: xr.Dataset) -> Two:
    """The same for attention; control: the width of the whole network."""
    return narrowing_removed(whole, frozen), median(widths(whole))


def narrowing_removed(whole: xr.Dataset, frozen: xr.Dataset) -> Measured:
    """(width frozen - width) / (0.8 - width) of the medians over all pairs, resampled together.

    No number where the whole network narrows nothing.
    """

    def share_of_medians(frozen: np.ndarray, whole: np.ndarray, axis: int = -1) -> np.ndarray:
        width = np.median(whole, axis)
        return (np.median(frozen, axis) - width) / np.maximum(STRAIGHT - width, NARROWED)

    w, f = widths(whole).values, widths(frozen).values
    if np.nanmedian(w) > STRAIGHT - NARROWED:
        return Measured(value=None, ci=None, n=len(w))
    return measured(f, w, statistic=share_of_medians)


def block_widths(result: xr.Dataset) -> xr.DataArray:
    """Width of rho where the stream leaves each block after the patch; dims ``pair, block_out``."""
    return width(through_blocks(result.relative_distance))


def departures(result: xr.Dataset) -> xr.DataArray:
    """Largest distance of each pair's d(alpha)/d(1) from the straight curve; 0 if translated."""
    d = read(result.distance)
    return abs(d - d.alpha).max("alpha")
