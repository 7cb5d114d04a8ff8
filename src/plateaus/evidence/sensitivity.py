"""Evidence on MLP Jacobians, gains and switching neurons (S7 to S9), from ``passage``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.evidence.interpolation import Two, median
from plateaus.measures.statistics import Measured, measured, trend

AROUND = 0.05
"""Half of the tenth of alpha that counts as the boundary."""
NORMS, GAINS = "MLP Jacobian norms", "exact directional gains"


def steepest(result: xr.Dataset) -> xr.DataArray:
    """Alpha of the steepest point of rho ``(pair,)``."""
    at = result.rho.diff("alpha").argmax("alpha")
    return xr.DataArray(result.step.values[at.values], dims="pair")


def carried(result: xr.Dataset) -> xr.DataArray:
    """What each half of each block adds to log speed at the steepest point of rho, over its mean
    along the path; mean over pairs, dims ``block, half``. It sums up to that of the output.
    """
    return _excess(result).mean("pair")


def _excess(result: xr.Dataset, shift: int = 0) -> xr.DataArray:
    """The same pair by pair, or at the steepest point of another pair."""
    at = abs(result.alpha - steepest(result).roll(pair=shift)).argmin("alpha")
    return result.log_gain.isel(alpha=at) - result.log_gain.mean("alpha")


def excess(result: xr.Dataset, shift: int = 0) -> Measured:
    """Log speed of the output at the steepest point of rho over its mean along the path; with a
    ``shift`` at that of another pair, which was not chosen for being the largest. Mean over pairs.
    """
    return measured(_excess(result, shift).sum(("block", "half")).values, statistic=np.mean)


def part_of_mlps(result: xr.Dataset) -> Measured:
    """Share of that excess that the MLPs add, of means over pairs."""
    each = _excess(result).sum("block")
    whole, own = each.sum("half").values, each.sel(half="mlp").values
    return measured(own, whole, statistic=lambda x, y, axis=-1: x.mean(axis) / y.mean(axis))


def by_norm(result: xr.Dataset) -> Measured:
    """How much of that excess the norm of the stream adds by dipping, mean over pairs: the MLPs'
    part as it is, minus that with each normalisation dividing by the median norm of its path.

    A normalisation divides by the norm, so that with another one an MLP's change DF v is scaled;
    with u the velocity that enters the half, |u + k DF v| follows from |u|, |DF v| and |u + DF v|.
    """
    log_gain, change = result.log_gain.sel(half="mlp"), result.mlp_gain
    k = result.stream / result.stream.median("alpha")
    held = 1 + k * (np.exp(2 * log_gain) - 1 - change**2) + (k * change) ** 2
    added = (log_gain - np.log(held) / 2).sum("block")
    at = abs(result.alpha - steepest(result)).argmin("alpha")
    return measured((added.isel(alpha=at) - added.mean("alpha")).values, statistic=np.mean)


def peak_widths(result: xr.Dataset, along: str = "alpha") -> np.ndarray:
    """Share of the path on which the norm of each MLP Jacobian stays above half of its height.

    Args:
        along: "alpha", or "length" for that of the path where it enters the block's MLP.

    Returns:
        ``(pair, block)``; the part around the largest value, half the way down to the smallest.
    """
    norm = result.mlp_norm.transpose("pair", "block", "alpha").values
    step = result.length.transpose("pair", "block", "step").values
    step = np.ones_like(step) if along == "alpha" else step
    low, high = norm.min(-1, keepdims=True), norm.max(-1, keepdims=True)
    above = norm > (low + high) / 2
    edges = np.cumsum(~above, axis=-1)
    top = np.take_along_axis(edges, norm.argmax(-1)[..., None], -1)
    around = above & (edges == top)
    weight = (np.pad(step, ((0, 0), (0, 0), (1, 0))) + np.pad(step, ((0, 0), (0, 0), (0, 1)))) / 2
    return (weight * around).sum(-1) / weight.sum(-1)


def predicted(result: xr.Dataset, of: str) -> xr.DataArray:
    """The curve ``(pair, alpha)`` from 0 to 1 that speeds multiplied up from blocks would draw."""
    if of == NORMS:
        log = np.log(result.mlp_norm).sum("block")
    else:
        log = result.log_gain.sum(("block", "half"))
    speed = np.exp(log - log.max("alpha")).transpose("pair", "alpha").values
    drawn = np.cumsum(np.pad((speed[:, 1:] + speed[:, :-1]) / 2, ((0, 0), (1, 0))), axis=-1)
    coords = {"alpha": result.alpha}
    return xr.DataArray(drawn / drawn[:, -1:], dims=("pair", "alpha"), coords=coords, name="ρ")


def miss(result: xr.Dataset, of: str, shift: int = 0) -> np.ndarray:
    """Largest distance between rho and the curve predicted, or that of another pair."""
    rho = result.rho.transpose("pair", "alpha").values
    return abs(rho - np.roll(predicted(result, of).values, shift, axis=0)).max(-1)


def density(result: xr.Dataset, of: str = "switched") -> np.ndarray:
    """Switches for each unit of length at the boundary divided by those elsewhere ``(pair,)``.

    Each block's density is taken by itself; then the blocks are added.
    """
    inside = abs(result.step - steepest(result)) <= AROUND
    parts = []
    for place in (inside, ~inside):
        switched = result[of].where(place).sum("step")
        parts.append((switched / result.length.where(place).sum("step")).sum("block"))
    return (parts[0] / parts[1]).values


@criterion
def peak(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """MLP Jacobian norm at the steepest point of rho over its median; control: before training."""
    return tuple(median(at_boundary(result)) for result in (trained, step_0))


@criterion
def narrower(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Does the peak narrow with depth? Control: before training."""
    return narrowing(trained), narrowing(step_0)


@criterion
def curve_from_norms(trained: xr.Dataset) -> tuple:
    """Controls: norms of another pair; the exact gains of the blocks."""
    own, other = (median(miss(trained, NORMS, shift)) for shift in (0, 1))
    return own, other, median(miss(trained, GAINS))


@criterion
def density_ratio(trained: xr.Dataset) -> Two:
    """Control: steps as long in random directions from the same points."""
    return median(density(trained)), median(density(trained, "switched_random"))


def narrowing(result: xr.Dataset, along: str = "alpha"):
    """Rank correlation of the width of the peak with the block, median over pairs."""
    widths = peak_widths(result, along)
    return median(trend(np.arange(widths.shape[1]), widths))


def at_boundary(result: xr.Dataset, of: str = "mlp_norm") -> np.ndarray:
    """Value at the steepest point of rho over the median along the path, median over blocks."""
    at = result[of].interp(alpha=steepest(result))
    return (at / result[of].median("alpha")).median("block").values
