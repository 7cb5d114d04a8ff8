"""How the convex cells of a plane slice fit together: their shared edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from plateaus.geometry.exact.pieces import Region, Vertex


@dataclass(frozen=True, kw_only=True)
class Facet:
    """A segment of positive length that two cells share."""

    cells: tuple[int, int]
    ends: tuple[Vertex, Vertex]


def holds(region: Region, z: Vertex) -> bool:
    """Whether the closed convex polygon contains z."""
    return all(side(u, v, z) >= 0 for u, v in zip(region, region[1:] + region[:1], strict=True))


def side(u: Vertex, v: Vertex, z: Vertex) -> int:
    """Positive, zero or negative as z lies left of, on or right of the line from u to v."""
    line = _cross(u, v)
    return line[0] * z[0] + line[1] * z[1] + line[2] * z[2]


def facets(regions: Sequence[Region]) -> list[Facet]:
    """All shared edges, also where one cell's edge meets only a part of another's.

    Edges are gathered by the line they lie on. On each line the edges of the cells to its left and
    of those to its right are two families of non-overlapping intervals, merged in one sweep.
    """
    lines: dict[Vertex, tuple[list, list]] = defaultdict(lambda: ([], []))
    for i, region in enumerate(regions):
        for u, v in zip(region, region[1:] + region[:1], strict=True):
            line, turned = _line(u, v)
            a, b = (v, u) if turned else (u, v)
            lines[line][turned].append((_along(line, a), _along(line, b), a, b, i))
    found = []
    for left, right in lines.values():
        left.sort(key=_start)
        right.sort(key=_start)
        k = m = 0
        while k < len(left) and m < len(right):
            p, q = left[k], right[m]
            first, last = max(p, q, key=_start), min(p, q, key=_end)
            if _start(first) < _end(last):
                found.append(Facet(cells=(p[4], q[4]), ends=(first[2], last[3])))
            if _end(p) < _end(q):
                k += 1
            else:
                m += 1
    return found


def _start(edge: tuple) -> Fraction:
    return edge[0]


def _end(edge: tuple) -> Fraction:
    return edge[1]


def _cross(u: Vertex, v: Vertex) -> Vertex:
    return (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])


def _line(u: Vertex, v: Vertex) -> tuple[Vertex, bool]:
    """The line through u and v in a canonical form, and whether v -> u is its canonical
    direction.
    """
    line = _cross(u, v)
    common = gcd(*line)
    line = tuple(c // common for c in line)
    turned = line[2] < 0 or (line[2] == 0 and line[1] < 0)
    return (tuple(-c for c in line) if turned else line), turned


def _along(line: Vertex, v: Vertex) -> Fraction:
    """A coordinate that grows in the canonical direction: s, or t on the lines where s is
    constant.
    """
    # The line (c0, c1, c2) has direction (c2, -c1) in (s, t) coordinates.
    return Fraction(v[1], v[0]) if line[2] else Fraction(-v[2], v[0])
