"""The numbers of a figure are those that it shows, all of them, and nothing unknown is left out."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from plateaus.errors import BadFigure
from plateaus.figures import drawn


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def read(ax) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(drawn.as_csv(ax.figure))))


def points(ax, mark: str) -> np.ndarray:
    rows = [r for r in read(ax) if r["mark"] == mark]
    return np.array([[float(r[k] or "nan") for k in ("x", "y", "value")] for r in rows])


def test_a_curve_has_its_points_its_name_and_its_panel(ax) -> None:
    ax.plot([0, 1, 2], [3, np.nan, 1 / 3], label="trained")
    ax.set_title("spiral", loc="left")
    rows = read(ax)
    assert {(r["panel"], r["mark"], r["series"]) for r in rows} == {("spiral", "line", "trained")}
    assert [(r["x"], r["y"]) for r in rows] == [("0", "3"), ("1", ""), ("2", "0.3333333")]


def test_a_line_across_the_panel_has_one_coordinate(ax) -> None:
    ax.axhline(0.5)
    assert [(r["x"], r["y"]) for r in read(ax)] == [("", "0.5")] * 2


@pytest.mark.parametrize("shading", ["nearest", "gouraud", "flat"])
def test_a_field_has_its_values_where_they_are_shown(ax, shading: str) -> None:
    x, y = np.array([0.0, 1, 2]), np.array([0.0, 10])
    values = np.array([[1.0, 2, 3], [4, 5, 6]])
    edges = (np.arange(4) - 0.5, np.array([-5.0, 5, 15]))
    ax.pcolormesh(*(edges if shading == "flat" else (x, y)), values, shading=shading)
    wanted = [(a, b, values[j, i]) for j, b in enumerate(y) for i, a in enumerate(x)]
    assert np.allclose(points(ax, "field"), wanted)


@pytest.mark.parametrize("origin", ["upper", "lower"])
def test_an_image_has_its_values_where_they_are_shown(ax, origin: str) -> None:
    values = np.array([[1.0, 2, 3], [4, 5, 6]])
    ax.imshow(values, origin=origin)
    found = points(ax, "field")
    assert sorted(map(tuple, found)) == sorted(
        (i, j, values[j, i]) for j in range(2) for i in range(3)
    )
    assert sorted(map(tuple, found)) != sorted((i, 1 - j, values[j, i]) for i, j in [(0, 0)])


def test_contours_lie_at_their_level(ax) -> None:
    x = np.linspace(-1, 1, 41)
    ax.contour(x, x, np.add.outer(x**2, x**2), levels=[0.25, 0.5])
    found = points(ax, "contour")
    assert set(found[:, 2]) == {0.25, 0.5}
    assert np.abs(found[:, 0] ** 2 + found[:, 1] ** 2 - found[:, 2]).max() < 2e-3


@pytest.mark.parametrize("extend, least", [("neither", 0), ("max", 0), ("min", 1), ("both", 1)])
def test_bands_lie_above_their_level_also_beyond_the_ends(extend, least, ax) -> None:
    x = np.linspace(-1, 1, 41)
    height = np.add.outer(x**2, x**2)
    ax.contourf(x, x, height, levels=[0.25, 0.5, 1.0], extend=extend)
    found = points(ax, "contour")
    inside = {0.25, 0.5} | ({1.0} if extend in ("max", "both") else set())
    assert set(found[:, 2]) == inside | ({-np.inf} if least else set())
    above = found[:, 0] ** 2 + found[:, 1] ** 2 - found[:, 2]
    assert above.min() > -2e-3


def test_bars_bands_dots_and_tables_are_read(ax) -> None:
    ax.bar([1], [2], width=1)
    ax.fill_between([0, 1], [0, 0], [1, 3])
    ax.scatter([5], [6], c=[7])
    ax.vlines([4], 0, 1)
    ax.table([["a", "b"]])
    assert {tuple(p) for p in points(ax, "shape")[:, :2]} == {
        (0.5, 0),
        (1.5, 0),
        (1.5, 2),
        (0.5, 2),
    }
    assert (1, 3) in {tuple(p) for p in points(ax, "area")[:, :2]}
    assert points(ax, "points").tolist() == [[5, 6, 7]]
    assert points(ax, "segments")[:, :2].tolist() == [[4, 0], [4, 1]]
    assert [r["value"] for r in read(ax) if r["mark"] == "table"] == ["a", "b"]


def test_colour_bars_are_left_out_and_insets_are_not(ax) -> None:
    drawn_here = ax.scatter([0, 1], [0, 1], c=[2, 3])
    ax.figure.colorbar(drawn_here)
    ax.inset_axes([0, 0, 0.3, 0.3]).plot([8, 9])
    assert {r["mark"] for r in read(ax)} == {"points", "line"}
    assert points(ax, "line")[:, 1].tolist() == [8, 9]


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda ax: ax.quiver([0], [0], [1], [1]), "Quiver"),
        (lambda ax: ax.axline((0, 0), (1, 1)), "AxLine"),
    ],
)
def test_a_mark_of_an_unknown_kind_is_refused(ax, draw, name: str) -> None:
    draw(ax)
    with pytest.raises(BadFigure, match=f"has a {name}"):
        drawn.as_csv(ax.figure)


def test_a_shape_placed_in_the_panel_and_not_in_its_numbers_has_none(ax) -> None:
    ax.add_patch(Rectangle((0, 0), 1, 1, transform=ax.transAxes))
    assert {(r["x"], r["y"]) for r in read(ax)} == {("", "")}
