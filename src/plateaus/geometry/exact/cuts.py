"""Cuts: closed curves on a plane slice that no path from a to b can avoid, with h_a >= r on them.

A path that stays below r proves that b lies in P_r(a); a cut proves that it does not. The two are
dual: at r = m(a, b) there is a cut, and at every larger r a path. A cut on a window says nothing
about ways that leave the window, unless it also keeps a or b from the window's border.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plateaus.errors import Undecided
from plateaus.geometry.exact.cells import side
from plateaus.geometry.exact.norms import level
from plateaus.geometry.exact.pieces import Vertex, coordinates
from plateaus.geometry.exact.plane import ExactPlane, bottlenecks, joined
from plateaus.geometry.exact.program import Point, Rational, point
from plateaus.geometry.exact.roots import Level


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Segments on which h_a >= ``lowest`` throughout, and which separate a from b."""

    segments: tuple[tuple[Point, Point], ...]
    """Slice coordinates. Empty if b itself is too high, and nothing else keeps it away."""
    lowest: Level
    """min of h_a over the cut (or h_a(b)): b lies outside P_r(a) for every r up to this."""
    everywhere: bool
    """Whether ways that leave the window are cut as well: the whole plane is then separated."""

    def statement(self) -> str:
        """What has been shown, in a sentence."""
        where = "of the whole plane" if self.everywhere else "within the window"
        by = f"a cut of {len(self.segments)} segments" if self.segments else "the height of b"
        return f"no path {where} stays below {float(self.lowest):.6g} from a to b: proved by {by}"


def cut(plane: ExactPlane, b: Iterable[Rational], r: Rational | Level | None = None) -> Cut:
    """The border of what the plateau of radius r of a reaches, as far as cells go.

    Args:
        b: slice coordinates.
        r: by default m(a, b), the largest radius at which there is a cut.

    Raises:
        Undecided: b lies in the plateau of that radius, and a path proves it.
        BadRadius: r is not positive; as m(a, b) it may be zero, and then there is no cut either.
        BadPath: b lies outside the window.
    """
    b = point(b)
    m = plane.merge_height(b)
    r = level(m if r is None else r)
    if m < r:
        raise Undecided(
            f"b lies in the plateau of radius {float(r):.6g} of a within the window, where "
            f"m(a, b) = {float(m):.6g}: a cut exists for radii up to that."
        )
    if plane.cell(b) in (inside := _reached(plane, r, leaving=True)):
        everywhere = plane.height(b) >= r
        inside = _reached(plane, r, leaving=False)
    else:
        everywhere = True
    facets = [f for f in plane.facets if len(inside.intersection(f.cells)) == 1]
    low = [plane.metric.lowest(plane.cells[f.cells[0]], *f.ends) for f in facets]
    if plane.cell(b) in inside:  # its cell is reached, b itself is too high
        facets, low = [], [plane.height(b)]
    segments = tuple(tuple(map(coordinates, f.ends)) for f in facets)
    return Cut(segments=segments, lowest=min(low), everywhere=everywhere)


def least_merge_height(plane: ExactPlane, b: Iterable[Rational]) -> Level:
    """A lower bound of m(a, b) in the whole plane: ways outside the window are taken to be free.

    Where it equals ``plane.merge_height(b)`` the window was large enough, and m is known.
    """
    b = point(b)
    best = bottlenecks(_with_outside(plane), plane.cell(plane.anchor))
    return max(plane.height(b), best[plane.cell(b)])


def _reached(plane: ExactPlane, r: Level, *, leaving: bool) -> set[int]:
    """Cells that ways below r from a reach, in the window or, ``leaving``, also around it."""
    ways = _with_outside(plane) if leaving else plane.neighbours
    return joined(ways, plane.cell(plane.anchor), r) - {len(plane.cells)}


def _with_outside(plane: ExactPlane) -> list[tuple[tuple[int, Level], ...]]:
    """For each cell its (neighbour, door) pairs; the last, extra one is all that lies outside."""
    outside = len(plane.cells)
    exits: list[tuple[int, Level]] = []
    for i, cell in enumerate(plane.cells):
        edges = zip(cell.region, cell.region[1:] + cell.region[:1], strict=True)
        doors = [
            plane.metric.lowest(cell, u, v)
            for u, v in edges
            if _on_border(plane, u) & _on_border(plane, v)
        ]
        if doors:
            exits.append((i, min(doors)))
    ways = [list(pairs) for pairs in plane.neighbours] + [exits]
    for i, door in exits:
        ways[i].append((outside, door))
    return [tuple(pairs) for pairs in ways]


def _on_border(plane: ExactPlane, v: Vertex) -> set[int]:
    """Which edges of the window the vertex lies on."""
    corners = plane.window
    return {
        k
        for k, (p, q) in enumerate(zip(corners, corners[1:] + corners[:1], strict=True))
        if side(p, q, v) == 0
    }
