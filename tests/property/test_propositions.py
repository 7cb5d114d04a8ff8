"""The propositions hold on networks rich in barriers, and every wrong twin of the engine is
caught.
"""

from __future__ import annotations

from fractions import Fraction as F

import properties
import pytest
import rich_networks
from engine import Engine, plane_of, segment_of
from hypothesis import given
from rich_networks import WINDOW, Case, plane_case
from twins import TWINS

from plateaus.geometry.exact.pieces import coordinates

ENGINE = Engine()


@given(rich_networks.planes)
@pytest.mark.parametrize("name", properties.NAMES["plane"])
def test_on_planes(name, case):
    getattr(properties, name)(ENGINE, case)


@given(rich_networks.lines)
@pytest.mark.parametrize("name", properties.NAMES["line"])
def test_on_lines(name, case):
    getattr(properties, name)(ENGINE, case)


@given(rich_networks.chains)
@pytest.mark.parametrize("name", properties.NAMES["chain"])
def test_through_blocks(name, case):
    getattr(properties, name)(ENGINE, case)


@given(rich_networks.couplings)
def test_homeomorphic_trunks_have_no_barrier(pair):
    properties.no_barrier(ENGINE, pair)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_wrong_twin_is_caught(twin):
    name, example = TWINS[twin]
    check = getattr(properties, name)
    check(ENGINE, example)
    with pytest.raises(AssertionError):
        check(twin(), example)


@given(rich_networks.planes)
def test_cells_tile_the_window_and_carry_the_network(case):
    """The cells' areas add up to the window's, and on each the affine form is f - f(a)."""
    plane = plane_of(case)
    centre, area = case.net(case.a), F(0)
    for cell in plane.cells:
        corners = [coordinates(v) for v in cell.region]
        area += (
            sum(
                p[0] * q[1] - q[0] * p[1]
                for p, q in zip(corners, corners[1:] + corners[:1], strict=True)
            )
            / 2
        )
        middle = tuple(sum(x) / len(corners) for x in zip(*corners, strict=True))
        for z in (middle, corners[0]):
            state = tuple(
                (r[0] + r[1] * z[0] + r[2] * z[1]) / F(cell.denominator) for r in cell.rows
            )
            assert state == tuple(u - v for u, v in zip(case.net(z), centre, strict=True))
    (x0, y0), (x1, y1) = WINDOW
    assert area == (x1 - x0) * (y1 - y0)


def test_the_generators_are_rich_enough():
    """At least 15 % of plane cases have a barrier (m > h), 15 % a detour (m < m_seg), 10 % an
    asymmetry.
    """
    cases = [plane_case(seed) for seed in range(240)]
    barrier = detour = asymmetric = 0
    for case in cases:
        m = ENGINE.merge(case)
        barrier += m > ENGINE.height(case)
        detour += m < segment_of(case).merge_height()
        asymmetric += m != ENGINE.merge(Case(net=case.net, a=case.b, b=case.a, metric=case.metric))
    assert barrier >= 0.15 * len(cases)
    assert detour >= 0.15 * len(cases)
    assert asymmetric >= 0.10 * len(cases)
