"""Evidence from ``experiments.interpolate``: slopes, widths and shapes of curves, pair by pair.

Results compared with each other are of the same pairs. Where several seeds were measured (a dim
``seed``), a pair stands for its median over them.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.experiments.readouts import read, through_blocks
from plateaus.experiments.sharpness import slopes, width, widths
from plateaus.measures import curves, statistics
from plateaus.measures.statistics import NOTHING, Measured, measured, ranked, share, trend

Two = tuple[Measured, Measured]
"""An effect and its control."""
STEPS_OF_A_TREND = 4
"""Checkpoints it takes to say whether something rises steadily."""
FLAT = 0.5
"""A curve is flat where its slope is below this."""
GAIN = 0.5
"""What training must add to the slope of a seed for it to count."""
STRAIGHT = 0.8
"""Width of a straight curve."""
NARROWED = 0.01
"""A pair whose curve is narrower than a straight one by less has nothing that freezing removes."""


@criterion
def dissimilar_slope(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Slope of the pairs whose ends predict differently; control: before training."""
    far = dissimilar(trained)
    return median(slopes(trained)[far]), median(slopes(step_0)[far])


@criterion
def flat_share(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Share of the path on which such a curve is flat; control: before training."""
    far = dissimilar(trained)
    return median(flat_part(trained)[far]), median(flat_part(step_0)[far])


@criterion
def similar_slope(trained: xr.Dataset) -> Two:
    """Slope of the pairs whose ends predict alike; control: those that predict differently."""
    found = slopes(trained)
    return median(found[similar(trained)]), median(found[dissimilar(trained)])


@criterion
def rms_difference(trained: xr.Dataset) -> Two:
    """Distance between the scaled logit difference and d(alpha)/d(1); control: another pair's d."""
    gap, d = with_two_predictions(trained)
    return median(rms(gap - d)), median(rms(gap - np.roll(d, 1, axis=0)))


@criterion
def midpoints(trained: xr.Dataset) -> Two:
    """Do these two curves cross one half at the same place? Control: another pair's d."""
    gap, d = with_two_predictions(trained)
    x, y = (curves.crossing(torch.as_tensor(curve), 0.5).numpy() for curve in (gap, d))
    return measured(x, y, statistic=trend), measured(x, np.roll(y, 1), statistic=trend)


@criterion
def slope_gain(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Slope after training minus slope before it, pair by pair; control: the slope before it."""
    return median(slopes(trained) - slopes(step_0)), median(slopes(step_0))


@criterion
def every_seed(trained: xr.Dataset, untrained: xr.Dataset, shuffled: xr.Dataset) -> Two:
    """Share of seeds that training made sharper; control: training on shuffled labels."""
    gains = (slopes(after) - slopes(untrained) for after in (trained, shuffled))
    sharper, by_chance = (gain.median("pair").values > GAIN for gain in gains)
    return share(sharper), share(by_chance)


@criterion
def rank_by_step(history: xr.Dataset, *, seed: int = 0) -> Two:
    """Does the slope rise steadily over checkpoints (dim ``step``, in order of training)?

    Control: in random order. Pair by pair, or where there are seeds, seed by seed for the median
    pair.
    """
    steps = history.sizes.get("step", 0)
    if steps < STEPS_OF_A_TREND:
        return NOTHING, NOTHING
    rows = slopes(history)
    rows = rows.median("pair") if "seed" in rows.dims else rows
    return ranked(np.arange(steps), rows.transpose(..., "step").values, seed=seed)


@criterion
def slope_lost(early: xr.Dataset, late: xr.Dataset, early_0: xr.Dataset, late_0: xr.Dataset) -> Two:
    """Slope patched early minus slope patched late; control: before training.

    A network may be too shallow for two patches.
    """
    if early.block_in == late.block_in:
        return NOTHING, NOTHING
    return median(slopes(early) - slopes(late)), median(slopes(early_0) - slopes(late_0))


@criterion
def slope_left(late: xr.Dataset, late_0: xr.Dataset) -> Two:
    """What remains of the slope when patched late; control: before training."""
    if late.block_in == 1:
        return NOTHING, NOTHING
    return median(slopes(late)), median(slopes(late_0))


@criterion
def width_lost(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Width behind the first block after the patch minus width behind the last.

    Control: before training.
    """
    found = (block_widths(result) for result in (trained, step_0))
    lost, lost_0 = (w.isel(block_out=0, drop=True) - w.isel(block_out=-1, drop=True) for w in found)
    return median(lost), median(lost_0)


@criterion
def rank_by_block(trained: xr.Dataset) -> Two:
    """Does the width fall steadily from block to block? Control: blocks in random order."""
    found = block_widths(trained)
    return ranked(found.block_out.values, found.transpose("pair", "block_out").values)


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


def median(values: xr.DataArray | np.ndarray) -> Measured:
    """Median over pairs, with its interval; over seeds first, where there are several."""
    if isinstance(values, xr.DataArray) and "seed" in values.dims:
        values = values.median("seed")
    return statistics.median(np.asarray(values))


def narrowing_removed(whole: xr.Dataset, frozen: xr.Dataset) -> Measured:
    """(width frozen - width) / (0.8 - width).

    A pair that the whole network does not narrow has no such share and is left out.
    """
    w = widths(whole)
    narrowed = (STRAIGHT - w).where(w < STRAIGHT - NARROWED)
    return median((widths(frozen) - w) / narrowed)


def block_widths(result: xr.Dataset) -> xr.DataArray:
    """Width of rho where the stream leaves each block after the patch; dims ``pair, block_out``."""
    return width(through_blocks(result.relative_distance))


def dissimilar(result: xr.Dataset) -> np.ndarray:
    """Numbers of the pairs whose ends predict differently: the half with the larger root
    Jensen-Shannon divergence.
    """
    apart = result.root_jsd.isel(alpha=-1).values
    return np.flatnonzero(apart >= np.median(apart))


def similar(result: xr.Dataset) -> np.ndarray:
    """Numbers of the pairs whose ends predict alike: the quarter where it is smallest."""
    apart = result.root_jsd.isel(alpha=-1).values
    return np.flatnonzero(apart <= np.quantile(apart, 0.25))


def flat_part(result: xr.Dataset) -> xr.DataArray:
    """Share of the path on which the slope of d(alpha)/d(1) is below one half, for every pair."""
    d = read(result.distance)
    return (abs(d.diff("alpha")) * (d.sizes["alpha"] - 1) < FLAT).mean("alpha")


def departures(result: xr.Dataset) -> xr.DataArray:
    """Largest distance of each pair's d(alpha)/d(1) from the straight curve; 0 if translated."""
    d = read(result.distance)
    return abs(d - d.alpha).max("alpha")


def with_two_predictions(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Scaled logit difference and d of the pairs whose two ends predict different tokens."""
    gap = result.logit_difference.values
    usable = np.isfinite(gap).all(-1)
    return gap[usable], read(result.distance).values[usable]


def rms(difference: np.ndarray) -> np.ndarray:
    """Root mean square along the path."""
    return np.sqrt((difference**2).mean(-1))
