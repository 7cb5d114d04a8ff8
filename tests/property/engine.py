"""The package as one object, so that a deliberately wrong twin replaces one method and keeps the
rest.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from functools import lru_cache

import numpy as np
from rich_networks import Case

from plateaus.geometry.exact import Bar, ExactPlane, ExactSegment, Interval, bars
from plateaus.geometry.flood import Band, grid_band, over_grid


@lru_cache(maxsize=256)
def plane_of(case: Case) -> ExactPlane:
    return ExactPlane.of(case.net, window=case.window, anchor=case.a, metric=case.metric)


@lru_cache(maxsize=256)
def segment_of(case: Case, window: tuple = (0, 1)) -> ExactSegment:
    return ExactSegment.of(case.net, case.a, case.b, metric=case.metric, window=window)


def to(case: Case, x: tuple) -> Case:
    """The same case with x in the place of b."""
    return replace(case, b=tuple(map(F, x)))


def reverse(case: Case) -> Case:
    return replace(case, a=case.b, b=case.a)


class Engine:
    """Every quantity that the propositions speak of."""

    def height(self, case: Case) -> F:
        """h_a(b)."""
        return plane_of(case).height(case.b)

    def merge(self, case: Case) -> F:
        """m(a, b) in the window."""
        return plane_of(case).merge_height(case.b)

    def member(self, case: Case, r: F) -> bool:
        """b in P_r(a) in the window."""
        return plane_of(case).contains(case.b, r)

    def contour(self, case: Case) -> F:
        """The value at b of the field whose contours are drawn as nested plateaus."""
        return plane_of(case).merge_height(case.b)

    def bars(self, case: Case) -> tuple[Bar, ...]:
        return bars(plane_of(case))

    def components(self, case: Case, r: F) -> int:
        return len(plane_of(case).components(r))

    def merge_segment(self, case: Case) -> F:
        """m_seg(a, b)."""
        return segment_of(case).merge_height()

    def merge_behind(self, case: Case) -> F:
        """m_seg(a, 2 a - b): on the line through a and b, behind a."""
        return segment_of(case, (-1, 1)).merge_height(-1)

    def member_segment(self, case: Case, r: F) -> bool:
        """b in P_r(a) on the segment."""
        return segment_of(case).contains(1, r)

    def component(self, case: Case, r: F) -> Interval:
        """P_r(a) on the line through a and b, window in units of b - a."""
        return segment_of(case, (-16, 16)).component(r)

    def grid_merge(self, heights: np.ndarray, source: tuple[int, int]) -> np.ndarray:
        """Minimax over 4-connected ways."""
        return over_grid(heights, source, connectivity=4)

    def band(self, heights: np.ndarray, source: tuple[int, int], along: tuple[F, F]) -> Band:
        return grid_band(heights, source, along=along)

    def joining(self, case: Case, x: tuple, y: tuple) -> F:
        """u_a(x, y): the level of h_a at which x and y come to lie in one component."""
        return plane_of(case).merge_height(y, start=x)

    def relative_ball(self, c: F, distance: F) -> F:
        """The radius of a ball around f(a) that holds all outputs with relative distance below c <
        1/2.
        """
        return c * distance / (1 - 2 * c)

    def stability_factor(self) -> int:
        """How much faster than sup |f - g| the merge height can change."""
        return 2

    def contraction_bounds(self, low: F, high: F, eps: F) -> tuple[F, F]:
        """Bounds of |Delta_{l+1}| / |Delta_0| from those of |Delta_l| / |Delta_0| and the slope of
        F_l.
        """
        return low * (1 - eps), high * (1 + eps)

    def slope_bound(self, r: F, distance: F, share: F) -> F:
        """The size-sharpness trade-off: the slope, over ``distance``, that plateaus covering
        ``share`` force.
        """
        return (1 - 2 * r / distance) / (1 - share)
