"""Numbers with their intervals: what the scoreboard's verdicts rest on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import ConstantInputWarning, binomtest, bootstrap, pearsonr, rankdata

from plateaus.errors import BadParameter
from plateaus.measures.samples import generator, numbers, paired, sample

LEVEL = 0.95
"""Of every interval."""
RESAMPLES = 2000
"""Of every bootstrap."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A number, its interval and what it rests on; effects and their controls alike."""

    value: float | None
    """None where the data allow none."""
    ci: tuple[float, float] | None
    """The 95% interval (low, high)."""
    n: int
    """How many pairs, points or seeds."""

    def __format__(self, number: str) -> str:
        """ "1.89 [1.81, 1.95]" for ".2f"; zero has no minus."""
        if self.value is None or self.ci is None:
            return "none"
        sign = number[:1] if number[:1] in ("+", "-", " ") else ""
        number = f"{sign}z{number.removeprefix(sign)}"
        low, high = self.ci
        return f"{self.value:{number}} [{low:{number}}, {high:{number}}]"


NOTHING = Measured(value=None, ci=None, n=0)
"""What is said where a model does not allow a measurement."""


def measured(*samples: np.ndarray, statistic: Callable[..., float], seed: int = 0) -> Measured:
    """A statistic of samples that are paired row by row, with its bootstrap interval.

    One that takes an ``axis`` is asked for all resamples at once, which is much faster.

    Rows that are NaN in any sample are left out; there is no value with fewer than two others.
    """
    samples = paired(samples)
    n = int(np.all([np.isfinite(s) for s in samples], axis=0).sum())
    if n < 2:
        return Measured(value=None, ci=None, n=n)
    value, low, high = interval(*samples, statistic=statistic, seed=seed)
    return Measured(value=value, ci=(low, high), n=n)


def median(values: np.ndarray) -> Measured:
    """The median of what is finite in ``values`` ``(n,)``."""
    return measured(values, statistic=np.median)


