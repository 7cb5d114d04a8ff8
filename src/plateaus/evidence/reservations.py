"""What must be said beside the verdicts on regions (J7, J8): which prompts are few words, where on
a path neurons switch, and how many words the prompts of a pair do not share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from plateaus.data.meaning import DIFFERENT, SIMILAR
from plateaus.data.pairs import Pairs
from plateaus.measures.statistics import Measured, grouped, larger, measured, median

Array = np.ndarray
SAME_WORD = DIFFERENT, SIMILAR
"""The kinds of pairs that end with the same word."""
FAR = 8
"""Words of ten that must differ for prompts to count as far apart."""


def last_words(pairs: Pairs) -> Array:
    """A number for each pair, the same where the two last words are the same two; ``(pairs,)``."""
    two = np.sort(np.stack([side[:, -1].cpu().numpy() for side in (pairs.a, pairs.b)], 1), axis=1)
    return np.unique(two, axis=0, return_inverse=True)[1].ravel()


def commonest(groups: Array) -> tuple[int, int]:
    """How many groups there are, and how many rows the largest has."""
    counts = np.bincount(groups)
    return len(counts), int(counts.max())


def count_by_words(result: xr.Dataset, pairs: Pairs) -> Measured:
    """Median number of neurons that switch, if pairs of last words are drawn anew."""
    return grouped((result.crossed.values, last_words(pairs)), statistic=np.median)


def ratio_by_words(
    different: xr.Dataset, similar: xr.Dataset, pairs: tuple[Pairs, Pairs]
) -> Measured:
    """Sign changes for each length, different over similar meaning, drawn in the same way."""
    samples = [
        ((x.whole / x.length).values, last_words(p))
        for x, p in zip((different, similar), pairs, strict=True)
    ]
    return grouped(*samples, statistic=lambda x, y: float(np.median(x) / np.median(y)))


def denser_at_the_boundary(result: xr.Dataset) -> Measured:
    """How many times as dense neurons switch between a tenth and nine tenths of the way as on the
    rest of the path.
    """
    inside = result.high - result.low
    outside = (result.whole - result.crossed) / (1 - inside)
    return median((result.crossed / inside / outside).where(outside > 0).values)


def differing(pairs: Pairs) -> Array:
    """In how many places the two prompts of each pair differ."""
    return (pairs.a != pairs.b).sum(1).cpu().numpy()


def told_apart(trained: xr.Dataset, step_0: xr.Dataset) -> Measured:
    """By how much better than before training the slope tells different meaning from one meaning at
    equal last words: difference of two accuracies, over pairs.
    """
    rows = [result.slope.sel(kind=k).values for k in SAME_WORD for result in (trained, step_0)]
    return measured(*rows, statistic=_gained)


def told_apart_far(
    trained: xr.Dataset, step_0: xr.Dataset, pairs: Mapping[str, Pairs], least: int = FAR
) -> tuple[Measured, Measured, Measured]:
    """Accuracy after training, before it, and the difference, among the pairs that differ in at
    least ``least`` words; either meaning is drawn for itself.
    """
    far = [np.flatnonzero(differing(pairs[k]) >= least) for k in SAME_WORD]
    rows = [result.slope.sel(kind=k).values for k in SAME_WORD for result in (trained, step_0)]

    def each(i: Array, j: Array) -> tuple[Array, ...]:
        return rows[0][i], rows[1][i], rows[2][j], rows[3][j]

    def of(statistic: Callable[..., float]) -> Measured:
        samples = [(some, some) for some in far]
        return grouped(*samples, statistic=lambda i, j: statistic(*each(i, j)))

    return (
        of(lambda a, b, c, d: larger(a, c)),
        of(lambda a, b, c, d: larger(b, d)),
        of(_gained),
    )


def _gained(one: Array, one_0: Array, other: Array, other_0: Array) -> float:
    return larger(one, other) - larger(one_0, other_0)
