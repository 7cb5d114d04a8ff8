"""What a figure shows, as numbers: one row for each point of each mark in each panel.

Whoever doubts a picture needs what was drawn, not what was meant to be drawn. So the rows are read
from the finished figure. A mark of a kind that is not known here is refused, never left out.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib import collections, patches
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet, QuadContourSet
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.table import Table
from matplotlib.transforms import Transform
from matplotlib.tri import TriContourSet

from plateaus.errors import BadFigure

COLUMNS = ("panel", "mark", "series", "part", "x", "y", "value")
"""``panel`` its title or place; ``mark`` the kind; ``series`` the name in the legend, if any;
``part`` which curve, segment, polygon or row of a mark with several; ``value`` a height, a level, a
colour or a word.
"""
DIGITS = 7
Point = tuple[int, Any, Any, Any]
"""Part, x, y, value; an empty text where a mark has no such number."""


def as_csv(figure: Figure) -> str:
    """All rows of ``figure``, ``COLUMNS`` first.

    Raises `BadFigure` for a mark of a kind that is not known here.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for *words, x, y, value in rows(figure):
        writer.writerow([*words, *map(_number, (x, y, value))])
    return text.getvalue()


def rows(figure: Figure) -> Iterator[tuple[str, str, str, int, Any, Any, Any]]:
    """Every point of every mark, panel by panel; not colour bars, legends, axes or words."""
    panels = [ax for ax in _with_insets(figure.axes) if ax.get_label() != "<colorbar>"]
    for place, ax in enumerate(panels, 1):
        panel = ax.get_title("left") or ax.get_title() or str(place)
        for mark in (*ax.lines, *ax.collections, *ax.images, *ax.patches, *ax.tables):
            name, points = _kind(mark)
            label = str(mark.get_label())
            series = "" if label.startswith("_") else label
            for point in points(mark, ax):
                yield panel, name, series, *point


def _with_insets(axes: Iterable[Axes]) -> Iterator[Axes]:
    seen: list[Axes] = []
    for ax in axes:
        for one in (ax, *_with_insets(ax.child_axes)):
            if one not in seen:
                seen.append(one)
                yield one


def _kind(mark: Artist) -> tuple[str, Callable[[Any, Axes], Iterator[Point]]]:
    known = patches.Patch if isinstance(mark, patches.Patch) else type(mark)
    if known in KINDS:  # an arrow of `quiver` is also a polygon, but not one of two axes
        return KINDS[known]
    raise BadFigure(
        f"A figure has a {type(mark).__name__}, whose numbers nobody has said how to read: draw it "
        "otherwise, or add the kind to plateaus.figures.drawn."
    )


def _line(mark: Line2D, ax: Axes) -> Iterator[Point]:
    return _in_data([mark.get_xydata()], mark.get_transform(), ax)


def _contour(mark: ContourSet, ax: Axes) -> Iterator[Point]:
    levels = list(mark.levels)
    if mark.filled:  # a band lies above its level; beyond the ends there may be one more
        levels = [-np.inf] * (mark.extend in ("min", "both")) + levels
        levels = levels if mark.extend in ("max", "both") else levels[:-1]
    for level, path in zip(levels, mark.get_paths(), strict=True):
        for part, vertices in enumerate(path.to_polygons(closed_only=False)):
            yield from ((part, x, y, level) for x, y in vertices.tolist())


def _field(mark: collections.QuadMesh, ax: Axes) -> Iterator[Point]:
    place, values = mark.get_coordinates(), np.ma.asarray(mark.get_array())
    if values.size != place[..., 0].size:  # each cell has a value, not each node: its middle
        place = (place[:-1, :-1] + place[1:, :-1] + place[:-1, 1:] + place[1:, 1:]) / 4
    for (x, y), value in zip(_plain(place.reshape(-1, 2)), _plain(values.ravel()), strict=True):
        yield 0, x, y, value


def _points(mark: collections.PathCollection, ax: Axes) -> Iterator[Point]:
    places, values = _plain(mark.get_offsets()), mark.get_array()
    values = [""] * len(places) if values is None else _plain(values)
    for (x, y), value in zip(places, values, strict=True):
        yield 0, x, y, value


def _paths(mark: collections.Collection, ax: Axes) -> Iterator[Point]:
    return _in_data([path.vertices for path in mark.get_paths()], mark.get_transform(), ax)


def _pixels(mark: AxesImage, ax: Axes) -> Iterator[Point]:
    """The middle of each pixel; pictures in colours have them as value."""
    values = np.ma.asarray(mark.get_array())
    left, right, bottom, top = mark.get_extent()  # of the first row's lower edge, last row's upper
    height, width = values.shape[:2]
    if mark.origin == "upper":
        bottom, top = top, bottom
    for row in range(height):
        for column in range(width):
            value = values[row, column]
            yield (
                0,
                left + (right - left) * (column + 0.5) / width,
                bottom + (top - bottom) * (row + 0.5) / height,
                to_hex(value / 255 if values.dtype == np.uint8 else value)
                if np.ndim(value)
                else value,
            )


def _shape(mark: patches.Patch, ax: Axes) -> Iterator[Point]:
    path = mark.get_patch_transform().transform_path(mark.get_path())
    return _in_data([path.vertices], mark.get_data_transform(), ax)


def _cells(mark: Table, ax: Axes) -> Iterator[Point]:
    for (row, column), cell in sorted(mark.get_celld().items()):
        yield row, column, "", cell.get_text().get_text()


KINDS: dict[type[Artist], tuple[str, Callable[[Any, Axes], Iterator[Point]]]] = {
    Line2D: ("line", _line),
    QuadContourSet: ("contour", _contour),
    TriContourSet: ("contour", _contour),
    collections.QuadMesh: ("field", _field),
    collections.PathCollection: ("points", _points),
    collections.LineCollection: ("segments", _paths),
    collections.PolyCollection: ("area", _paths),
    collections.FillBetweenPolyCollection: ("area", _paths),
    AxesImage: ("field", _pixels),
    patches.Patch: ("shape", _shape),
    Table: ("table", _cells),
}
"""What each kind of mark is called, and how its points are read."""


def _in_data(parts: Iterable[np.ndarray], transform: Transform, ax: Axes) -> Iterator[Point]:
    """Vertices in the panel's coordinates: a line across all of it has one alone."""
    has_x, has_y = transform.contains_branch_seperately(ax.transData)
    for part, vertices in enumerate(parts):
        for x, y in np.asarray(vertices).tolist():
            yield part, x if has_x else "", y if has_y else "", ""


def _plain(values: np.ndarray) -> list:
    """As Python's numbers, which are written ten times as fast; NaN for what is masked."""
    return np.ma.filled(np.ma.asarray(values).astype(float), np.nan).tolist()


def _number(value: Any) -> str:
    """A number with the digits that a picture could show; nothing where there is none."""
    if isinstance(value, str):
        return value
    return "" if value is np.ma.masked or math.isnan(value) else f"{float(value):.{DIGITS}g}"
