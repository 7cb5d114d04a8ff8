"""Propositions about plateaus on a plane."""

from __future__ import annotations

from fractions import Fraction as F

import oracle
from engine import Engine, plane_of, reverse, segment_of, to
from rich_networks import Case

from plateaus.geometry.exact.norms import norm
from plateaus.geometry.exact.pieces import coordinates
from properties.points import some_points

TINY = F(1, 1000)


def membership(engine: Engine, case: Case) -> None:
    """b in P_r(a) as union-find sees it <=> m(a, b) < r."""
    answer = oracle.member(plane_of(case), case.net, case.a, case.b, case.radius)
    assert (engine.merge(case) < case.radius) == answer
    assert engine.member(case, case.radius) == answer


def strictness(engine: Engine, case: Case) -> None:
    """The ball is open: b is not in P_r(a) at r = m(a, b), but is for every larger r. (L1 and
    L-infinity.)
    """
    if norm(case.metric).affine:
        m = plane_of(case).merge_height(case.b)
        assert m == 0 or not engine.member(case, m)
        assert engine.member(case, m + TINY)
        s = segment_of(case).merge_height()
        assert s == 0 or not engine.member_segment(case, s)
        assert engine.member_segment(case, s + TINY)


def disjointness(engine: Engine, case: Case) -> None:
    """Proposition 3.2: disjoint balls in the output space, disjoint plateaus."""
    if norm(case.metric).affine:
        distance = engine.height(case)
        for share in (F(1, 2), F(1, 4)):
            ra, rb = share * distance, (1 - share) * distance
            if distance > 0:
                for x in (case.a, case.b, *some_points(case)):
                    assert not (
                        engine.member(to(case, x), ra) and engine.member(to(reverse(case), x), rb)
                    )


def nesting(engine: Engine, case: Case) -> None:
    """Proposition 3.3, closure form: r1 < r2 implies that P_{r2} contains even the boundary of
    P_{r1}.

    m(a, x) <= r1 on the closure of P_{r1}(a); in the window the converse holds as well, since cells
    are convex.
    """
    corners = [coordinates(cell.region[0]) for cell in plane_of(case).cells[:6]]
    for x in (case.b, *some_points(case), *corners):
        at = to(case, x)
        for r in (F(1, 4), F(1), F(2)):
            if engine.member(at, r):
                assert engine.member(at, r + TINY)
        if norm(case.metric).affine and (m := plane_of(case).merge_height(x)) > 0:
            assert engine.member(at, m * F(101, 100))  # on the boundary of P_m


def height_bounds(engine: Engine, case: Case) -> None:
    """h_a(b) <= m(a, b), with h_a(b) from the network itself."""
    measure = norm(case.metric)
    direct = measure(tuple(u - v for u, v in zip(case.net(case.b), case.net(case.a), strict=True)))
    assert engine.height(case) == direct <= engine.merge(case)


def contours(engine: Engine, case: Case) -> None:
    """A contour picture must show plateaus: its field lies below r exactly on P_r(a), for every
    r.
    """
    for x in (case.b, *some_points(case, 1)):
        field = engine.contour(to(case, x))
        for r in (case.radius, F(2)):
            assert (field < r) == oracle.member(plane_of(case), case.net, case.a, x, r)


def quasi_metric(engine: Engine, case: Case) -> None:
    """m(a,c) <= max(m(a,b), |f(a)-f(b)| + m(b,c)); m(b,a) <= m(a,b) + |f(a)-f(b)| <= 2 m(a,b)."""
    if norm(case.metric).affine:
        ab, ba = engine.merge(case), engine.merge(reverse(case))
        distance = engine.height(case)
        assert ba <= ab + distance <= 2 * ab
        for c in some_points(case, 2):
            ac, bc = engine.merge(to(case, c)), engine.merge(to(reverse(case), c))
            assert ac <= max(ab, distance + bc)


def bars_count_components(engine: Engine, case: Case) -> None:
    """#components of {h_a < r} = 1 + #{finite bars alive at r}; the last death is the highest m
    over minima.
    """
    found = engine.bars(case)
    assert found[0].birth == 0 and found[0].death is None
    plane = plane_of(case)
    for r in (F(1, 8), F(1, 2), F(1), F(2)):
        assert engine.components(case, r) == 1 + sum(bar.alive(r) for bar in found[1:])
    for bar in found[1:]:
        # The elder rule: a component's lowest point merges with a's no earlier than it dies.
        assert bar.death <= max(plane.levels[bar.cell], plane.floors[bar.cell])
        assert plane.floors[bar.into] <= bar.birth
    joins = [max(plane.levels[bar.cell], plane.floors[bar.cell]) for bar in found[1:]]
    assert max([bar.death for bar in found[1:]], default=0) == max(joins, default=0)


def ultrametric(engine: Engine, case: Case) -> None:
    """For a fixed anchor u_a(x, z) <= max(u_a(x, y), u_a(y, z)), u_a is symmetric, and u_a(a, b) =
    m(a, b).
    """
    x, y = some_points(case, 2)
    z = case.b
    xy, yz, xz = engine.joining(case, x, y), engine.joining(case, y, z), engine.joining(case, x, z)
    assert xz <= max(xy, yz) and xy == engine.joining(case, y, x)
    assert engine.joining(case, case.a, z) == plane_of(case).merge_height(z)
    assert all(engine.joining(case, p, p) == plane_of(case).height(p) for p in (x, y, z))


def windows(engine: Engine, case: Case) -> None:
    """A larger window offers more ways: m does not grow with it."""
    small = Case(net=case.net, a=case.a, b=case.b, metric=case.metric, window=((-3, -3), (3, 3)))
    assert engine.merge(case) <= engine.merge(small) <= engine.merge_segment(case)


def segment_is_upper_bound(engine: Engine, case: Case) -> None:
    """m <= m_seg, and <= the maximum over any polyline."""
    m = engine.merge(case)
    assert m <= engine.merge_segment(case)
    for x in some_points(case, 2):
        if x not in (case.a, case.b):
            # h_a on the leg from x to b, measured from a: pieces of the leg carry f itself.
            assert m <= max(engine.merge_segment(to(case, x)), _leg(case, x))


def _leg(case: Case, x: tuple) -> F:
    """max h_a on the segment from x to b."""
    line = segment_of(Case(net=case.net, a=x, b=case.b, metric=case.metric))
    measure = norm(case.metric)
    centre, start = case.net(case.a), case.net(x)
    shift = [u - v for u, v in zip(start, centre, strict=True)]
    states = [
        line.affine[0].at(line.affine[0].region[0]),
        *(p.at(p.region[1]) for p in line.affine),
    ]
    return max(measure(tuple(u + v for u, v in zip(state, shift, strict=True))) for state in states)
