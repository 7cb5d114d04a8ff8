"""Numbers that the scoreboard's rules ask of an interpolation result: value, interval, n and
controls.

Each function takes results of ``interpolation.interpolate`` on the same pairs and returns the
keyword arguments of ``run.claim``. The rules themselves, with their thresholds, are in
``book/claims.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.stats import rankdata, spearmanr

from plateaus.measures import curves, statistics
from plateaus.measures.interpolation import maximum_slope, width

Evidence = dict[str, Any]


def stream(result: xr.Dataset, variable: str = "distance") -> xr.DataArray:
    """The curves read where the residual stream leaves the last block."""
    blocks = [r for r in result.readout.values if str(r).startswith("block")]
    return result[variable].sel(readout=blocks[-1])


def slopes(result: xr.Dataset) -> np.ndarray:
    """Maximum slope of d(alpha)/d(1) of every pair, read after the last block."""
    return maximum_slope(stream(result)).values


def widths(result: xr.Dataset) -> np.ndarray:
    """alpha(rho = 0.9) - alpha(rho = 0.1) of every pair, read after the last block."""
    return width(stream(result, "relative_distance")).values


def median(values: np.ndarray, **control: float | None) -> Evidence:
    """A median over pairs with its bootstrap interval."""
    return _found(values, statistic=lambda v: float(np.median(v)), control=_named(control))


def by_prediction(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the dissimilar and the similar pairs, by root Jensen-Shannon divergence between the
    ends.

    Dissimilar: the larger half. Similar: the smallest quarter.
    """
    apart = result.root_jsd.isel(alpha=-1).values
    return apart >= np.median(apart), apart <= np.quantile(apart, 0.25)


def flat_share(result: xr.Dataset) -> np.ndarray:
    """Share of the path on which the slope of d(alpha)/d(1) is below one half, for every pair."""
    d = stream(result)
    return (np.abs(np.diff(d.values, axis=-1)) * (d.sizes["alpha"] - 1) < 0.5).mean(-1)


def dissimilar_slope(trained: xr.Dataset, step_0: xr.Dataset) -> Evidence:
    far, _ = by_prediction(trained)
    return median(slopes(trained)[far], step_0=_median(slopes(step_0)[far]))


def dissimilar_flat_share(trained: xr.Dataset, step_0: xr.Dataset) -> Evidence:
    far, _ = by_prediction(trained)
    return median(flat_share(trained)[far], step_0=_median(flat_share(step_0)[far]))


def similar_slope(trained: xr.Dataset) -> Evidence:
    far, near = by_prediction(trained)
    return median(slopes(trained)[near], dissimilar_pairs=_median(slopes(trained)[far]))


def logit_rms_difference(trained: xr.Dataset) -> Evidence:
    """J2: distance between the scaled logit difference and d(alpha)/d(1); control: the d of another
    pair.
    """
    gap, d = _with_two_predictions(trained)
    rms = lambda x, y: np.sqrt(((x - y) ** 2).mean(-1))  # noqa: E731
    return median(rms(gap, d), curve_of_another_pair=_median(rms(gap, np.roll(d, 1, axis=0))))


def logit_midpoints(trained: xr.Dataset) -> Evidence:
    """J2: do the two curves cross one half at the same place, pair by pair?"""
    gap, d = _with_two_predictions(trained)
    x, y = (curves.crossing(torch.as_tensor(c), 0.5).numpy() for c in (gap, d))
    rank = lambda a, b: float(spearmanr(a, b).statistic)  # noqa: E731
    return _found(
        x,
        y,
        statistic=rank,
        control={"curve of another pair": rank(x, np.roll(y, 1)) if len(x) > 1 else None},
    )


def slope_gain(trained: xr.Dataset, step_0: xr.Dataset) -> Evidence:
    """J4: slope after training minus slope at step 0, pair by pair."""
    return median(slopes(trained) - slopes(step_0), step_0=_median(slopes(step_0)))


def rank_by_step(checkpoints: Mapping[int, xr.Dataset]) -> Evidence:
    """J4: does the slope rise steadily from checkpoint to checkpoint? It takes four of them to
    say.
    """
    steps = sorted(checkpoints)
    if len(steps) < 4:
        return {"value": None, "ci": None, "n": 0, "control": {"checkpoints in random order": None}}
    return _ranked(
        np.array(steps),
        np.stack([slopes(checkpoints[s]) for s in steps], axis=-1),
        "checkpoints in random order",
    )


