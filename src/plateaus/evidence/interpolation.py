"""Evidence from ``experiments.interpolate``: slopes, widths and shapes of curves, pair by pair.

Results compared with each other are of the same pairs. Where several seeds were measured (a dim
``seed``), a pair stands for its median over them.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from plateaus.evidence import paired
from plateaus.evidence.criterion import criterion
from plateaus.experiments.readouts import read
from plateaus.experiments.sharpness import half_exit as half_exit_index
from plateaus.experiments.sharpness import slopes
from plateaus.measures import curves, statistics
from plateaus.measures.statistics import NOTHING, Measured, share, trend

Two = tuple[Measured, Measured]
"""An effect and its control."""
STEPS_OF_A_TREND = 4
"""Checkpoints it takes to say whether something rises steadily."""
FLAT = 0.5
"""A curve is flat where its slope is below this."""
GAIN = 0.5
"""What training must add to the slope of a seed for it to count."""


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
def similar_slope(similar: xr.Dataset, different: xr.Dataset) -> Two:
    """Slope of the pairs of similar meaning; control: of the pairs of different meaning."""
    return median(slopes(similar)), median(slopes(different))


@criterion
def difference(
    different: xr.Dataset, similar: xr.Dataset, different_0: xr.Dataset, similar_0: xr.Dataset
) -> Two:
    """Slope of pairs of different meaning minus that of similar meaning; control: at step 0."""
    found = ((different, similar), (different_0, similar_0))
    return tuple(statistics.difference(slopes(x), slopes(y)) for x, y in found)


@criterion
def rms_difference(trained: xr.Dataset) -> Two:
    """Distance between the scaled logit difference and d(alpha)/d(1); control: another pair's d."""
    gap, d = with_two_predictions(trained)
    return median(rms(gap - d)), median(rms(gap - np.roll(d, 1, axis=0)))


@criterion
def midpoints(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Do these two curves cross one half at the same place? Control: before training."""
    return _agreement(trained), _agreement(step_0)


@criterion
def slope_gain(
    trained: xr.Dataset,
    untrained: xr.Dataset,
    other: tuple[xr.Dataset, xr.Dataset] | None = None,
    *,
    bent: bool = False,
) -> tuple[Measured, ...]:
    """Slope after training minus slope before it, pair by pair; control: the slope before it.

    Where several seeds were trained, over seeds for the median pair; control: the half-exit index
    before training, since kinks alone make deep narrow networks steep.

    Args:
        other: networks that must gain, after and before training: a positive control.
        bent: the control is the half-exit index also where there are no seeds.
    """
    gain = slopes(trained) - slopes(untrained)
    before = (half_exits if bent or _seeds(gain) else slopes)(untrained)
    more = [] if other is None else [over_seeds(slopes(other[0]) - slopes(other[1]))]
    return over_seeds(gain), over_seeds(before), *more


@criterion
def half_exit(trained: xr.Dataset, *others: xr.Dataset) -> tuple[Measured, ...]:
    """Half-exit index, over seeds for the median pair, or where there is one network over pairs.

    Controls: before training, and what else the rule names, trained on shuffled labels, say.
    """
    return tuple(over_seeds(half_exits(result)) for result in (trained, *others))


@criterion
def every_seed(trained: xr.Dataset, untrained: xr.Dataset, shuffled: xr.Dataset) -> Two:
    """Share of seeds that training made sharper; control: training on shuffled labels."""
    gains = (slopes(after) - slopes(untrained) for after in (trained, shuffled))
    sharper, by_chance = (gain.median("pair").values > GAIN for gain in gains)
    return share(sharper), share(by_chance)


@criterion
def rank_by_step(history: xr.Dataset, shuffled: xr.Dataset | None = None) -> Two:
    """Does the slope rise steadily over checkpoints (dim ``step``, in order of training)?

    Pair by pair; control: how much it grew from the first checkpoint to the last. Or where there
    are seeds, seed by seed for the median pair; control: networks trained on ``shuffled`` labels.
    """
    if history.sizes.get("step", 0) < STEPS_OF_A_TREND:
        return NOTHING, NOTHING
    if shuffled is not None:
        return _trend(history), _trend(shuffled)
    grown = slopes(history).isel(step=-1, drop=True) - slopes(history).isel(step=0, drop=True)
    return _trend(history), median(grown)


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


def median(values: xr.DataArray | np.ndarray) -> Measured:
    """Median over pairs, with its interval."""
    return statistics.median(np.asarray(values))


def over_seeds(values: xr.DataArray) -> Measured:
    """Median over seeds of the median pair, or where there is one network, over its pairs."""
    return median(values.median("pair") if _seeds(values) else values)


def dissimilar(result: xr.Dataset) -> np.ndarray:
    """Numbers of the pairs whose ends predict differently: the half with the larger root
    Jensen-Shannon divergence.
    """
    apart = result.root_jsd.isel(alpha=-1).values
    return np.flatnonzero(apart >= np.median(apart))


def flat_part(result: xr.Dataset) -> xr.DataArray:
    """Share of the path on which the slope of d(alpha)/d(1) is below one half, for every pair."""
    d = read(result.distance)
    return (abs(d.diff("alpha")) * (d.sizes["alpha"] - 1) < FLAT).mean("alpha")


def half_exits(result: xr.Dataset) -> xr.DataArray:
    """Half-exit index of every pair where the stream leaves the last block."""
    return (
        read(result.half_exit) if "half_exit" in result else half_exit_index(read(result.distance))
    )


def _seeds(values: xr.DataArray) -> bool:
    return "seed" in values.dims


def _trend(history: xr.Dataset) -> Measured:
    rows = slopes(history)
    rows = rows.median("pair") if _seeds(rows) else rows
    rows = rows.transpose(..., "step").values
    return median(trend(np.arange(rows.shape[-1]), rows[np.isfinite(rows).all(-1)]))


def _agreement(result: xr.Dataset) -> Measured:
    """Rank correlation over pairs of the places where d and the logit difference reach one half."""
    curve = (torch.as_tensor(c) for c in with_two_predictions(result))
    x, y = (curves.crossing(c, 0.5).numpy() for c in curve)
    return paired.alike(x, y)


def with_two_predictions(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Scaled logit difference and d of the pairs whose two ends predict different tokens."""
    gap = result.logit_difference.values
    usable = np.isfinite(gap).all(-1)
    return gap[usable], read(result.distance).values[usable]


def of_predictions(result: xr.Dataset) -> dict[str, xr.DataArray]:
    """The two curves of these pairs by name, dims ``pair, alpha``, to be drawn together."""
    gap, d = with_two_predictions(result)
    coords = {"alpha": result.alpha}
    return {
        "stream": xr.DataArray(d, dims=("pair", "alpha"), coords=coords),
        "logit difference": xr.DataArray(gap, dims=("pair", "alpha"), coords=coords),
    }


def rms(difference: np.ndarray) -> np.ndarray:
    """Root mean square along the path."""
    return np.sqrt((difference**2).mean(-1))
