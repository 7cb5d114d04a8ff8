"""Intervals of vectors and matrices: exact over the rationals, rounded outwards in float64.

The same code serves both: ``slack`` is zero for arrays of fractions and a bound on the rounding
error of a sum of products for floats (Higham: |fl(x.y) - x.y| <= n u |x|.|y| / (1 - n u)).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from plateaus.geometry.exact import roots

UNIT = 2.0**-53
TINY = 1e-300
"""Absorbs underflow, which relative error bounds leave out."""
ROOT_BITS = 64


@dataclass(frozen=True, kw_only=True)
class Box:
    """All arrays between ``low`` and ``high``, entry by entry; ``(..., n)``, leading axes are
    batch.
    """

    low: np.ndarray
    high: np.ndarray

    @property
    def reach(self) -> np.ndarray:
        """The largest absolute value of each entry."""
        return np.maximum(abs(self.low), abs(self.high))

    def __add__(self, other: Box) -> Box:
        low, high = self.low + other.low, self.high + other.high
        if low.dtype == object:
            return Box(low=low, high=high)
        return Box(low=low - slack(abs(low)), high=high + slack(abs(high)))

    def meet(self, low: np.ndarray, high: np.ndarray) -> Box:
        """What lies in both; bounds of the same true set always meet."""
        return Box(low=np.maximum(self.low, low), high=np.minimum(self.high, high))


def slack(magnitude: np.ndarray, terms: int = 1) -> np.ndarray | int:
    """A bound on the rounding error of ``terms`` products summed, given the sum of their absolute
    values.
    """
    if magnitude.dtype == object:
        return 0
    return 2 * (terms + 2) * UNIT * magnitude + TINY


def around(x: np.ndarray) -> Box:
    """The points themselves: boxes of no width."""
    return Box(low=x, high=x)


def around_by(x: np.ndarray, reach) -> Box:
    """The closed boxes of half-width ``reach`` about x, rounded outwards."""
    low, high = x - reach, x + reach
    return Box(low=low - slack(abs(low)), high=high + slack(abs(high)))


def affine(weight: np.ndarray, bias: np.ndarray | None, box: Box) -> Box:
    """{W x + b : x in box}, by the positive and negative parts of W; exact hull of each coordinate.

    Batches of boxes ``(..., n)`` give ``(..., m)``.
    """
    up, down = np.maximum(weight, 0).T, np.minimum(weight, 0).T
    low, high = box.low @ up + box.high @ down, box.high @ up + box.low @ down
    shift = 0 if bias is None else bias
    low, high = low + shift, high + shift
    if weight.dtype == object:
        return Box(low=low, high=high)
    error = slack(box.reach @ abs(weight).T + abs(shift), weight.shape[1] + 1)
    return Box(low=low - error, high=high + error)


def product(x: Box, y: Box) -> Box:
    """Entry by entry, with broadcasting: the smallest and largest of the four products of ends."""
    ends = [x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high]
    low, high = np.minimum.reduce(ends), np.maximum.reduce(ends)
    if low.dtype == object:
        return Box(low=low, high=high)
    error = slack(np.maximum(abs(low), abs(high)))
    return Box(low=low - error, high=high + error)


def norm_up(deviation: np.ndarray, metric: str):
    """An upper bound of the norm of any vector whose entries are bounded by ``deviation`` >= 0."""
    match metric:
        case "linf":
            return deviation.max()
        case "l1":
            return raise_(deviation.sum(), len(deviation))
        case _:
            return root_up(raise_((deviation * deviation).sum(), len(deviation)))


def raise_(x, terms: int = 1):
    """x >= 0 increased by what a sum of so many terms may have lost."""
    return x if isinstance(x, int | Fraction) else float(x) * (1 + 2 * (terms + 2) * UNIT) + TINY


def root_up(x):
    """An upper bound of the square root; exact for squares of short rationals."""
    if not isinstance(x, int | Fraction):
        return float(np.nextafter(np.sqrt(x), np.inf))
    return roots.root_up(Fraction(x), ROOT_BITS)


def float_up(x: Fraction | roots.Root) -> float:
    """A float that is not below x >= 0, or only just above it; infinite beyond the largest."""
    try:
        near = float(x)
    except OverflowError:
        return float("inf")
    return near if near >= x else float(np.nextafter(near, np.inf))


def float_down(x: Fraction) -> float:
    """A float that is not above x >= 0, or only just below it."""
    near = float_up(x)
    return near if near <= x else float(np.nextafter(near, 0))
