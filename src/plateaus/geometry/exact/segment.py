"""Exact plateaus on a line: heights, merge heights and {h_a < r} as intervals.

h_a is convex on each piece, so its maximum between two points is attained at a breakpoint or an
end: m_seg(a, b) = max of h over the breakpoints between a and b. Nothing is sampled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from plateaus.errors import BadPath
from plateaus.geometry.exact.norms import ZERO, Norm, level, norm, radius
from plateaus.geometry.exact.pieces import Piece, chart, coordinates, push, vertex
from plateaus.geometry.exact.program import ExactNetwork, Rational, point
from plateaus.geometry.exact.roots import Level, root_down


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A component of {h_a < r} on a line, in slice coordinates."""

    low: Fraction
    high: Fraction
    exits_low: bool
    """True if h_a = r at ``low``; False if the window ends there first."""
    exits_high: bool

    def __contains__(self, t: Rational) -> bool:
        above = self.low < t if self.exits_low else self.low <= t
        return above and (t < self.high if self.exits_high else t <= self.high)

    @property
    def length(self) -> Fraction:
        """In slice coordinates: the segment from a to b has length 1."""
        return self.high - self.low


@dataclass(frozen=True, kw_only=True)
class ExactSegment:
    """h_a(x(t)), x(t) = a + t (b - a), for t in a window that contains 0."""

    metric: Norm
    affine: tuple[Piece, ...]
    """Maximal pieces on which f is affine, from left to right; the state is f(x) - f(a)."""

    @classmethod
    def of(
        cls,
        network: ExactNetwork,
        a: Iterable[Rational],
        b: Iterable[Rational],
        *,
        metric: str = "l2",
        window: tuple[Rational, Rational] = (0, 1),
    ) -> ExactSegment:
        """The line through a (t = 0) and b (t = 1).

        Raises:
            BadPath: a equals b, or the window does not contain 0 or has no length.
            BadParameter: no exact norm of that name.
        """
        a, b = network.check(a), network.check(b)
        ends = point(window)
        low, high = ends if len(ends) == 2 else (ZERO, ZERO)
        if a == b:
            raise BadPath("A segment was given two identical end points: a and b must differ.")
        if not low <= 0 <= high or low == high:
            raise BadPath(
                f"The window {window!r} of a segment must have a length and contain 0, where a "
                "lies: give two numbers, as (0, 1)."
            )
        direction = tuple(v - u for u, v in zip(a, b, strict=True))
        start = chart(a, direction, region=(vertex((low,)), vertex((high,))))
        centre = network(a)
        pieces = sorted(push(network.steps, start), key=lambda p: coordinates(p.region[0]))
        return cls(metric=norm(metric), affine=tuple(p.minus(centre) for p in _joined(pieces)))

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Pieces on which the height itself is affine (L1, L-infinity) or quadratic (L2)."""
        parts = [part for piece in self.affine for part in self.metric.refine(piece)]
        return tuple(sorted(parts, key=lambda p: coordinates(p.region[0])))

    @cached_property
    def breakpoints(self) -> tuple[Fraction, ...]:
        """Window ends and all t where one piece meets the next."""
        return tuple(coordinates(p.region[0])[0] for p in self.pieces) + coordinates(
            self.pieces[-1].region[1]
        )

    @cached_property
    def heights(self) -> tuple[Level, ...]:
        """h_a at the breakpoints."""
        last = self.pieces[-1]
        return tuple(self.metric.over(*p.over(p.region[0])) for p in self.pieces) + (
            self.metric.over(*last.over(last.region[1])),
        )

    def height(self, t: Rational) -> Level:
        """h_a(x(t))."""
        t = self._inside(t)
        i = min(max(bisect_left(self.breakpoints, t) - 1, 0), len(self.pieces) - 1)
        return self.metric(self.pieces[i].at(vertex((t,))))

    def merge_height(self, t: Rational = 1, *, start: Rational = 0) -> Level:
        """m_seg: the largest height between ``start`` (by default a) and x(t).

        With another start it is u_a(x(start), x(t)), the lowest level that joins two points of the
        line.
        """
        s, t = sorted((self._inside(start), self._inside(t)))
        between = (h for u, h in zip(self.breakpoints, self.heights, strict=True) if s < u < t)
        return max((self.height(s), self.height(t), *between))

    def contains(self, t: Rational, r: Rational | Level) -> bool:
        """Whether x(t) lies in the plateau of radius r of a *on this line*: m_seg < r, strictly."""
        return self.merge_height(t) < level(r)

    def intervals(self, r: Rational) -> tuple[Interval, ...]:
        """The components of {h_a < r} on the window, from left to right.

        Ends are exact in L1 and L-infinity. In L2 they are square roots, rounded inwards to
        2^-96 of a piece; which pieces they join is decided exactly.
        """
        r = radius(r)
        found: list[Interval] = []
        for piece, h0, h1 in zip(self.pieces, self.heights, self.heights[1:], strict=False):
            part = _below(self.metric, piece, h0, h1, r)
            if part is None:
                continue
            if (
                found
                and not part.exits_low
                and not found[-1].exits_high
                and found[-1].high == part.low
            ):
                part = Interval(
                    low=found[-1].low,
                    high=part.high,
                    exits_low=found[-1].exits_low,
                    exits_high=part.exits_high,
                )
                found.pop()
            found.append(part)
        return tuple(found)

    def component(self, r: Rational) -> Interval:
        """The plateau of radius r of a on this line: the interval that contains t = 0."""
        return next(part for part in self.intervals(r) if 0 in part)

    def _inside(self, t: Rational) -> Fraction:
        t = point([t])[0]
        low, high = self.breakpoints[0], self.breakpoints[-1]
        if not low <= t <= high:
            raise BadPath(
                f"t = {t} lies outside the window [{low}, {high}] of this segment: widen the "
                "window."
            )
        return t


def _below(metric: Norm, piece: Piece, h0: Level, h1: Level, r: Fraction) -> Interval | None:
    """{h < r} on one piece, or None if empty; heights h0, h1 at its ends. Convex, so at most one
    interval.
    """
    (u,), (v,) = map(coordinates, piece.region)
    if h0 < r and h1 < r:
        return Interval(low=u, high=v, exits_low=False, exits_high=False)
    p, end = map(piece.at, piece.region)
    q = tuple(y - x for x, y in zip(p, end, strict=True))
    if metric.lowest(piece, *piece.region) >= r:
        return None
    if metric.affine:
        first = last = (r - h0) / (h1 - h0)
    else:
        a, b = sum(y * y for y in q), sum(x * y for x, y in zip(p, q, strict=True))
        root = root_down(b * b - a * (h0.square - r * r))
        first, last = (-b - root) / a, (-b + root) / a
    low, high = (
        (u if h0 < r else u + first * (v - u)),
        (v if h1 < r else u + last * (v - u)),
    )
    return Interval(low=low, high=high, exits_low=h0 >= r, exits_high=h1 >= r)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring pieces with the same affine map made one: a switch that changes nothing is no
    breakpoint.
    """
    joined = pieces[:1]
    for piece in pieces[1:]:
        before = joined[-1]
        if (before.rows * piece.denominator == piece.rows * before.denominator).all():
            joined[-1] = Piece(
                region=(before.region[0], piece.region[1]),
                rows=before.rows,
                denominator=before.denominator,
            )
        else:
            joined.append(piece)
    return joined
