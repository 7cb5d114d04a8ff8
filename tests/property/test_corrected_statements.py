"""Statements that the book once got wrong: the corrected ones hold, the old ones are refuted."""

from __future__ import annotations

import math
from fractions import Fraction as F

import pytest
from engine import plane_of
from hypothesis import given
from rich_networks import planes

import plateaus as pl
from plateaus.geometry.exact import ExactPlane, bars, plateau_area, witnesses
from plateaus.geometry.exact.landscape import landscape, random_wells
from plateaus.geometry.exact.norms import norm
from plateaus.geometry.exact.pieces import coordinates
from plateaus.geometry.exact.polygons import area, clipped
from plateaus.measures import counterexamples as lines

TINY = F(1, 10**12)


# What KL lacks


def divergence(p: float, q: float) -> float:
    """KL between two coins, nats."""
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def test_kl_lacks_the_triangle_inequality_and_disjointness_by_distance():
    """f = id on logits has m = KL: the quasi-metric and disjointness by distance both fail."""
    a, b, c = 0.5, 0.1, 0.01
    assert divergence(a, c) > divergence(a, b) + divergence(b, c)
    # b lies in a ball around a and in one around c whose radii add up to less than D(a, c).
    assert divergence(a, b) + divergence(c, b) + 0.1 < divergence(a, c)


# Windows


@pytest.mark.parametrize("seed", range(6))
def test_the_square_is_enough_for_landscapes(seed):
    """Clamping to the square is a retraction that raises no height: m_W = m."""
    wells = random_wells(seed)
    near, far = (
        ExactPlane.of(
            landscape(wells), window=((-w, -w), (w, w)), anchor=wells[0][:2], metric="linf"
        )
        for w in (2, 9)
    )
    for x, y, *_ in wells[1:]:
        assert near.merge_height((x, y)) == far.merge_height((x, y))


def test_a_window_without_such_a_retraction_is_not_enough():
    narrow, wide = (
        ExactPlane.of(witnesses.bump(), window=((-2, -w), (2, w)), anchor=(-2, 0), metric="linf")
        for w in (F(1, 2), 2)
    )
    assert narrow.merge_height((2, 0)) == F(1, 2) and wide.merge_height((2, 0)) == 0


# Where a plateau jumps


def level_set_area(plane: ExactPlane, r: F) -> F:
    """The exact area of {m_W(a, .) = r}: wells {h < r} that open at r, and shelves {h = r}."""
    found = F(0)
    for k, (cell, level) in enumerate(zip(plane.cells, plane.levels, strict=True)):
        corners = [plane.metric(cell.at(v)) for v in cell.region]
        whole = tuple(map(coordinates, cell.region))
        if level == r:
            found += area(clipped(plane, k, r))  # {h <= r} of a cell that is reached at r
        elif level < r and all(h == r for h in corners):
            found += area(whole)
    return found


@given(planes)
def test_plateaus_jump_by_the_volume_at_their_level(case):
    plane = plane_of(case)
    if norm(case.metric).affine:
        for r in {level for level in plane.levels if level > 0} | {F(1)}:
            jump = plateau_area(plane, r + TINY) - plateau_area(plane, r)
            assert abs(jump - level_set_area(plane, r)) < F(1, 10**6)


def test_a_plateau_jumps_where_no_component_dies():
    """The old sentence, "between merge heights of wells it grows continuously", on a shelf."""
    shelf = ExactPlane.of(
        witnesses.on_a_plane(witnesses.saturation()),
        window=((-2, 0), (3, 1)),
        anchor=(-1, 0),
        metric="linf",
    )
    assert len(bars(shelf)) == 1
    assert plateau_area(shelf, F(1)) == 3 and plateau_area(shelf, 1 + TINY) == 5
    assert level_set_area(shelf, F(1)) == 2


# Affine maps


def test_an_affine_map_without_an_exit_has_no_half_exit_index():
    flat = pl.exact.ExactNetwork.of(pl.exact.program.affine([[1, 0]]), inputs=2)
    plateau = pl.Plateau(flat, [0.0, 0.0], radius=1.0)
    along = plateau.segment([0.0, 0.0], [1.0, 0.0], window=(0, 4))
    across = plateau.segment([0.0, 0.0], [0.0, 1.0], window=(0, 4))
    assert along.half_exit_index() == 1
    assert across.exits[1] is None and across.half_exit_index() is None


# Ties between births


def test_tied_births_need_an_order():
    """Eight wells of one height: with a fixed order seven die, without one either all or none."""
    tied = ExactPlane.of(
        witnesses.on_a_plane(witnesses.tent(3)),
        window=((0, 0), (1, 1)),
        anchor=(F(1, 24), 0),
        metric="linf",
    )
    wells = [bar for bar in bars(tied) if bar.birth == 0]
    for r in (F(1, 8), F(1, 4), F(1, 2)):
        assert len(tied.components(r)) == 1 + sum(bar.alive(r) for bar in bars(tied)[1:])
    assert len(wells) == 8
    high = F(9, 10)
    assert len(tied.components(high)) == 1  # all merged: a rule by which none dies would count 8
    # A rule by which both of two equals die would leave none of the wells at a radius above the
    # first pass, where one component is left.
    assert sum(bar.death is None for bar in bars(tied)) == 1


# Change of anchor


@pytest.mark.parametrize("seed", range(4))
def test_plateaus_of_another_anchor_fit_a_larger_radius(seed):
    wells = random_wells(seed)
    options = {"window": ((-2, -2), (2, 2)), "metric": "linf"}
    net = landscape(wells)
    a = ExactPlane.of(net, anchor=wells[0][:2], **options)
    grid = [(F(i, 2), F(j, 2)) for i in range(-4, 5) for j in range(-4, 5)]
    for x, y, *_ in wells[1:]:
        b = ExactPlane.of(net, anchor=(x, y), **options)
        apart, m = a.height((x, y)), a.merge_height((x, y))
        s = max(m - apart, 0) + F(1, 100)
        assert all(a.contains(z, s + apart) for z in grid if b.contains(z, s))
        if m > apart:  # with a smaller s not even b itself is inside
            assert not a.contains((x, y), max(apart, (m + apart) / 2))


# Slopes


def test_the_tent_is_steep_between_its_kinks_and_flat_outside():
    steep = lines.slopes(witnesses.tent_tenth(5), window=(-1, 2))
    inside = (steep.low >= 0) & (steep.high <= 1)
    assert (steep.slope[inside.values] == 3.2).all()
    assert (steep.slope[~inside.values] == 0).all() and (~inside).sum() == 2  # not "everywhere"


# Inner radii and sub-level sets in L2


def test_sub_level_sets_in_l2_are_no_polyhedra():
    """{|x|_2 <= 1} of the identity on the plane is a disc: midpoints of chords are strictly inside
    for all directions, so it has no straight edge. In the maximum norm it is a square.
    """
    points = [(F(3, 5), F(4, 5)), (F(4, 5), F(3, 5)), (F(1), F(0)), (F(0), F(1))]
    length = norm("l2")
    assert all(length(p) == 1 for p in points)
    for p in points:
        for q in points:
            middle = tuple((u + v) / 2 for u, v in zip(p, q, strict=True))
            assert length(middle) < 1 or p == q
    corner = norm("linf")
    assert corner((F(1), F(0))) == corner((F(1), F(1))) == corner((F(1), F(1, 2))) == 1
