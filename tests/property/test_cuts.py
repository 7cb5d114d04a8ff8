"""Cuts on planes are dual to merge heights; wrong cuts are caught."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import pytest
import rich_networks
from engine import plane_of
from hypothesis import given, settings
from rich_networks import Case
from twins import cases, slips

from plateaus.errors import BadRadius, Undecided
from plateaus.geometry.exact import (
    ExactPlane,
    centres,
    landscape,
    witnesses,
)
from plateaus.geometry.exact.cuts import Cut, cut, least_merge_height

DOUBLE = cases.on_plane(cases.WELLS)
HILLS = Case(net=landscape(), a=centres()[0], b=(F(1), F(1, 2)), window=((-2, -2), (2, 2)))


def crosses(p, q, u, v) -> bool:
    """Whether two closed segments meet."""

    def turn(x, y, z):
        return (y[0] - x[0]) * (z[1] - x[1]) - (y[1] - x[1]) * (z[0] - x[0])

    a, b, c, d = turn(u, v, p), turn(u, v, q), turn(p, q, u), turn(p, q, v)
    if a == b == 0:
        return all(
            max(min(p[k], q[k]), min(u[k], v[k])) <= min(max(p[k], q[k]), max(u[k], v[k]))
            for k in (0, 1)
        )
    return a * b <= 0 and c * d <= 0


def joined_around(found: Cut, a, b, half) -> bool:
    """Whether steps of a fine grid that do not touch the cut join a to b; exactly, and sharing
    nothing with the cells.
    """
    step, reached, edge = F(half, 8), {a}, [a]
    while edge:
        x = edge.pop()
        for move in ((step, 0), (-step, 0), (0, step), (0, -step)):
            y = (x[0] + move[0], x[1] + move[1])
            if max(map(abs, y)) <= half and y not in reached:
                if not any(crosses(x, y, *segment) for segment in found.segments):
                    reached.add(y)
                    edge.append(y)
    return b in reached


def cut_is_dual(case: Case, cut_=cut) -> None:
    plane = plane_of(case)
    m = plane.merge_height(case.b)
    if m == 0:
        return
    found = cut_(plane, case.b)
    assert found.lowest == m
    centre = case.net(case.a)
    for u, v in found.segments:
        for t in (F(0), F(1, 3), F(1, 2), F(4, 5), F(1)):
            x = tuple(p + t * (q - p) for p, q in zip(u, v, strict=True))
            y = tuple(p - q for p, q in zip(case.net(x), centre, strict=True))
            assert plane.metric(y) >= found.lowest
    if found.segments:
        assert not joined_around(found, case.a, case.b, case.window[1][0])
    else:
        assert plane.height(case.b) >= m


@settings(max_examples=40)
@given(rich_networks.planes)
def test_cuts_are_dual_to_merge_heights(case):
    cut_is_dual(case)


@pytest.mark.parametrize("twin", [slips.cut_with_a_gap, slips.cut_below, slips.cut_of_the_ball])
def test_wrong_cuts_are_caught(twin):
    cut_is_dual(HILLS)
    with pytest.raises(AssertionError):
        cut_is_dual(HILLS, twin)


@settings(max_examples=40)
@given(rich_networks.planes)
def test_no_larger_window_goes_below_the_least(case):
    """least <= m of a larger window <= m of the smaller one; equal where a cut holds everywhere."""
    large = plane_of(case)
    small = plane_of(replace(case, window=((-3, -3), (3, 3))))
    least = least_merge_height(small, case.b)
    assert least <= large.merge_height(case.b) <= small.merge_height(case.b)
    if small.merge_height(case.b) > 0 and cut(small, case.b).everywhere:
        assert least == small.merge_height(case.b) == large.merge_height(case.b)


def test_a_window_that_stops_counting_outside_is_caught():
    """A wall of finite length: in a narrow window it seems endless, and the twin believes it."""
    net = witnesses.bump()
    narrow, wide = (
        ExactPlane.of(net, window=((-2, -h), (2, h)), anchor=(-2, 0), metric="linf")
        for h in (F(1, 4), 2)
    )
    assert narrow.merge_height((2, 0)) == F(3, 4) and wide.merge_height((2, 0)) == 0
    assert least_merge_height(narrow, (2, 0)) == 0
    assert (
        not cut(narrow, (2, 0)).everywhere
        and "within the window" in cut(narrow, (2, 0)).statement()
    )
    assert narrow.merge_height((2, 0)) > wide.merge_height((2, 0))  # the twin: m of the window


def test_a_cut_needs_a_radius_that_is_not_too_large():
    plane = plane_of(DOUBLE)
    assert cut(plane, DOUBLE.b, F(1, 2)).lowest >= F(1, 2)
    with pytest.raises(Undecided, match="m\\(a, b\\) = 1"):
        cut(plane, DOUBLE.b, 2)
    with pytest.raises(BadRadius):
        cut(plane, DOUBLE.a)
