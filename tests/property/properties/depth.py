"""Propositions about partial networks, blocks and perturbations."""

from __future__ import annotations

from fractions import Fraction as F

from engine import Engine, segment_of
from rich_networks import Case

from plateaus.geometry.exact import ExactNetwork
from plateaus.geometry.exact.norms import norm
from plateaus.geometry.exact.program import Residual, affine, hinges


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
