"""Plateaus of a plane slice as polygons, with their exact areas.

In L1 and L-infinity h_a is affine on every cell, so {h_a < r} cuts a cell along a straight line and
the plateau of a is a union of convex polygons with rational corners, one for each cell it meets. In
L2 the cuts are arcs of ellipses, whose areas are not rational; there the plateau is given by its
cells and by `raster` only.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from plateaus.errors import BadParameter
from plateaus.geometry.exact.norms import ZERO, radius
from plateaus.geometry.exact.pieces import coordinates
from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.program import Point, Rational

Polygon: TypeAlias = tuple[Point, ...]
"""Corners (s, t) of a convex polygon, counter-clockwise."""


def polygons(plane: ExactPlane, r: Rational) -> tuple[Polygon, ...]:
    """The closure of the plateau of radius r of a in the window: convex polygons that overlap in
    edges only.

    Raises:
        BadParameter: the heights of the slice are in L2.
        BadRadius: r is not positive.
    """
    if not plane.metric.affine:
        raise BadParameter(
            'Plateaus have straight borders in the metrics "l1" and "linf" only, and this slice '
            'has "l2": make the '
            "slice with one of those, or read the plateau from its cells."
        )
    level = radius(r)
    cut = (clipped(plane, i, level) for i in sorted(plane.components(r)[0]))
    return tuple(polygon for polygon in cut if len(polygon) > 2)


def clipped(plane: ExactPlane, cell: int, level: Fraction) -> Polygon:
    """One cell's part of {h_a <= level}: its corners below, and where its edges cross the level."""
    piece = plane.cells[cell]
    corners = [(coordinates(v), plane.metric(piece.at(v))) for v in piece.region]
    kept: list[Point] = []
    for (p, h), (q, k) in zip(corners, corners[1:] + corners[:1], strict=True):
        if h <= level:
            kept.append(p)
        if (h < level) != (k < level) and h != level and k != level:
            share = (level - h) / (k - h)
            kept.append(tuple(x + share * (y - x) for x, y in zip(p, q, strict=True)))
    return tuple(kept)


def area(polygon: Polygon) -> Fraction:
    """Signed area, positive if the corners run counter-clockwise; in units of the slice
    coordinates.
    """
    turned = (
        p[0] * q[1] - q[0] * p[1] for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True)
    )
    return sum(turned, ZERO) / 2


def plateau_area(plane: ExactPlane, r: Rational) -> Fraction:
    """Exact area of the plateau of radius r of a in the window."""
    return sum(map(area, polygons(plane, r)), ZERO)
