"""The witness networks of the book, each with the value that makes it a witness."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from plateaus.geometry.exact import ExactPlane, ExactSegment, Interval, witnesses
from plateaus.geometry.flood import grid_band, over_grid

HALF = F(1, 2)


def line(net, a, b, *, window=(0, 1)):
    return ExactSegment.of(net, [a], [b], metric="linf", window=window)


def ends(part: Interval):
    return part.low, part.high


def test_fold_has_a_disconnected_preimage():
    x = line(witnesses.fold(), 2, 3, window=(-9, 9))  # x = 2 + t
    assert [ends(part) for part in x.intervals(1)] == [(-5, -3), (-1, 1)]
    assert ends(x.component(1)) == (-1, 1)
    # The converse of disjointness fails: balls around equal values meet, the plateaus do not.
    assert ends(line(witnesses.fold(), -2, -1, window=(-9, 9)).component(1)) == (
        -1,
        1,
    )  # x = -2 + t


def test_hook_is_asymmetric():
    assert line(witnesses.hook(), 0, 2).merge_height() == 1
    assert line(witnesses.hook(), 2, 0).merge_height() == 2
    assert line(witnesses.hook(), 0, 2).contains(1, F(3, 2))
    assert not line(witnesses.hook(), 2, 0).contains(1, F(3, 2))


def test_saturation_covers_everything_beyond_its_range():
    parts = [line(witnesses.saturation(), -1, 1, window=(-50, 50)).component(r) for r in (2, 3)]
    assert (
        parts[0] == parts[1] == Interval(low=F(-50), high=F(50), exits_low=False, exits_high=False)
    )


def test_half_line_is_unbounded():
    part = line(witnesses.half_line(), -1, 0, window=(-1000, 1000)).component(HALF)
    assert (part.exits_low, part.exits_high, part.high) == (False, True, F(3, 2))  # x < 1/2


@pytest.mark.parametrize("metric", ["l1", "l2", "linf"])
def test_bump_is_passed_around(metric):
    plane = ExactPlane.of(
        witnesses.bump(), window=((-3, -3), (3, 3)), anchor=(-2, 0), metric=metric
    )
    assert plane.merge_height((2, 0)) == 0
    assert ExactSegment.of(witnesses.bump(), [-2, 0], [2, 0], metric=metric).merge_height() == 1
    assert not plane.contains(
        (0, 0), HALF
    )  # a plateau with a hole: neither convex nor simply connected


def test_double_well_has_a_pass():
    x = line(witnesses.double_well(), -1, 1)
    assert (x.height(1), x.merge_height()) == (0, 1)
    outer, inner = (
        line(witnesses.double_well(), -1, 1, window=(-2, 3)).component(r)
        for r in (F(3, 2), F(1, 4))
    )
    assert (
        1 in outer and 1 not in inner
    )  # yet h(1) = 0: "in the larger ball, not in the smaller" would miss it


def grid(net, a, *, spacing=HALF):
    plane = ExactPlane.of(net, window=((-1, -1), (1, 1)), anchor=a, metric="linf")
    xs = [F(-1) + k * spacing for k in range(int(2 / spacing) + 1)]
    return plane, np.array([[plane.height((x, y)) for x in xs] for y in xs], dtype=object)


def test_ridge_tells_8_from_4_neighbours():
    plane, heights = grid(witnesses.ridge(), (-1, 1))
    assert plane.merge_height((1, -1)) == HALF
    assert over_grid(heights, (4, 0), connectivity=4)[0, 4] == HALF
    assert over_grid(heights, (4, 0), connectivity=8)[0, 4] == 0


def test_valley_attains_the_lower_bound():
    plane, heights = grid(witnesses.valley(), (-1, -1))
    assert plane.merge_height((1, 1)) == 0
    assert over_grid(heights, (0, 0), connectivity=4)[4, 4] == HALF
    assert grid_band(heights, (0, 0), along=(HALF, HALF)).lower[4, 4] == 0


@pytest.mark.parametrize("layers", range(1, 6))
def test_tent_has_exponentially_many_components(layers):
    x = line(witnesses.tent(layers), F(1, 3), F(4, 3), window=(F(-1, 3), F(2, 3)))  # x in [0, 1]
    assert len(x.intervals(F(1, 4))) == 2**layers


@pytest.mark.parametrize("layers", range(1, 7))
@pytest.mark.parametrize("r", [F(1, 4), HALF, F(3, 4), 1])
def test_sharpening_grows_below_one_half_and_shrinks_above(layers, r):
    part = line(witnesses.sharpening(layers), 0, 1, window=(-9, 9)).component(r)
    assert (part.high, part.exits_low) == (HALF + (F(r) - HALF) / 2**layers, False)


@pytest.mark.parametrize("layers", range(1, 5))
def test_doubling_layers_shrink_the_plateau(layers):
    assert line(witnesses.scaling(2, layers), 0, 1, window=(-2, 2)).component(1).high == F(
        1, 2**layers
    )


def test_corollary_as_printed_fails_where_the_corrected_one_holds():
    late = witnesses.late_kink()[1:]
    assert (
        late([F(5, 4)])[0] - late([1])[0] == 25
    )  # a ball of radius 1/2 around f_{0->1}(a) = 1 is not in the plateau
    assert (
        line(late, 0, 1, window=(-1, 1)).component(1).high == F(51, 100) > HALF
    )  # around a_1 = 0 it is


def test_bent_sheet_shows_a_spurious_barrier_on_the_straight_slice():
    net = witnesses.bent_sheet()
    plane = ExactPlane.of(net, window=((-9, -9), (9, 9)), anchor=(0, 1), metric="linf")
    assert plane.merge_height((0, -1)) == 2
    assert ExactSegment.of(net, [0, 1], [0, -1], metric="linf").merge_height() == 4


def test_expanding_boundary_looks_flat_without_contracting():
    x = line(witnesses.expanding_boundary(), 0, 1)
    slopes = [F(piece.rows[0, 1], piece.denominator) for piece in x.affine]
    assert slopes == [1, 161, 1]
    assert slopes[0] / x.height(1) == F(1, 21)
