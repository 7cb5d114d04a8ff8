"""Deliberately wrong engines: each gets one thing wrong that a proposition depends on."""

from __future__ import annotations

from fractions import Fraction as F

from engine import Engine, plane_of, reverse, segment_of
from rich_networks import Case

from plateaus.geometry.exact import Bar, Interval


class NoComponent(Engine):
    """The whole preimage of the ball, not its component."""

    def member(self, case: Case, r: F) -> bool:
        return self.height(case) < r


class NotStrict(Engine):
    """<= for <: a closed ball."""

    def member(self, case: Case, r: F) -> bool:
        return self.merge(case) <= r


class NotStrictOnSegments(Engine):
    def member_segment(self, case: Case, r: F) -> bool:
        return self.merge_segment(case) <= r


class OtherAnchor(Engine):
    """h_b for h_a."""

    def merge(self, case: Case) -> F:
        return plane_of(reverse(case)).merge_height(case.a)


class Symmetrised(Engine):
    """max(m(a, b), m(b, a))."""

    def merge(self, case: Case) -> F:
        return max(
            plane_of(case).merge_height(case.b), plane_of(reverse(case)).merge_height(case.a)
        )


class FacetMaximum(Engine):
    """A facet costs its highest height instead of its lowest."""

    def merge(self, case: Case) -> F:
        plane = plane_of(case)
        high = [
            max(plane.metric(plane.cells[f.cells[0]].at(v)) for v in f.ends) for f in plane.facets
        ]
        level = {plane.cell(case.a): F(0)}
        for _ in plane.cells:
            for facet, door in zip(plane.facets, high, strict=True):
                for i, j in (facet.cells, facet.cells[::-1]):
                    if i in level:
                        level[j] = min(level.get(j, max(level[i], door)), max(level[i], door))
        return max(plane.height(case.b), level[plane.cell(case.b)])


class StraightLine(Engine):
    """m_seg for m."""

    def merge(self, case: Case) -> F:
        return self.merge_segment(case)


class HeightOnly(Engine):
    """h for m: no barrier anywhere."""

    def merge(self, case: Case) -> F:
        return self.height(case)


class MissingBreakpoints(Engine):
    """Looks at the ends and the middle only."""

    def merge_segment(self, case: Case) -> F:
        line = segment_of(case)
        return max(line.height(0), line.height(F(1, 2)), line.height(1))


class UnsortedBehind(Engine):
    """Looks for breakpoints between 0 and t as if t were larger: behind a there are none."""

    def merge_behind(self, case: Case) -> F:
        line = segment_of(case, (-1, 1))
        return max(line.height(0), line.height(-1))


class PathLength(Engine):
    """Sums what it climbs and descends instead of taking the maximum."""

    def merge_segment(self, case: Case) -> F:
        h = segment_of(case).heights
        return sum((abs(v - u) for u, v in zip(h, h[1:], strict=False)), F(0))


class HeightContours(Engine):
    """The recipe of the proposal: contours of h_a."""

    def contour(self, case: Case) -> F:
        return self.height(case)


class ReversedNesting(Engine):
    """A larger radius gives a smaller plateau."""

    def member(self, case: Case, r: F) -> bool:
        return super().member(case, 1 / r)


class ReversedIntervals(Engine):
    def component(self, case: Case, r: F) -> Interval:
        return super().component(case, 1 / r)


class CappedRadius(Engine):
    """No plateau larger than that of radius 1."""

    def component(self, case: Case, r: F) -> Interval:
        return super().component(case, min(r, F(1)))


class PreimageHull(Engine):
    """From the first to the last point of the preimage on the line."""

    def component(self, case: Case, r: F) -> Interval:
        parts = segment_of(case, (-16, 16)).intervals(r)
        first, last = parts[0], parts[-1]
        return Interval(
            low=first.low, high=last.high, exits_low=first.exits_low, exits_high=last.exits_high
        )


class YoungerRule(Engine):
    """The older component dies at a merger."""

    def bars(self, case: Case) -> tuple[Bar, ...]:
        first, *rest = super().bars(case)
        floors = plane_of(case).floors
        return (
            first,
            *(Bar(birth=floors[b.into], death=b.death, cell=b.into, into=b.cell) for b in rest),
        )


class ZeroBirths(Engine):
    """Every component exists from the beginning."""

    def bars(self, case: Case) -> tuple[Bar, ...]:
        first, *rest = super().bars(case)
        return (first, *(Bar(birth=F(0), death=b.death, cell=b.cell, into=b.into) for b in rest))


class OneRadius(Engine):
    """1 - r / R where both plateaus cost a radius."""

    def slope_bound(self, r: F, distance: F, share: F) -> F:
        return (1 - r / distance) / (1 - share)


class NotUltrametric(Engine):
    """The best way through the anchor, instead of the best way."""

    def joining(self, case: Case, x: tuple, y: tuple) -> F:
        return max(plane_of(case).merge_height(x), plane_of(case).merge_height(y))


class NarrowBall(Engine):
    """1 - c where Apollonius' ball needs 1 - 2 c."""

    def relative_ball(self, c: F, distance: F) -> F:
        return c * distance / (1 - c)


class OneSidedStability(Engine):
    """The anchor's output moves as well as the pass: the factor is 2, not 1."""

    def stability_factor(self) -> int:
        return 1


class NoGrowth(Engine):
    """A branch of slope eps can only contract."""

    def contraction_bounds(self, low: F, high: F, eps: F) -> tuple[F, F]:
        return low * (1 - eps), high


class WindowBlind(Engine):
    """Counts ways that leave the window, for the smaller window alone."""

    def merge(self, case: Case) -> F:
        inner = case.window == ((-3, -3), (3, 3))
        return self.height(case) if inner else plane_of(case).merge_height(case.b)


class SharedByDepth(Engine):
    """Shares the merge height out among the blocks."""

    def merge_segment(self, case: Case) -> F:
        return super().merge_segment(case) / max(len(case.net), 1)


class Touching(Engine):
    """A radius counted twice: disjoint balls are allowed to overlap."""

    def component(self, case: Case, r: F) -> Interval:
        return super().component(case, 2 * r)


class TouchingOnPlanes(Engine):
    def member(self, case: Case, r: F) -> bool:
        return super().member(case, 2 * r)


class OverSegment(Engine):
    """Twice the merge height: above what the straight segment needs."""

    def merge(self, case: Case) -> F:
        return 2 * super().merge(case)


class BelowHeight(Engine):
    """Forgets that b itself must be reached."""

    def merge(self, case: Case) -> F:
        plane = plane_of(case)
        return plane.levels[plane.cell(case.b)]
