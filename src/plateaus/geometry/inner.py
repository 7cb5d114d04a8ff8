"""Exact inner radii and moats on the input plane: what certified bounds are compared with.

sup{rho : B_rho(a) in P_r(a)} = dist(a, {h_a >= r}), since a ball is connected. On each cell h_a is
convex, so everything is decided at finitely many rational points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from plateaus.errors import BadParameter, BadPath, BadPoints
from plateaus.geometry.exact.norms import ZERO, Norm, norm, radius
from plateaus.geometry.exact.pieces import Piece, chart, coordinates, push, vertex
from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.program import ExactNetwork, Point, Rational
from plateaus.geometry.exact.roots import Level, Root

Corner = tuple[Fraction, ...]


def exact_inner_radius(
    network: ExactNetwork,
    a: Iterable[Rational],
    r: Rational,
    *,
    metric: str = "linf",
    ball: str = "linf",
    reach: int = 64,
) -> Level | None:
    """dist(a, {h_a >= r}) on the plane, in the maximum norm or the Euclidean one (``ball="l2"``).

    None if h_a stays below r within distance ``reach`` of a.

    Args:
        metric: the norm of the output, "linf" or "l1", in which cells are cut until h_a is affine
            on them.

    Raises:
        BadParameter: another metric or ball; in an "l2" output norm use ``highest`` and bisect.
        BadRadius: r is not positive.
    """
    if metric not in ("linf", "l1") or ball not in ("linf", "l2"):
        raise BadParameter(
            f"Exact inner radii take metric linf or l1 and ball linf or l2, not {metric!r} and "
            f"{ball!r}."
        )
    a, r, size = _on_plane(network, a), radius(r), Fraction(1)
    while size <= radius(reach):
        plane = _around(network, a, size, metric)
        found = [d for cell in plane.cells for d in _distances(cell, a, plane.metric, r, ball)]
        # A square window of half-width `size` holds every point nearer than that, in either norm.
        if found and min(found) <= size:
            return min(found)
        size *= 4
    return None


def highest(
    network: ExactNetwork, a: Iterable[Rational], rho: Rational, *, metric: str = "linf"
) -> Level:
    """max of h_a over the closed square of half-width rho: attained at a vertex of a cell,
    h_a being convex there.
    """
    a, rho = _on_plane(network, a), radius(rho)
    plane = _around(network, a, rho, metric)
    return max(plane.metric(cell.at(v)) for cell in plane.cells for v in cell.region)


def moat(
    network: ExactNetwork,
    a: Iterable[Rational],
    ring: Sequence[Sequence[Rational]],
    *,
    metric: str = "linf",
) -> Level:
    """min of h_a along the closed polygon ``ring``, in an input space of any dimension.

    On the plane, if a lies inside the ring and r is at most this height, P_r(a) cannot leave it. In
    more dimensions a ring surrounds nothing and the number proves nothing.
    """
    centre, measure = network(a), norm(metric)
    corners = [network.check(v) for v in ring]
    if len(corners) < 3:
        raise BadPath(f"A moat is a closed polygon of at least 3 corners, got {len(corners)}.")
    return min(
        measure.lowest_on(part)
        for p, q in zip(corners, corners[1:] + corners[:1], strict=True)
        for part in _leg(network, p, q, centre, measure)
    )


def peak(
    network: ExactNetwork,
    a: Iterable[Rational],
    nodes: Sequence[Sequence[Rational]],
    *,
    metric: str = "linf",
) -> Level:
    """max of h_a along a polyline, exactly: an upper bound of m(a, end) if the polyline
    begins at a.
    """
    centre, measure = network(a), norm(metric)
    corners = [network.check(v) for v in nodes]
    if len(set(corners)) < 2:
        raise BadPath("A polyline has at least 2 nodes that differ: give its ends too.")
    return max(
        measure(part.at(v))
        for p, q in zip(corners, corners[1:], strict=False)
        if p != q
        for part in _leg(network, p, q, centre, measure)
        for v in part.region
    )


def _on_plane(network: ExactNetwork, a: Iterable[Rational]) -> Point:
    if network.inputs != 2:
        raise BadPoints(
            f"Exact radii are computed on the input plane, and {network.name} has {network.inputs} "
            "inputs: use certified ones, bounds.inner_radius."
        )
    return network.check(a)


def _leg(network: ExactNetwork, p: Point, q: Point, centre: Point, measure: Norm) -> list[Piece]:
    start = chart(
        p,
        tuple(v - u for u, v in zip(p, q, strict=True)),
        region=(vertex((ZERO,)), vertex((Fraction(1),))),
    )
    return [
        part for piece in push(network.steps, start) for part in measure.refine(piece.minus(centre))
    ]


def _around(network: ExactNetwork, a: Point, size: Fraction, metric: str) -> ExactPlane:
    window = tuple(u - size for u in a), tuple(u + size for u in a)
    return ExactPlane.of(network, window=window, anchor=a, metric=metric)


def _distances(cell: Piece, a: Point, measure: Norm, r: Fraction, ball: str) -> Iterable[Level]:
    """Distances from a to the edges of {h >= r} on one cell, on which h is affine."""
    corners = [tuple(x - u for x, u in zip(coordinates(v), a, strict=True)) for v in cell.region]
    high = _above(corners, [measure(cell.at(v)) - r for v in cell.region])
    for p, q in zip(high, high[1:] + high[:1], strict=True):
        yield _to_segment(p, q) if ball == "linf" else Root(_squared_to_segment(p, q))


def _above(corners: list[Corner], excess: list[Fraction]) -> list[Corner]:
    """The part of a convex polygon where an affine function, given at the corners, is >= 0."""
    kept, count = [], len(corners)
    for i in range(count):
        p, q, f, g = corners[i], corners[(i + 1) % count], excess[i], excess[(i + 1) % count]
        if f >= 0:
            kept.append(p)
        if (f > 0 > g) or (f < 0 < g):
            kept.append(_between(p, q, f / (f - g)))
    return kept


def _between(p: Corner, q: Corner, t: Fraction) -> Corner:
    return tuple(u + t * (v - u) for u, v in zip(p, q, strict=True))


def _to_segment(p: Corner, q: Corner) -> Fraction:
    """min of max(|x|, |y|) on a segment: at an end, or where |x| = |y|."""
    places = [ZERO, Fraction(1)]
    for sign in (1, -1):
        f, g = p[0] + sign * p[1], q[0] + sign * q[1]
        if f != g and 0 < f / (f - g) < 1:
            places.append(f / (f - g))
    return min(max(map(abs, _between(p, q, t))) for t in places)


def _squared_to_segment(p: Corner, q: Corner) -> Fraction:
    step = tuple(v - u for u, v in zip(p, q, strict=True))
    length = sum((v * v for v in step), ZERO)
    t = (
        ZERO
        if length == 0
        else min(
            max(-sum((u * v for u, v in zip(p, step, strict=True)), ZERO) / length, ZERO),
            Fraction(1),
        )
    )
    return sum((v * v for v in _between(p, q, t)), ZERO)
