"""What the gallery draws is what the exact engine says."""

from __future__ import annotations

from fractions import Fraction as F

import matplotlib
import numpy as np
import pytest

from plateaus.errors import BadPath, BadRadius
from plateaus.figures import counterexamples as draw
from plateaus.geometry.exact import witnesses
from plateaus.measures import counterexamples as lines

matplotlib.use("Agg")


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


def entry(x: np.ndarray, epsilon: float) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred[..., 0] / np.sqrt((centred**2).mean(-1) + epsilon)


def test_around_a_disc_a_layernorm_has_a_barrier_and_through_it_none():
    """m_X against the half circle that attains it, and the straight way through zero variance."""
    a = np.array([0.0, 1.0, -1.0])
    across = np.array([2.0, -1.0, -1.0]) / 6**0.5
    straight = a * np.linspace(1, -1, 101)[:, None]
    for epsilon in (1.0, 1e-3):
        assert np.allclose(entry(straight, epsilon), 0)  # m = 0 in the whole space
        for level in lines.shell_heights([epsilon], steps=7)[0]:
            rho, angle = float(level.rho), np.linspace(0, np.pi, 181)[:, None]
            arc = rho * (np.cos(angle) * a / 2**0.5 + np.sin(angle) * across)
            assert np.isclose(np.abs(entry(arc, epsilon)).max(), level)


def test_the_normalised_plane_shows_the_entry():
    field = lines.normalised(epsilon=0.3, steps=21)
    s, t = float(field.s[3]), float(field.t[17])
    x = s * np.array([0, 1, -1]) / 2**0.5 + t * np.array([2, -1, -1]) / 6**0.5
    assert np.isclose(float(field.height[17, 3]), abs(entry(x, 0.3)))


def test_every_figure_of_the_gallery_draws():
    fold = lines.on_line(witnesses.fold(), 2, radius=1, window=(-4, 4))
    anchors = [lines.on_line(witnesses.hook(), a, radius=1.5, window=(-2, 4)) for a in (0, 2)]
    steep = {"n = 1": lines.slopes(witnesses.tent_tenth(1), window=(0, 1))}
    drive = lines.relative(witnesses.expanding_boundary(), F(0), F(1), steps=11)
    field = lines.normalised(epsilon=0.1, steps=21)
    way = ([(0, 0), (1, 1)], [(0, 0), (0, 1), (1, 1)])
    drawn = [
        draw.row((fold, fold), ("one", "two"), where=(0, 0)),
        draw.two_anchors(anchors),
        draw.misplaced_balls(fold, lines.horseshoe()),
        draw.routes((field, field), (way, way), ("one", "two")),
        draw.normalised(field, lines.shell_heights([0.1])),
        draw.tents(steep, fold, fold),
        draw.driven(drive),
    ]
    assert all(len(fig.axes) >= 2 for fig in drawn)
    titles = [ax.get_title(loc="left") for ax in drawn[1].axes]
    assert titles[:2] == ["a = 0: holds 2", "a = 2: misses 0"]
