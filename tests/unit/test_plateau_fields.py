"""Labelled plateau fields: exact components, merge heights, and counts that can come out wrong."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from plateaus.geometry.exact import ExactPlane, ExactSegment, centres, landscape, witnesses
from plateaus.measures import plateaus

RADII = [F(3, 10), F(3, 5), F(9, 10), F(21, 20), F(23, 20)]


@pytest.fixture(scope="module")
def plane():
    return ExactPlane.of(landscape(), window=((-2, -2), (2, 2)), anchor=centres()[0], metric="linf")


def test_components_and_merge_heights_agree_and_nest(plane):
    field = plateaus.exact_field(plane, steps=61, radii=RADII)
    assert plateaus.disagreements(field) == plateaus.nesting_violations(field) == 0
    assert plateaus.recipe_errors(field) > 0  # balls instead of components err here


def test_the_counts_see_what_they_count(plane):
    field = plateaus.exact_field(plane, steps=61, radii=RADII)
    whole = field.assign(inside=(field.height < field.radius).transpose("radius", "t", "s"))
    assert plateaus.disagreements(whole) > 0 and plateaus.recipe_errors(whole) == 0
    backwards = field.assign(inside=(("radius", "t", "s"), field.inside.values[::-1]))
    assert plateaus.nesting_violations(backwards) > 0


def test_merge_tree_of_the_landscape(plane):
    tree = plateaus.merge_tree(plane)
    assert tree.sizes["bar"] == 5 and np.isinf(tree.death[0]) and tree.joins[0] == 0
    assert (tree.joins[1:] >= tree.birth[1:]).all() and (tree.into[1:] >= 0).all()
    assert sorted(zip(tree.s.values, tree.t.values, strict=True)) == sorted(
        tuple(map(float, c)) for c in centres()
    )


def test_growth_jumps_at_merge_heights(plane):
    tiny = F(1, 10**6)
    below, above = plateaus.growth(plane, radii=[F(209, 192) - tiny, F(209, 192) + tiny]).values
    assert above - below > 0.15
    assert np.diff(plateaus.growth(plane, radii=[F(9, 10), F(9, 10) + tiny]).values)[0] < 0.01


def test_a_pass_at_the_radius_is_shut(plane):
    """m = 209/192 exactly for one well: not inside at that radius, and inside just above."""
    (at,) = plateaus.exact_field(plane, steps=33, radii=[F(209, 192)]).inside.values
    (above,) = plateaus.exact_field(plane, steps=33, radii=[F(1089, 1000)]).inside.values
    assert above.sum() > at.sum() + 50


def test_labels_are_joined_by_edges_below_the_radius():
    """Corners join nothing, and a node at the radius is outside."""
    heights = np.array([[0.0, 1.0, 0.5], [2.0, 0.0, 2.0]])
    (found,) = plateaus.components(heights, (0, 0), [1.0])
    assert found.tolist() == [[True, False, False], [False, False, False]]
    assert not plateaus.components(heights, (0, 1), [1.0])[0].any()


def test_the_trade_off_is_tight_and_takes_both_ends():
    """Sharpening attains it; on the hook the two plateaus are 1/12 and 1/24 of the segment."""
    rooms = witnesses.sharpening(2), witnesses.hook()
    found = []
    for net, b in zip(rooms, (1, 3), strict=True):
        ways = [ExactSegment.of(net, [x], [y], metric="linf") for x, y in ((0, b), (b, 0))]
        found.append(plateaus.trade_off(*ways, F(1, 4)))
    assert found == [(4, 4), (F(20, 21), 2)]
