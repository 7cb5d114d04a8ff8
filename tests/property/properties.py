"""The propositions as checks: each takes an engine and a case, and fails if the engine contradicts
it on that case.
"""

from __future__ import annotations

from fractions import Fraction as F
from itertools import pairwise
from random import Random

import numpy as np
import oracle
from engine import Engine, plane_of, reverse, segment_of, to
from rich_networks import Case

from plateaus.geometry.exact import ExactNetwork
from plateaus.geometry.exact.norms import norm
from plateaus.geometry.exact.pieces import coordinates
from plateaus.geometry.exact.program import Residual, affine, hinges

TINY = F(1, 1000)


def some_points(case: Case, count: int = 4) -> list[tuple[F, F]]:
    """Rational points of the window, the same for the same case."""
    rng = Random(repr((case.a, case.b)))
    (x0, y0), (x1, y1) = case.window
    return [
        (x0 + F(rng.randint(0, 64), 64) * (x1 - x0), y0 + F(rng.randint(0, 64), 64) * (y1 - y0))
        for _ in range(count)
    ]


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


def segment_sees_everything(engine: Engine, case: Case) -> None:
    """m_seg >= h_a at every point between (tried at rationals), and is attained at one of them."""
    measure, centre = norm(case.metric), case.net(case.a)
    seen = []
    for t in [F(k, 32) for k in range(33)] + list(segment_of(case).breakpoints):
        x = tuple(u + t * (v - u) for u, v in zip(case.a, case.b, strict=True))
        seen.append(measure(tuple(u - v for u, v in zip(case.net(x), centre, strict=True))))
    assert engine.merge_segment(case) == max(seen)


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


def grid_sandwich(engine: Engine, case: Case, *, steps: int = 17) -> None:
    """Node values and directional Lipschitz constants bound the window's merge height from both
    sides.
    """
    measure = norm(case.metric)
    if measure.affine:
        plane = plane_of(case)
        (x0, y0), (x1, y1) = case.window
        xs = [x0 + F(k, steps - 1) * (x1 - x0) for k in range(steps)]
        ys = [y0 + F(k, steps - 1) * (y1 - y0) for k in range(steps)]
        values = {}
        for cell in plane.cells:
            corners = [coordinates(v) for v in cell.region]
            lows, highs = map(min, zip(*corners, strict=True)), map(max, zip(*corners, strict=True))
            (l0, l1), (h0, h1) = lows, highs
            for i, y in enumerate(ys):
                for j, x in enumerate(xs):
                    if (
                        l0 <= x <= h0
                        and l1 <= y <= h1
                        and (i, j) not in values
                        and oracle._holds(corners, (x, y))
                    ):
                        state = [
                            (row[0] + row[1] * x + row[2] * y) / F(cell.denominator)
                            for row in cell.rows
                        ]
                        values[i, j] = measure(tuple(state))
        heights = np.array(
            [[values[i, j] for j in range(steps)] for i in range(steps)], dtype=object
        )
        along = tuple(
            max(
                measure(tuple(F(v, cell.denominator) for v in cell.rows[:, k]))
                for cell in plane.cells
            )
            * (hi - lo)
            / (steps - 1)
            for k, (lo, hi) in ((1, (x0, x1)), (2, (y0, y1)))
        )
        source, target = (
            (ys.index(case.a[1]), xs.index(case.a[0])),
            (ys.index(case.b[1]), xs.index(case.b[0])),
        )
        band = engine.band(heights, source, along)
        m = plane.merge_height(case.b)
        assert band.lower[target] <= m <= band.upper[target]
        four = engine.grid_merge(heights, source)[target]
        assert four - sum(along) / 2 <= m <= four + max(along) / 2


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


def pull_back(engine: Engine, case: Case) -> None:
    """P_r^(i)(a_i) is the component of g_i^{-1}(P_r^(i+1)(a_{i+1})) that contains a_i (in one
    dimension).
    """
    states = case.net.trace(case.a)
    for i in range(len(case.net) - 1):
        here, there = states[i], states[i + 1]
        part = engine.component(_tail(case, i, here), case.radius)
        image = engine.component(_tail(case, i + 1, there), case.radius)
        for t in (
            part.low,
            part.low / 2,
            part.high / 2,
            part.high,
            part.high + 1,
            part.low - 1,
            part.high * F(9, 10),
        ):
            if t == 0 or not -16 <= t <= 16:
                continue
            step = segment_of(
                Case(net=case.net[i : i + 1], a=here, b=(here[0] + t,), metric="linf")
            )
            path = [
                p.at(v)[0] for p in step.affine for v in p.region
            ]  # g_i - g_i(a_i) along the way
            if max(map(abs, path)) <= 16:
                assert (t in part) == all(y in image for y in path)


