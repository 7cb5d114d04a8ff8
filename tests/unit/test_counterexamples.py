"""What the gallery draws is what the exact engine says."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from plateaus.errors import BadPath, BadRadius
from plateaus.geometry.exact import witnesses
from plateaus.measures import counterexamples as lines


def test_components_are_marked_by_whether_they_hold_the_anchor():
    profile = lines.on_line(witnesses.fold(), 2, radius=1, window=(-4, 4))
    assert list(zip(profile.low.values, profile.high.values, strict=True)) == [(-3, -1), (1, 3)]
    assert profile.holds_a.values.tolist() == [False, True]
    mirrored = lines.on_line(witnesses.fold(), -2, radius=1, window=(-4, 4))
    assert mirrored.holds_a.values.tolist() == [True, False]


def test_heights_are_those_of_the_network_in_the_coordinate_of_its_input():
    net, a = witnesses.hook(), 2
    profile = lines.on_line(net, a, radius=1, window=(-2, 4))
    expected = [abs(float(net([F(x)])[0] - net([F(a)])[0])) for x in profile.x.values]
    assert np.allclose(profile.height, expected)
    shifted = [abs(float(net([F(x - a)])[0] - net([F(a)])[0])) for x in profile.x.values]
    assert not np.allclose(
        profile.height, shifted
    )  # the wrong twin: positions counted from the anchor


def test_slopes_are_those_between_the_ends_of_each_piece():
    steep = lines.slopes(witnesses.expanding_boundary(), window=(-1, 2))
    f = lambda x: float(witnesses.expanding_boundary()([F(x)])[0])  # noqa: E731
    found = [
        abs(f(high) - f(low)) / (high - low)
        for low, high in zip(steep.low.values, steep.high.values, strict=True)
    ]
    assert (
        np.allclose(steep.slope, found) and steep.low.values[0] == -1 and steep.high.values[-1] == 2
    )


def test_relative_distance_runs_from_zero_to_one():
    drive = lines.relative(witnesses.expanding_boundary(), F(0), F(1), steps=11)
    assert (
        drive.relative_distance.values[[0, -1]].tolist() == [0, 1]
        and (np.diff(drive.relative_distance) > 0).all()
    )


def test_impossible_requests_end_with_one_sentence():
    with pytest.raises(BadPath, match="must have a length and contain 0"):
        lines.on_line(witnesses.fold(), 9, radius=1, window=(-4, 4))
    with pytest.raises(BadRadius):
        lines.on_line(witnesses.fold(), 2, radius=0, window=(-4, 4))
