"""A slow, independent answer to "is b in P_r(a) on this slice?": union-find over cells, with its
own geometry.

It takes the list of cells, and nothing else, from the engine (those are tested by their area and by
evaluating the network). Adjacency is found pair by pair, and a facet is open at r if linear or
quadratic inequalities have a solution on it, so no merge height is ever computed.
"""

from __future__ import annotations

from fractions import Fraction as F
from itertools import combinations, product

from plateaus.geometry.exact import ExactNetwork, ExactPlane
from plateaus.geometry.exact.pieces import coordinates


def member(plane: ExactPlane, net: ExactNetwork, a: tuple, b: tuple, r: F) -> bool:
    """Whether one component of {h_a < r} in the window contains a and b."""
    polygons = [[coordinates(v) for v in cell.region] for cell in plane.cells]
    centre = net(a)
    kind = plane.metric.name

    def difference(x: tuple) -> list[F]:
        return [u - v for u, v in zip(net(x), centre, strict=True)]

    if not _below(kind, difference(b), [F(0)] * len(centre), r):
        return False
    parent = list(range(len(polygons)))

    def find(i: int) -> int:
        return i if parent[i] == i else find(parent[i])

    for i, j in combinations(range(len(polygons)), 2):
        shared = _shared_edge(polygons[i], polygons[j])
        if shared:
            p, q = map(difference, shared)
            if _below(kind, p, [v - u for u, v in zip(p, q, strict=True)], r):
                parent[find(i)] = find(j)
    home = {find(i) for i, polygon in enumerate(polygons) if holds(polygon, a)}
    return any(find(i) in home for i, polygon in enumerate(polygons) if holds(polygon, b))


def holds(polygon: list, z: tuple) -> bool:
    return all(_turn(u, v, z) >= 0 for u, v in zip(polygon, polygon[1:] + polygon[:1], strict=True))


def _turn(u: tuple, v: tuple, z: tuple) -> F:
    return (v[0] - u[0]) * (z[1] - u[1]) - (v[1] - u[1]) * (z[0] - u[0])


def _shared_edge(p: list, q: list) -> tuple | None:
    if any(
        max(x[k] for x in m) < min(x[k] for x in n) for k in (0, 1) for m, n in ((p, q), (q, p))
    ):
        return None  # boxes apart
    for u, v in zip(p, p[1:] + p[:1], strict=True):
        for s, t in zip(q, q[1:] + q[:1], strict=True):
            if _turn(u, v, s) == 0 and _turn(u, v, t) == 0:
                axis = 0 if u[0] != v[0] else 1
                low, high = max(min(u, v), min(s, t)), min(max(u, v), max(s, t))
                if low[axis] < high[axis]:
                    return low, high
    return None


def _below(kind: str, p: list[F], q: list[F], r: F) -> bool:
    """Whether |p + tau q| < r for some tau in [0, 1] (open facets and closed ones meet {h < r}
    alike).
    """
    if kind == "l2":
        a, b, c = (
            sum(v * v for v in q),
            sum(u * v for u, v in zip(p, q, strict=True)),
            sum(u * u for u in p) - r * r,
        )
        if c < 0 or a + 2 * b + c < 0:
            return True
        return a > 0 and 0 < -b < a and b * b > a * c
    if kind == "linf":
        forms = [(s * u, s * v) for u, v in zip(p, q, strict=True) for s in (1, -1)]
    else:
        signs = product((1, -1), repeat=len(p))
        forms = [
            (
                sum(s * u for s, u in zip(sign, p, strict=True)),
                sum(s * v for s, v in zip(sign, q, strict=True)),
            )
            for sign in signs
        ]
    low, high, strict_low, strict_high = F(0), F(1), False, False
    for u, v in forms:  # u + tau v < r
        if v == 0:
            if u >= r:
                return False
        elif v > 0:
            if (r - u) / v <= high:
                high, strict_high = (r - u) / v, True
        elif (r - u) / v >= low:
            low, strict_low = (r - u) / v, True
    return low < high or (low == high and not strict_low and not strict_high)
