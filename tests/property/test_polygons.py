"""Plateaus as polygons: a point lies in one of them exactly if it lies in the plateau, and areas
add up.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from random import Random

import pytest
import rich_networks
from engine import plane_of
from hypothesis import given
from hypothesis import strategies as st

from plateaus.errors import BadParameter, BadRadius
from plateaus.geometry.exact import ExactPlane, landscape, witnesses
from plateaus.geometry.exact.cells import holds
from plateaus.geometry.exact.pieces import coordinates, vertex
from plateaus.geometry.exact.polygons import area, clipped, plateau_area, polygons

RADII = [F(1, 3), F(1), F(5, 2)]


def held(found, z) -> bool:
    return any(holds(tuple(map(vertex, polygon)), vertex(z)) for polygon in found)


def disagreements(plane, found, r, seed, count=60) -> int:
    """Random points that the polygons and the merge height judge differently; points of height r
    are left out.
    """
    random = Random(seed)
    points = [tuple(F(random.randint(-400, 400), 101) for _ in range(2)) for _ in range(count)]
    return sum(plane.height(z) != r and held(found, z) != plane.contains(z, r) for z in points)


@given(rich_networks.planes, st.sampled_from(RADII), st.integers(0, 99))
def test_polygons_are_the_plateau(case, r, seed):
    plane = plane_of(replace(case, metric="linf"))
    assert disagreements(plane, polygons(plane, r), r, seed) == 0


@given(rich_networks.planes)
def test_areas_grow_and_stay_in_the_window(case):
    plane = plane_of(replace(case, metric="l1"))
    whole = sum(area(tuple(map(coordinates, cell.region))) for cell in plane.cells)
    areas = [plateau_area(plane, r) for r in RADII]
    assert 0 < areas[0] <= areas[1] <= areas[2] <= whole == 64


@given(rich_networks.planes, st.sampled_from(RADII))
def test_below_and_above_make_the_whole_cell(case, r):
    plane = plane_of(replace(case, metric="linf"))
    upside_down = replace(plane, metric=_Negated(plane.metric))
    for i, cell in enumerate(plane.cells):
        if plane.floors[i] == r:  # flat at exactly r: neither below nor above
            continue
        parts = area(clipped(plane, i, r)) + area(clipped(upside_down, i, -r))
        assert parts == area(tuple(map(coordinates, cell.region)))


class _Negated:
    """-h: its sub-level sets are the super-level sets of h."""

    def __init__(self, metric):
        self.metric, self.affine = metric, metric.affine

    def __call__(self, x):
        return -self.metric(x)


def two_wells() -> ExactPlane:
    return ExactPlane.of(
        witnesses.on_a_plane(witnesses.double_well()),
        window=((-4, 0), (4, 1)),
        anchor=(-1, 0),
        metric="linf",
    )


def test_two_wells_by_hand():
    plane = two_wells()
    assert plateau_area(plane, F(1, 2)) == 1  # (-3/2, -1/2) x (0, 1)
    assert (
        plateau_area(plane, 1) == 2 and plateau_area(plane, F(3, 2)) == 5
    )  # the pass has height 1


def _no_component(plane, r):
    return tuple(p for p in (clipped(plane, i, r) for i in range(len(plane.cells))) if len(p) > 2)


def _not_clipped(plane, r):
    return tuple(tuple(map(coordinates, plane.cells[i].region)) for i in plane.components(r)[0])


def _corners_only(plane, r):
    cut = (tuple(map(coordinates, plane.cells[i].region)) for i in plane.components(r)[0])
    kept = (tuple(z for z in corners if plane.height(z) <= r) for corners in cut)
    return tuple(p for p in kept if len(p) > 2)


@pytest.mark.parametrize("twin", [_no_component, _not_clipped, _corners_only])
def test_wrong_twins_are_told_apart(twin):
    plane = two_wells()
    assert sum(map(area, twin(plane, F(1, 2)))) != 1
    assert sum(map(area, polygons(plane, F(1, 2)))) == 1


def test_the_landscape_doubles_where_a_well_joins():
    plane = ExactPlane.of(landscape(), window=((-2, -2), (2, 2)), anchor=(-1, -1), metric="linf")
    before, after = plateau_area(plane, F(63, 80)), plateau_area(plane, F(63, 80) + F(1, 10**6))
    assert after - before > F(1, 2)


def test_what_is_not_given_in_polygons_says_so():
    plane = ExactPlane.of(landscape(), window=((-2, -2), (2, 2)), anchor=(-1, -1), metric="l2")
    with pytest.raises(BadParameter, match="straight borders"):
        polygons(plane, 1)
    with pytest.raises(BadRadius):
        polygons(two_wells(), 0)
