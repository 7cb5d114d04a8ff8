"""h_a on a line: heights, merge heights, and whether a point lies in the plateau of a on it.

Three answers are possible. "inside" and "outside" are exact (rational arithmetic) or certified: one
height proved to be >= r on the way proves an exit; a Lipschitz bound, or bounds of the merge height
itself, prove the rest outside a band. Everything else is "undecided", and ``contains`` then raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from numbers import Real

import numpy as np
from torch import Tensor

from plateaus.errors import BadPoints, Undecided
from plateaus.geometry.bounds.interval import UNIT, Box, float_down, float_up
from plateaus.geometry.bounds.parts import length
from plateaus.geometry.exact.norms import level
from plateaus.geometry.exact.program import Rational
from plateaus.geometry.exact.roots import Level
from plateaus.geometry.exact.segment import ExactSegment, Interval
from plateaus.geometry.flood import Band, along_line, line_band
from plateaus.geometry.verified import MergeBounds

INSIDE, OUTSIDE, UNDECIDED = "inside", "outside", "undecided"


def settled(answer: str, what: str) -> bool:
    """The answer as a truth value.

    Raises:
        Undecided: it is neither inside nor outside.
    """
    if answer == UNDECIDED:
        raise Undecided(
            f"Whether the point lies in the plateau of this {what} is not decided by its samples: "
            "give a Lipschitz bound, take more steps, or use a network with an exact form."
        )
    return answer == INSIDE


@dataclass(frozen=True, kw_only=True)
class Line:
    """h_a on a + alpha (b - a), from rationals, from bounds, or from samples."""

    start: Tensor
    """a, ``(d,)``."""
    end: Tensor
    """b."""
    alpha: np.ndarray
    """Sampled positions, shape ``(steps,)``; alpha = 0 is the anchor and always among them."""
    heights: np.ndarray
    """h_a at ``alpha`` as the network computes it, float64."""
    lipschitz: float | None
    enclose: Callable[[np.ndarray], Box]
    """Bounds of h_a at positions ``(..., 1)``."""
    bounded: Callable[[float], MergeBounds] | None
    """Bounds of the merge height at a position, if they can be had."""
    exact: ExactSegment | None

    @cached_property
    def source(self) -> int:
        """Index of the anchor in ``alpha``."""
        return int(np.flatnonzero(self.alpha == 0)[0])

    @cached_property
    def proved(self) -> Box:
        """Bounds of h_a at ``alpha``."""
        return self.enclose(self.alpha[:, None])

    @cached_property
    def merge_heights(self) -> np.ndarray:
        """Sampled m_seg(a, .), shape ``(steps,)``: a lower bound of the true one."""
        return along_line(self.heights, self.source)

    @cached_property
    def band(self) -> Band | None:
        """Bounds of m_seg at the samples, if a Lipschitz bound was given."""
        if self.lipschitz is None:
            return None
        reach = float(length((self.end.double() - self.start.double()).cpu().numpy()[None])[0, 0])
        rise = self.lipschitz * reach * np.diff(self.alpha) * (1 + 8 * UNIT)
        upper = line_band(self.proved.high, self.source, rise=rise).upper
        return Band(lower=along_line(self.proved.low, self.source), upper=upper * (1 + 8 * UNIT))

    def height(self, alpha: Rational) -> Level | float:
        """h_a at ``alpha``: exact if the slice is, else as the network computes it."""
        self._inside(alpha)
        if self.exact is not None:
            return self.exact.height(alpha)
        middle = self.enclose(np.array([float(alpha)]))
        return float(middle.low + middle.high) / 2

    def merge_height(self, alpha: Rational = 1) -> Level | float:
        """m_seg(a, .) at ``alpha``: exact, or the sampled one, which is a lower bound only."""
        self._inside(alpha)
        if self.exact is not None:
            return self.exact.merge_height(alpha)
        passed = self.heights[self._between(alpha)]
        return max(float(passed.max(initial=0.0)), self.height(alpha))

    def contains(self, alpha: Rational, r: Rational | Level) -> bool:
        """Whether the point at ``alpha`` lies in the plateau of radius r of a on this line.

        Raises:
            Undecided: the samples do not settle it.
            BadPoints: alpha lies outside the window.
            BadRadius: r is not positive.
        """
        return settled(self.decide(alpha, r), "segment")

    def decide(self, alpha: Rational, r: Rational | Level) -> str:
        """The same as a word: inside, outside or undecided."""
        self._inside(alpha)
        r = level(r)
        if alpha == 0:
            return INSIDE
        if self.exact is not None:
            return INSIDE if self.exact.contains(alpha, r) else OUTSIDE
        lows = np.append(self.proved.low[self._between(alpha)], self._bounds(alpha).low)
        if (lows >= float_up(r)).any():
            return OUTSIDE
        if self.band is not None and self.band.upper[self._beyond(alpha)] < float_down(r):
            return INSIDE
        if self.bounded is not None:
            bounds = self.bounded(alpha)
            if Fraction(bounds.upper) < r:
                return INSIDE
            if Fraction(bounds.lower) >= r:
                return OUTSIDE
        return UNDECIDED

    def too_high(self, alpha: Rational, r: Rational | Level) -> bool:
        """Whether h_a >= r is proved at ``alpha``: then the point is in no plateau of radius r of
        a, in the whole space.
        """
        if self.exact is not None:
            return self.exact.height(alpha) >= level(r)
        return bool(self._bounds(alpha).low >= float_up(level(r)))

    def component(self, r: Rational | Level) -> Interval:
        """The plateau of radius r of a on this line.

        Exact if the slice is; otherwise by linear interpolation of h_a between neighbouring
        samples, a picture.
        """
        if self.exact is not None:
            return self.exact.component(r)
        (low, exits_low), (high, exits_high) = (self._exit(way, float(level(r))) for way in (-1, 1))
        return Interval(low=low, high=high, exits_low=exits_low, exits_high=exits_high)

    def _bounds(self, alpha: Rational) -> Box:
        return self.enclose(np.array([float(alpha)]))

    def _inside(self, alpha: Rational) -> None:
        if not (isinstance(alpha, Real) and self.alpha[0] <= alpha <= self.alpha[-1]):
            raise BadPoints(
                f"alpha = {alpha!r} lies outside the window of this slice: widen the window."
            )

    def _between(self, alpha: Rational) -> np.ndarray:
        """Which samples a walk from a to the point passes."""
        alpha = float(alpha)
        return (self.alpha >= min(alpha, 0)) & (self.alpha <= max(alpha, 0))

    def _beyond(self, alpha: Rational) -> int:
        """The next sample beyond alpha: what is joined up to there is joined up to alpha."""
        if alpha >= 0:
            return int(np.searchsorted(self.alpha, float(alpha)))
        return int(np.searchsorted(self.alpha, float(alpha), "right") - 1)

    def _exit(self, direction: int, r: float) -> tuple[float, bool]:
        """Where the samples reach r, or the end of the window and False."""
        i = self.source
        while 0 <= i + direction < len(self.alpha):
            low, high = self.heights[i], self.heights[i + direction]
            if high >= r:
                share = (r - low) / (high - low)
                step = self.alpha[i + direction] - self.alpha[i]
                return float(self.alpha[i] + share * step), True
            i += direction
        return float(self.alpha[i]), False