def _tail(case: Case, i: int, anchor: tuple) -> Case:
    return Case(net=case.net[i:], a=anchor, b=(anchor[0] + 1,), metric="linf")


def depth_monotone(engine: Engine, case: Case) -> None:
    """m^(i+1)(a_{i+1}, b_{i+1}) <= m^(i)(a_i, b_i): a block can remove a barrier, never raise
    one.
    """
    for i in range(len(case.net) - 1):
        before, after = (
            Case(
                net=case.net[k:],
                a=case.net.trace(case.a)[k],
                b=case.net.trace(case.b)[k],
                metric="linf",
            )
            for k in (i, i + 1)
        )
        if before.a == before.b:
            break
        late = F(0) if after.a == after.b else engine.merge_segment(after)
        assert late <= engine.merge_segment(before)


def no_barrier(engine: Engine, pair: tuple) -> None:
    """A homeomorphic network has m(a, b) = |f(a) - f(b)|, if the window holds f^{-1} of the output
    segment.
    """
    case, inverse = pair
    p, q = case.net(case.a), case.net(case.b)
    assert inverse(p) == case.a
    path = segment_of(Case(net=inverse, a=p, b=q, metric="linf"))
    reach = max(path.heights) + max(map(abs, case.a))
    assert reach < case.window[1][0]
    assert engine.merge(case) == norm(case.metric)(tuple(u - v for u, v in zip(p, q, strict=True)))


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


def windows(engine: Engine, case: Case) -> None:
    """A larger window offers more ways: m does not grow with it."""
    small = Case(net=case.net, a=case.a, b=case.b, metric=case.metric, window=((-3, -3), (3, 3)))
    assert engine.merge(case) <= engine.merge(small) <= engine.merge_segment(case)


def stability(engine: Engine, case: Case) -> None:
    """|m_f - m_g| <= 2 sup |f - g|, with g = f + (1/8) clamp(x_1, -1, 1) in every output."""
    if norm(case.metric).affine:
        bent, size = (
            perturbed(case),
            F(1, 8) * (len(case.net(case.a)) if case.metric == "l1" else 1),
        )
        assert abs(engine.merge(case) - engine.merge(bent)) <= engine.stability_factor() * size


def perturbed(case: Case, share: F = F(1, 8)) -> Case:
    """The case with ``share`` clamp(x_1, -1, 1) added to every output: f on the first coordinates,
    x_1 on the last.
    """
    outputs = len(case.net(case.a))
    d = case.net.inputs
    lift = affine([[int(i == j) for j in range(d)] for i in range(d)] + [[0] * d] * outputs)
    pick = affine([[int(i == j) for j in range(d + outputs)] for i in range(d)])
    spread = affine(
        [[0] * outputs] * d + [[int(i == j) for j in range(outputs)] for i in range(outputs)]
    )
    wave = hinges(
        [[1] + [0] * (d + outputs - 1)] * 2, [1, -1], [[0, 0]] * d + [[share, -share]] * outputs
    )
    steps = [
        lift,
        Residual(branch=(pick, *case.net.steps, spread)),
        Residual(branch=wave),
        affine([[int(j == d + i) for j in range(d + outputs)] for i in range(outputs)]),
    ]
    return Case(
        net=ExactNetwork.of(*steps, inputs=d),
        a=case.a,
        b=case.b,
        metric=case.metric,
        window=case.window,
    )


def residual_growth(engine: Engine, case: Case) -> None:
    """Slopes of F_l at most eps_l < 1 on the joining segments bound |Delta_n| / |Delta_0| by prod(1
    -+ eps_l).
    """
    x, y = case.a[0], case.b[0]
    low = high = F(1)
    for block in case.net.blocks:
        gentle = ExactNetwork(
            blocks=((Residual(branch=(*block, affine([[F(1, 16)]]))),),), inputs=1
        )
        if x == y:
            return
        line = segment_of(Case(net=gentle, a=(x,), b=(y,), metric="linf"))
        slopes = [F(p.rows[0, 1], p.denominator) / (y - x) - 1 for p in line.affine]
        eps = max(map(abs, slopes))
        low, high = engine.contraction_bounds(low, high, eps)
        x, y = gentle((x,))[0], gentle((y,))[0]
        assert eps >= 1 or low <= abs((y - x) / (case.b[0] - case.a[0])) <= high