def slope_lost(
    early: xr.Dataset, late: xr.Dataset, early_0: xr.Dataset, late_0: xr.Dataset
) -> Evidence:
    """J6: slope patched early minus slope patched late; a network too shallow for two patches has
    none.
    """
    if early.patch == late.patch:
        return {"value": None, "ci": None, "n": 0, "control": {"step 0": None}}
    return median(slopes(early) - slopes(late), step_0=_median(slopes(early_0) - slopes(late_0)))


def slope_left(late: xr.Dataset, late_0: xr.Dataset) -> Evidence:
    """J6: what remains of the slope when patched late."""
    if late.patch == 1:
        return {"value": None, "ci": None, "n": 0, "control": {"step 0": None}}
    return median(slopes(late), step_0=_median(slopes(late_0)))


def width_lost(trained: xr.Dataset, step_0: xr.Dataset) -> Evidence:
    """S1: width after the first block beyond the patch minus width after the last."""
    lost = lambda w: (w[:, 0] - w[:, -1])  # noqa: E731
    return median(lost(block_widths(trained)), step_0=_median(lost(block_widths(step_0))))


def rank_by_block(trained: xr.Dataset) -> Evidence:
    """S1: does the width fall steadily from block to block?"""
    w = block_widths(trained)
    return _ranked(np.arange(w.shape[1]), w, "blocks in random order")


def block_widths(result: xr.Dataset) -> np.ndarray:
    """Width of rho ``(pair, block)``, read where the stream leaves each block after the patch."""
    blocks = [r for r in result.readout.values if str(r).startswith("block")]
    return width(result.relative_distance.sel(readout=blocks)).transpose("pair", "readout").values


def narrowing_removed(whole: xr.Dataset, frozen: xr.Dataset, **control: float) -> Evidence:
    """S4: (width frozen - width) / (0.8 - width), the share of the narrowing that freezing removes.

    A pair that the whole network does not narrow (width >= 0.8) has no such share and is left out.
    """
    w = widths(whole)
    narrowed = np.where(w < 0.79, 0.8 - w, np.nan)
    share = (widths(frozen) - w) / narrowed
    return median(share, width_of_the_whole_network=_median(w), **control)


def departure(result: xr.Dataset) -> float:
    """Largest distance of any pair's d(alpha)/d(1) from the straight curve: zero for a
    translation.
    """
    d = stream(result)
    return float(np.abs(d - d.alpha).max())


def _with_two_predictions(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Curves of the pairs whose two ends predict different tokens."""
    gap = result.logit_difference.values
    usable = np.isfinite(gap).all(-1)
    return gap[usable], stream(result).values[usable]


def _median(values: np.ndarray) -> float | None:
    """Median of what is finite; None if nothing is."""
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else None


def _ranked(x: np.ndarray, y: np.ndarray, control: str) -> Evidence:
    """Median over rows of Spearman's correlation of y ``(pair, k)`` with x ``(k,)``; control: x
    shuffled for each row.
    """
    y = y[np.isfinite(y).all(-1)]
    shuffled = np.random.default_rng(0).permuted(np.broadcast_to(x, y.shape), axis=1)
    found = median(_spearman(np.broadcast_to(x, y.shape), y))
    return {**found, "control": {control: _median(_spearman(shuffled, y))}}


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Row by row."""
    rx, ry = (rankdata(v, axis=-1) for v in (x, y))
    rx, ry = (r - r.mean(-1, keepdims=True) for r in (rx, ry))
    with np.errstate(invalid="ignore"):
        return (rx * ry).sum(-1) / np.sqrt((rx**2).sum(-1) * (ry**2).sum(-1))


def _found(
    *samples: np.ndarray, statistic: Callable[..., float], control: Mapping[str, float | None]
) -> Evidence:
    """A statistic with its interval, or no value where fewer than two rows allow it; a control that
    is NaN is none.
    """
    n = int(np.all([np.isfinite(s) for s in samples], axis=0).sum())
    control = {k: None if v is None or not np.isfinite(v) else v for k, v in control.items()}
    if n < 2:
        return {"value": None, "ci": None, "n": n, "control": control}
    value, low, high = statistics.interval(*samples, statistic=statistic)
    return {"value": value, "ci": (low, high), "n": n, "control": control}


def _named(control: Mapping[str, float | None]) -> dict[str, float | None]:
    """Controls are named in words in the rules."""
    return {name.replace("_", " "): value for name, value in control.items()}
