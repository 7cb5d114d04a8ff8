"""Exact cells sampled on a grid of pixels, for drawing: floats out, nothing decided here."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from plateaus.geometry.exact.pieces import Piece, coordinates
from plateaus.geometry.exact.plane import ExactPlane


def raster(
    plane: ExactPlane, s: np.ndarray, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """h_a, m(a, .) and the number of a cell at the slice points (s_j, t_i), each ``(len(t),
    len(s))``.

    Heights are plain norms (L2 not squared), float64. Outside the window they are NaN, the cell -1.
    """
    height = np.full((len(t), len(s)), np.nan)
    merge = height.copy()
    index = np.full(height.shape, -1)
    grid_s, grid_t = np.meshgrid(s, t)
    for k, (cell, level) in enumerate(zip(plane.cells, plane.levels, strict=True)):
        corners = np.array([[float(x) for x in coordinates(v)] for v in cell.region])
        rows = np.flatnonzero((t >= corners[:, 1].min() - 1e-9) & (t <= corners[:, 1].max() + 1e-9))
        columns = np.flatnonzero(
            (s >= corners[:, 0].min() - 1e-9) & (s <= corners[:, 0].max() + 1e-9)
        )
        if not len(rows) or not len(columns):
            continue
        box = np.ix_(rows, columns)
        x, y = grid_s[box], grid_t[box]
        inside = _inside(corners, x, y)
        h = _norm(plane.metric.name, _state(cell, x, y))
        height[box] = np.where(inside, h, height[box])
        merge[box] = np.where(inside, np.maximum(h, float(level)), merge[box])
        index[box] = np.where(inside, k, index[box])
    return height, merge, index


def _inside(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    inside = np.ones(x.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= -1e-12
    return inside


def _state(cell: Piece, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    floats = np.array([[float(Fraction(v, cell.denominator)) for v in row] for row in cell.rows])
    return floats[:, 0, None, None] + floats[:, 1, None, None] * x + floats[:, 2, None, None] * y


def _norm(name: str, y: np.ndarray) -> np.ndarray:
    order = {"l1": 1, "l2": 2, "linf": np.inf}[name]
    return np.linalg.norm(y, ord=order, axis=0)
