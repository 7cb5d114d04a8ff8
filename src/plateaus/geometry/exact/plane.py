"""Exact plateaus on a plane: cells, facets, merge heights and components of {h_a < r}.

{h_a < r} meets each cell in a convex set, so a path may be replaced by the chain of facets it
crosses: m(a, b) = max(h(b), bottleneck over chains of cells, a facet costing its lowest height).
Cells that touch only in a point need no edge: an open set is not disconnected by points.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from plateaus.errors import BadPath
from plateaus.geometry.exact.cells import Facet, facets, holds, side
from plateaus.geometry.exact.norms import ZERO, Norm, level, norm
from plateaus.geometry.exact.pieces import Piece, Region, chart, push, vertex
from plateaus.geometry.exact.program import ExactNetwork, Point, Rational, point
from plateaus.geometry.exact.roots import Level

Ways: TypeAlias = Sequence[Sequence[tuple[int, Level]]]
"""For each cell its (neighbour, door) pairs."""


def bottlenecks(ways: Ways, source: int) -> tuple[Level, ...]:
    """From one cell to every other: the least possible highest door on the way."""
    best: dict[int, Level] = {}
    queue = [(ZERO, source)]
    while queue:
        high, i = heapq.heappop(queue)
        if i in best:
            continue
        best[i] = high
        for j, door in ways[i]:
            if j not in best:
                heapq.heappush(queue, (max(high, door), j))
    return tuple(best[i] for i in range(len(ways)))


def joined(ways: Ways, source: int, r: Level) -> set[int]:
    """The cells that doors below r join to one; no merge height is used."""
    reached = edge = {source}
    while edge:
        edge = {j for i in edge for j, door in ways[i] if door < r} - reached
        reached = reached | edge
    return reached


@dataclass(frozen=True, kw_only=True)
class ExactPlane:
    """h_a on x(s, t) = origin + s e_1 + t e_2 for (s, t) in a convex window.

    Merge heights are those *of the window*: an upper bound for the whole plane and for R^d.
    """

    metric: Norm
    anchor: Point
    """Slice coordinates (s, t) of a."""
    cells: tuple[Piece, ...]
    """Polygons on which f is affine (and h too, in L1 and L-infinity); the state is f(x) - f(a)."""
    affine_pieces: int
    """Number of polygons on which f is affine, before cutting for the norm."""
    window: Region
    """The convex polygon that the cells fill."""

    @classmethod
    def of(
        cls,
        network: ExactNetwork,
        *,
        window: Sequence[Sequence[Rational]],
        anchor: Iterable[Rational],
        chart_origin: Iterable[Rational] = (0, 0),
        axes: Sequence[Iterable[Rational]] = ((1, 0), (0, 1)),
        metric: str = "l2",
    ) -> ExactPlane:
        """The slice of ``network`` by a plane; by default its own input plane.

        Args:
            window: corners (s, t) of a convex polygon, or two opposite corners of a rectangle.
            anchor: slice coordinates of a, in the window.

        Raises:
            BadPath: the window has no area, or does not contain the anchor.
        """
        region, anchor = _polygon(window), _slice_point(anchor)
        if len(axes) != 2:
            raise BadPath(f"A plane is spanned by two axes, got {len(axes)}: give two.")
        if not holds(region, vertex(anchor)):
            raise BadPath(
                "The anchor of a plane slice lies outside its window: widen the window until it "
                "contains a."
            )
        start = chart(*map(network.check, (chart_origin, *axes)), region=region)
        centre = network(start.at(vertex(anchor)))
        pieces = [piece.minus(centre) for piece in push(network.steps, start)]
        measure = norm(metric)
        cells = tuple(part for piece in pieces for part in measure.refine(piece))
        return cls(
            metric=measure,
            anchor=anchor,
            cells=cells,
            affine_pieces=len(pieces),
            window=region,
        )

    @cached_property
    def facets(self) -> tuple[Facet, ...]:
        """Edges of positive length shared by two cells."""
        return tuple(facets([cell.region for cell in self.cells]))

    @cached_property
    def doors(self) -> tuple[Level, ...]:
        """For each facet the lowest h on it: the level at which one can pass."""
        return tuple(self.metric.lowest(self.cells[f.cells[0]], *f.ends) for f in self.facets)

    @cached_property
    def floors(self) -> tuple[Level, ...]:
        """For each cell the lowest h on it: the level at which it enters {h < r}."""
        return tuple(self.metric.lowest_on(cell) for cell in self.cells)

    @cached_property
    def neighbours(self) -> Ways:
        """For each cell its (neighbour, door) pairs."""
        found: list[list[tuple[int, Level]]] = [[] for _ in self.cells]
        for facet, door in zip(self.facets, self.doors, strict=True):
            i, j = facet.cells
            found[i].append((j, door))
            found[j].append((i, door))
        return tuple(map(tuple, found))

    def cell(self, z: Iterable[Rational]) -> int:
        """Index of a cell that contains the slice point z = (s, t).

        Raises:
            BadPath: z lies outside the window.
        """
        z = vertex(_slice_point(z))
        for i, cell in enumerate(self.cells):
            if holds(cell.region, z):
                return i
        raise BadPath("A point lies outside the window of its plane slice: widen the window.")

    def height(self, z: Iterable[Rational]) -> Level:
        """h_a at slice coordinates z."""
        return self._seen(z)[1]

    def _seen(self, z: Iterable[Rational]) -> tuple[int, Level]:
        """The cell of a slice point, which is looked for only once, and the height there."""
        z = point(z)
        i = self.cell(z)
        return i, self.metric.over(*self.cells[i].over(vertex(z)))

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """For each cell the level at which the anchor's plateau reaches it: m(a, z) = max(h(z),
        level).
        """
        return self.bottleneck(self.cell(self.anchor))

    def bottleneck(self, source: int) -> tuple[Level, ...]:
        """From one cell to every other: the least possible highest door on the way."""
        return bottlenecks(self.neighbours, source)

    def merge_height(
        self, z: Iterable[Rational], *, start: Iterable[Rational] | None = None
    ) -> Level:
        """m within the window from a to z; with ``start`` = y it is u_a(y, z) for the same
        a.
        """
        i, high = self._seen(z)
        if start is None:
            return max(high, self.levels[i])
        j, other = self._seen(start)
        return max(other, high, self.bottleneck(j)[i])

    def contains(self, z: Iterable[Rational], r: Rational | Level) -> bool:
        """Whether z lies in the plateau of radius r of a within the window: m < r, strictly."""
        return self.merge_height(z) < level(r)

    def components(self, r: Rational) -> tuple[frozenset[int], ...]:
        """The components of {h_a < r} in the window as sets of cells they meet; the plateau of a
        first.
        """
        r = level(r)
        todo = {i for i, floor in enumerate(self.floors) if floor < r}
        found = []
        for source in [self.cell(self.anchor), *sorted(todo)]:
            if source not in todo:
                continue
            reached = joined(self.neighbours, source, r)
            todo -= reached
            found.append(frozenset(reached))
        return tuple(found)


def _slice_point(z: Iterable[Rational]) -> Point:
    z = point(z)
    if len(z) != 2:
        raise BadPath(f"A point of a plane slice has two coordinates (s, t), got {len(z)}.")
    return z


def _polygon(corners: Sequence[Sequence[Rational]]) -> tuple:
    points = [_slice_point(c) for c in corners]
    if len(points) == 2:
        (x0, y0), (x1, y1) = points
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    turned = sum(
        (p[0] * q[1] - q[0] * p[1] for p, q in zip(points, points[1:] + points[:1], strict=True)),
        ZERO,
    )
    region = tuple(vertex(p) for p in (points if turned > 0 else reversed(points)))
    edges = zip(region, region[1:] + region[:1], strict=True)
    if turned == 0 or any(side(u, v, z) < 0 for u, v in edges for z in region):
        raise BadPath(
            "The window of a plane slice has no area or is not convex: give two opposite corners "
            "or a convex polygon."
        )
    return region
