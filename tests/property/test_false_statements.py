"""Statements that look true and are not: each refuted exactly, so that none creeps into the
book.
"""

from __future__ import annotations

from fractions import Fraction as F

from engine import Engine, plane_of, reverse, segment_of
from properties.depth import perturbed
from rich_networks import Case
from twins.cases import HOOK, STEP, on_plane

from plateaus.geometry.exact import ExactSegment, bars, witnesses

ENGINE = Engine()


def line(net, a, b, window=(0, 1)) -> ExactSegment:
    return ExactSegment.of(net, [a], [b], metric="linf", window=window)


def test_membership_is_not_symmetric():
    case = on_plane(HOOK)
    assert ENGINE.member(case, F(3, 2)) and not ENGINE.member(reverse(case), F(3, 2))


def test_membership_is_not_transitive_even_for_the_identity():
    r = F(3, 2)
    assert line(witnesses.identity(), 0, 1).contains(1, r) and line(
        witnesses.identity(), 1, 2
    ).contains(1, r)
    assert not line(witnesses.identity(), 0, 2).contains(1, r)


def test_the_merge_height_is_no_ultrametric():
    m = [line(witnesses.identity(), *ends).merge_height() for ends in ((0, 1), (1, 2), (0, 2))]
    assert m[2] > max(m[:2])


def test_the_factor_two_of_quasi_symmetry_is_attained():
    case = on_plane(HOOK)
    assert ENGINE.merge(reverse(case)) == 2 * ENGINE.merge(case)


def test_the_factor_two_of_stability_is_attained():
    case = on_plane(STEP)
    assert abs(ENGINE.merge(case) - ENGINE.merge(perturbed(case))) == 2 * F(1, 8)


def test_disjoint_plateaus_do_not_need_disjoint_balls():
    ends = [line(witnesses.fold(), x, x + 1, (-9, 9)).component(1) for x in (2, -2)]
    assert 2 + ends[0].low > -2 + ends[1].high and witnesses.fold()([2]) == witnesses.fold()([-2])


def test_nesting_need_not_be_strict():
    small, large = (line(witnesses.saturation(), -1, 1, (-50, 50)).component(r) for r in (2, 3))
    assert small == large


def test_balls_in_an_arbitrary_metric_need_not_lie_in_the_plateau():
    """X = R with d(x, y) = |phi(x) - phi(y)|, phi a horseshoe: the ball of radius 1/2 about -1 has
    two parts.
    """

    def distance(x: F, y: F) -> F:
        return max(
            abs(u - v) for u, v in zip(witnesses.horseshoe(x), witnesses.horseshoe(y), strict=True)
        )

    net = witnesses.gate()
    near, far = F(-1), F(5, 4)
    assert distance(near, far) < F(1, 2) and net([near]) == net([far]) == (0,)
    plateau = line(net, -1, 0, (-8, 4)).component(F(1, 2))
    assert -1 + plateau.high == F(1, 16) and far > F(1, 16)


def test_more_layers_do_not_mean_larger_plateaus():
    ends = [line(witnesses.scaling(2, n), 0, 1, (-2, 2)).component(1).high for n in (1, 2, 3)]
    assert ends == sorted(ends, reverse=True) and len(set(ends)) == 3
    steep = [
        line(witnesses.sharpening(n), 0, 1, (-2, 2)).component(F(3, 4)).high for n in (1, 2, 3)
    ]
    assert steep == sorted(steep, reverse=True) and len(set(steep)) == 3


def test_absorbed_does_not_mean_attracted():
    """x -> 2 x carries the ball of radius r / 2^n into the ball of radius r, and every difference
    grows.
    """
    states = witnesses.scaling(2, 4).trace([F(1, 32)])
    assert [abs(s[0]) for s in states] == [F(2**k, 32) for k in range(5)]
    assert all(abs(s[0]) < F(2**k, 16) for k, s in enumerate(states))


def test_a_steep_place_is_not_a_boundary():
    """tent^n / 10 has slopes of 2^n / 10 everywhere and one plateau for every r > 1/10."""
    x = line(witnesses.tent_tenth(5), 0, 1)
    assert max(abs(F(p.rows[0, 1], p.denominator)) for p in x.affine) == F(2**5, 10)
    assert not x.component(F(11, 100)).exits_high


def test_a_death_may_come_before_the_anchor():
    """Three wells in a row, floors 0, 1/2, 3/4, passes 2 and 1: the last dies at 1 but joins a at 2
    only.
    """
    case = on_plane(Case(net=witnesses.three_wells(), a=(F(-3),), b=(F(1),)))
    last = max(bars(plane_of(case)), key=lambda bar: bar.birth)
    assert (last.birth, last.death) == (F(3, 4), 1) and ENGINE.merge(case) == 2


def test_straight_segments_prove_no_separation():
    bump = Case(net=witnesses.bump(), a=(F(-2), F(0)), b=(F(2), F(0)))
    assert ENGINE.merge(bump) == 0 and segment_of(bump).merge_height() == 1
