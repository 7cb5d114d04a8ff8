"""Affine pieces of a network on a slice: what a line or plane is cut into, and f on each part.

All arithmetic is on Python integers. A vertex is a homogeneous integer tuple (w, x) or (w, x, y), w
> 0, reduced by its greatest common divisor, so equal vertices are equal tuples. On a piece the
state is ``rows @ (1, x, y) / denominator``: one row for each coordinate, a common denominator that
only affine steps enlarge. Nothing is ever divided, which keeps even deep trained networks within
seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from operator import mul
from typing import TypeAlias

import numpy as np

from plateaus.geometry.exact.program import Affine, Point, ReLU, Residual, Step

Vertex: TypeAlias = tuple[int, ...]
Region: TypeAlias = tuple[Vertex, ...]
"""Two vertices of an interval, or three or more of a convex polygon in counter-clockwise order."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A convex part of a slice on which the network is affine."""

    region: Region
    rows: np.ndarray
    """Integer numerators, shape ``(c, k + 1)``: constant first, then one column for each slice
    coordinate.
    """
    denominator: int

    def at(self, vertex: Vertex) -> Point:
        """The state at a homogeneous point of this piece."""
        values, below = self.over(vertex)
        return tuple(Fraction(value, below) for value in values)

    def over(self, vertex: Vertex) -> tuple[list[int], int]:
        """The same as integers over one denominator, which is positive: nothing is reduced."""
        return [_dot(row, vertex) for row in self.rows], self.denominator * vertex[0]

    def minus(self, y: Point) -> Piece:
        """The same piece with the fixed vector ``y`` subtracted from the state."""
        common = lcm(self.denominator, *(v.denominator for v in y))
        rows = self.rows * (common // self.denominator)
        rows[:, 0] = rows[:, 0] - np.array([int(v * common) for v in y], dtype=object)
        return Piece(region=self.region, rows=rows, denominator=common)


def vertex(x: Sequence[Fraction]) -> Vertex:
    """The homogeneous form of rational slice coordinates."""
    w = lcm(*(v.denominator for v in x))
    return (w, *(int(v * w) for v in x))


def coordinates(v: Vertex) -> Point:
    """Rational slice coordinates of a homogeneous vertex."""
    return tuple(Fraction(x, v[0]) for x in v[1:])


def chart(origin: Point, *directions: Point, region: Region) -> Piece:
    """The slice (s, t, ...) -> origin + s e_1 + t e_2 + ... as the piece that enters a network."""
    columns = (origin, *directions)
    common = lcm(*(v.denominator for column in columns for v in column))
    rows = np.array(
        [[int(v * common) for v in row] for row in zip(*columns, strict=True)], dtype=object
    )
    return Piece(region=region, rows=rows, denominator=common)


def push(steps: Iterable[Step], piece: Piece) -> list[Piece]:
    """The pieces of the network on the region of ``piece``, whose state is what enters the first
    step.
    """
    pieces = [piece]
    for step in steps:
        pieces = [new for old in pieces for new in _apply(step, old)]
    return pieces


def _apply(step: Step, piece: Piece) -> list[Piece]:
    match step:
        case Affine():
            weight, bias, common = step.integers
            rows = weight @ piece.rows
            rows[:, 0] = rows[:, 0] + bias * piece.denominator
            return [Piece(region=piece.region, rows=rows, denominator=piece.denominator * common)]
        case ReLU():
            return [
                Piece(
                    region=region,
                    rows=piece.rows * np.array(active, dtype=object)[:, None],
                    denominator=piece.denominator,
                )
                for region, active in cut(piece.region, piece.rows)
            ]
        case Residual():
            return [
                Piece(
                    region=q.region,
                    rows=q.rows + piece.rows * (q.denominator // piece.denominator),
                    denominator=q.denominator,
                )
                for q in push(step.branch, piece)
            ]


def cut(region: Region, rows: Iterable[np.ndarray]) -> list[tuple[Region, list[int]]]:
    """The parts of ``region`` between the zero sets of ``rows``, each with a 1 for rows >= 0 on it,
    else 0.
    """
    parts: list[tuple[Region, list[int]]] = [(region, [])]
    for row in rows:
        row = tuple(row)
        parts = [(half, signs + [sign]) for part, signs in parts for half, sign in split(part, row)]
    return parts


def split(region: Region, row: Sequence[int]) -> list[tuple[Region, int]]:
    """``region`` on the two sides of row . (w, x, y) = 0; undivided if the line misses its
    interior.
    """
    values = [_dot(row, v) for v in region]
    if min(values) >= 0:
        return [(region, 1)]
    if max(values) <= 0:
        return [(region, 0)]
    above: list[Vertex] = []
    below: list[Vertex] = []
    last = len(region) - 1
    for i, (v, f) in enumerate(zip(region, values, strict=True)):
        if f >= 0:
            above.append(v)
        if f <= 0:
            below.append(v)
        if i == last == 1:  # an interval has one edge, a polygon closes up
            break
        u, g = region[i - last], values[i - last]  # the next vertex, cyclically
        if f and g and (f > 0) != (g > 0):
            crossing = _reduced(tuple(abs(g) * p + abs(f) * q for p, q in zip(v, u, strict=True)))
            above.append(crossing)
            below.append(crossing)
    return [(tuple(above), 1), (tuple(below), 0)]


def _dot(row: Sequence[int], v: Vertex) -> int:
    return sum(map(mul, row, v))


def _reduced(v: Vertex) -> Vertex:
    common = gcd(*v)
    return tuple(x // common for x in v)