def difference(x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> Measured:
    """median(x) - median(y) of two samples that are not paired, each resampled for itself; ``n`` is
    the size of the smaller one.
    """
    return _apart(x, y, np.subtract, seed)


def ratio(x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> Measured:
    """median(x) / median(y) of such samples."""
    return _apart(x, y, np.divide, seed)


def _apart(
    x: np.ndarray, y: np.ndarray, compared: Callable[..., np.ndarray], seed: int
) -> Measured:
    x, y = (v[np.isfinite(v)] for v in map(numbers, (x, y)))
    n = min(len(x), len(y))
    if n < 2:
        return Measured(value=None, ci=None, n=n)
    found = bootstrap(
        (x, y),
        lambda a, b, axis: compared(np.median(a, axis=axis), np.median(b, axis=axis)),
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=generator(seed),
    ).confidence_interval
    value = float(compared(np.median(x), np.median(y)))
    return Measured(value=value, ci=(float(found.low), float(found.high)), n=n)


def grouped(
    *samples: tuple[np.ndarray, np.ndarray], statistic: Callable[..., float], seed: int = 0
) -> Measured:
    """A statistic of samples ``(values, groups)``, each ``(n,)``: groups are drawn anew, with all
    of their values, each sample for itself; ``n`` is the smallest number of groups.
    """
    random, parts = generator(seed), []
    for values, groups in samples:
        sample(values)  # checked alone: whole numbers may stand for rows, and stay whole
        values, groups = np.asarray(values), np.asarray(groups)
        if values.shape != groups.shape:
            raise BadParameter(
                f"A sample has one group for each value, got {values.shape} values and "
                f"{groups.shape} groups: give as many."
            )
        kept = np.isfinite(values)
        parts.append([values[kept & (groups == g)] for g in np.unique(groups[kept])])
    if not parts or not all(parts):
        raise BadParameter(
            f"Groups are drawn of samples that hold finite values, got {len(parts)} samples with "
            f"{[len(p) for p in parts]} groups: give at least one group each."
        )
    drawn = [statistic(*(_redrawn(part, random) for part in parts)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    value = float(statistic(*(np.concatenate(p) for p in parts)))
    return Measured(value=value, ci=(float(low), float(high)), n=min(map(len, parts)))


def _redrawn(groups: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    return np.concatenate([groups[i] for i in random.integers(len(groups), size=len(groups))])


def larger(x: np.ndarray, y: np.ndarray) -> float:
    """P(x > y) + P(x = y) / 2 of two samples ``(n,)`` and ``(m,)``: how well a threshold tells one
    of them from the other; 0.5 is chance. NaN where one is empty or holds a NaN.
    """
    x, y = sample(x), sample(y)
    if not x.size or not y.size or np.isnan(x).any() or np.isnan(y).any():
        return float("nan")
    return float((x[:, None] > y).mean() + (x[:, None] == y).mean() / 2)


def share(hits: np.ndarray) -> Measured:
    """Share of True in ``hits`` ``(n,)``, with Wilson's interval.

    Unlike a bootstrap it has a width where all or none of them show the effect.
    """
    hits = np.asarray(hits)
    if hits.dtype != bool or hits.ndim != 1 or not hits.size:
        raise BadParameter(
            f"A share is that of True among truths (n,), got {hits.dtype} of shape {hits.shape}: "
            "compare the numbers first."
        )
    found = binomtest(int(hits.sum()), len(hits)).proportion_ci(LEVEL, method="wilson")
    return Measured(value=float(hits.mean()), ci=(float(found.low), float(found.high)), n=len(hits))


def count(number: int, *, among: int) -> Measured:
    """A number that was counted and not estimated: its interval is itself."""
    return Measured(value=number, ci=(number, number), n=among)


def interval(
    *samples: np.ndarray,
    statistic: Callable[..., float] = np.nanmedian,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float, float]:
    """(value, low, high): a statistic with its percentile bootstrap interval over the first axis.

    Several samples are resampled together, row by row (paired pairs, paired seeds). Rows that are
    NaN in any sample are left out of all.

    Raises:
        BadParameter: samples of different lengths, or fewer than two rows are left.
    """
    arrays = paired(samples)
    usable = np.all([np.isfinite(a) for a in arrays], axis=0)
    arrays = [a[usable] for a in arrays]
    if len(arrays[0]) < 2 or resamples < 1:
        raise BadParameter(
            f"An interval needs at least two finite rows and one resample, got {len(arrays[0])} "
            f"and {resamples}: give more."
        )
    found = bootstrap(
        arrays,
        statistic,
        paired=True,
        n_resamples=resamples,
        confidence_level=LEVEL,
        method="percentile",
        rng=generator(seed),
    ).confidence_interval
    return float(statistic(*arrays)), float(found.low), float(found.high)


def nested(values: np.ndarray, *, seed: int = 0, resamples: int = 500) -> np.ndarray:
    """Median over seeds of the median over pairs of ``values`` ``(..., seeds, pairs)``, with an
    interval over both: ``(3, ...)``, value, low and high.

    Seeds are resampled, and within each of them its pairs: what is left is what two repetitions of
    the whole experiment would differ by.
    """
    numbers(values)  # checked alone: medians are taken in the precision that they come in
    values = np.asarray(values)
    if values.ndim < 2 or not values.size or resamples < 1:
        raise BadParameter(
            f"Values lie over seeds and pairs, (..., seeds, pairs), got shape {values.shape} and "
            f"resamples={resamples}: give at least one of each."
        )
    random, (seeds, pairs) = generator(seed), values.shape[-2:]
    drawn = []
    for _ in range(resamples):
        chosen = random.integers(seeds, size=(seeds, 1))
        within = random.integers(pairs, size=(seeds, pairs))
        drawn.append(np.median(np.median(values[..., chosen, within], axis=-1), axis=-1))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return np.stack([np.median(np.median(values, axis=-1), axis=-1), low, high])


def trend(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Spearman's rank correlation of ``x``, ``(k,)`` or row by row, with each row of ``y`` ``(...,
    k)``; ``(...)``.

    How steadily y grows with x; 0 where one of them is constant, NaN where one holds a NaN.

    Args:
        axis: the last one, as whoever takes all resamples at once says.

    Raises:
        BadParameter: rows of another length than x, or of fewer than two numbers.
    """
    x, y = numbers(x), numbers(y)
    try:
        if x.shape[-1] != y.shape[-1] or x.shape[-1] < 2:
            raise ValueError
        x, y = np.broadcast_arrays(x, y)
    except ValueError:
        raise BadParameter(
            f"A trend is that of rows (..., k) with x (k,), k at least 2, got {y.shape} with "
            f"{x.shape}: give one value for each of x."
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        ranks = rankdata(x, axis=axis), rankdata(y, axis=axis)
        found = pearsonr(*ranks, axis=axis).statistic
    return np.where((np.isnan(x) | np.isnan(y)).any(axis), np.nan, np.nan_to_num(found))
