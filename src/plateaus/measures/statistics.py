"""Medians with bootstrap intervals: what the scoreboard's verdicts rest on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import bootstrap, norm


def interval(
    *samples: np.ndarray,
    statistic: Callable[..., float] = np.nanmedian,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> tuple[float, float, float]:
    """(value, low, high): a statistic with its percentile bootstrap interval over the first axis.

    Several samples are resampled together, row by row (paired pairs, paired seeds). Rows that are
    NaN in any sample are left out of all.

    Raises:
        ValueError: fewer than two rows are left.
    """
    arrays = [np.asarray(s, dtype=float) for s in samples]
    usable = np.all([np.isfinite(a) for a in arrays], axis=0)
    arrays = [a[usable] for a in arrays]
    if len(arrays[0]) < 2:
        raise ValueError(f"an interval needs at least two finite rows, got {len(arrays[0])}")
    value = float(statistic(*arrays))
    result = bootstrap(
        arrays,
        lambda *a, axis=-1: np.asarray([statistic(*row) for row in _rows(a)])
        if a[0].ndim > 1
        else statistic(*a),
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return value, float(result.confidence_interval.low), float(result.confidence_interval.high)


def _rows(arrays: tuple[np.ndarray, ...]) -> list[tuple[np.ndarray, ...]]:
    flat = [a.reshape(-1, a.shape[-1]) for a in arrays]
    return list(zip(*flat, strict=True))


def median_gain(a: np.ndarray, b: np.ndarray) -> float:
    """median(a) - median(b), for paired samples."""
    return float(np.median(a) - np.median(b))


def trend(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation between x and y: how steadily y grows with x; 0 where one of them
    is constant.
    """
    from scipy.stats import spearmanr

    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(spearmanr(x, y).statistic)


def trend_by_chance(
    x: np.ndarray, columns: np.ndarray, *, draws: int = 200, seed: int = 0
) -> float:
    """Mean over random orders of x of the median ``trend`` of the columns ``(len(x), k)``: 0 but
    for chance.
    """
    rng = np.random.default_rng(seed)
    orders = (rng.permutation(np.asarray(x)) for _ in range(draws))
    return float(
        np.mean([np.median([trend(order, y) for y in np.asarray(columns).T]) for order in orders])
    )


def wilson(share: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson interval of a share of n: unlike a bootstrap it has a width where all or none of them
    show the effect.
    """
    z2 = float(norm.ppf(0.5 + level / 2)) ** 2
    centre, half = share + z2 / (2 * n), (z2 * share * (1 - share) / n + z2**2 / (4 * n**2)) ** 0.5
    return max(0.0, (centre - half) / (1 + z2 / n)), min(1.0, (centre + half) / (1 + z2 / n))
