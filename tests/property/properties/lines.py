"""Propositions about lines, and about single points."""

from __future__ import annotations

from fractions import Fraction as F
from itertools import pairwise

from engine import Engine, reverse, segment_of, to
from rich_networks import Case

from plateaus.geometry.exact.norms import norm
from properties.points import some_points


def line_nesting(engine: Engine, case: Case) -> None:
    """The same for whole intervals: cl P_{r1}(a) lies in P_{r2}(a), with exact ends."""
    if norm(case.metric).affine:
        for r1, r2 in pairwise((F(1, 8), F(1, 2), F(1), F(2), F(3))):
            small, large = engine.component(case, r1), engine.component(case, r2)
            assert small.low in large and small.high in large


def line_disjointness(engine: Engine, case: Case) -> None:
    """Proposition 3.2 for whole intervals on the line."""
    distance = segment_of(case).height(1)
    if norm(case.metric).affine and distance > 0:
        around_a = engine.component(case, distance / 3)
        around_b = engine.component(reverse(case), distance * 2 / 3)
        # t runs from a in one and backwards from b in the other.
        low, high = 1 - around_b.high, 1 - around_b.low
        assert around_a.high <= low or high <= around_a.low


def segment_sees_everything(engine: Engine, case: Case) -> None:
    """m_seg >= h_a at every point between (tried at rationals), and is attained at one of them."""
    measure, centre = norm(case.metric), case.net(case.a)
    seen = []
    for t in [F(k, 32) for k in range(33)] + list(segment_of(case).breakpoints):
        x = tuple(u + t * (v - u) for u, v in zip(case.a, case.b, strict=True))
        seen.append(measure(tuple(u - v for u, v in zip(case.net(x), centre, strict=True))))
    assert engine.merge_segment(case) == max(seen)


def behind_the_anchor(engine: Engine, case: Case) -> None:
    """The line runs both ways: behind a it is the segment from a to the mirror image of b."""
    mirrored = to(case, tuple(2 * u - v for u, v in zip(case.a, case.b, strict=True)))
    assert engine.merge_behind(case) == segment_of(mirrored).merge_height()


def trade_off(engine: Engine, case: Case) -> None:
    """max slope / R >= (1 - 2 r / R) / (1 - theta): large plateaus on a segment force a steep
    boundary.
    """
    if norm(case.metric).affine:
        line, back = segment_of(case), segment_of(reverse(case))
        distance = line.height(1)
        for r in (distance / 8, distance / 3):
            if r > 0:
                covered = line.component(r).length + back.component(r).length
                steepest = max(
                    line.metric(tuple(F(v, p.denominator) for v in p.rows[:, 1]))
                    for p in line.affine
                )
                assert steepest / distance >= engine.slope_bound(r, distance, covered)


def relative_distance(engine: Engine, case: Case) -> None:
    """With D = |f(a) - f(b)|: h_a < c D implies rho < c, and rho < c < 1/2 implies h_a < c D / (1 -
    2 c).
    """
    if norm(case.metric).affine:
        measure, fa, fb = norm(case.metric), case.net(case.a), case.net(case.b)
        distance = measure(tuple(u - v for u, v in zip(fa, fb, strict=True)))
        if distance == 0:
            return
        for x in (*some_points(case, 12), *_towards(case)):
            y = case.net(x)
            u, v = (measure(tuple(p - q for p, q in zip(y, end, strict=True))) for end in (fa, fb))
            for c in (F(1, 10), F(1, 4), F(2, 5)):
                assert u >= c * distance or u < c * (u + v)
                assert u >= c * (u + v) or u < engine.relative_ball(c, distance)


def _towards(case: Case) -> list[tuple]:
    """Points on the line through a and b, beyond a as well: there the outer ball is filled."""
    return [
        tuple(u - F(k, 20) * (v - u) for u, v in zip(case.a, case.b, strict=True))
        for k in range(-20, 41)
    ]
