"""Heights in exact arithmetic: L1 and L-infinity as rationals, L2 as roots of rationals.

On a piece the state is affine, so each norm of it is convex. L1 and L-infinity become *affine*
after a further cut along the lines where coordinates vanish or tie; L2 squared is a quadratic form.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import lcm
from operator import mul

from plateaus.errors import BadParameter, BadRadius
from plateaus.geometry.exact.cells import holds
from plateaus.geometry.exact.pieces import Piece, Vertex, cut
from plateaus.geometry.exact.program import Point, Rational
from plateaus.geometry.exact.roots import Level, Root

ZERO = Fraction(0)


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A norm of rational vectors."""

    name: str

    @property
    def affine(self) -> bool:
        """Whether |state| is affine, and rational, on refined pieces: L1 and L-infinity."""
        return self.name != "l2"

    def __call__(self, y: Point) -> Level:
        """|y|, exactly."""
        below = lcm(*(v.denominator for v in y))
        return self.over([v.numerator * (below // v.denominator) for v in y], below)

    def over(self, values: list[int], below: int) -> Level:
        """|values / below| for integers and a positive denominator."""
        match self.name:
            case "l1":
                return Fraction(sum(map(abs, values)), below)
            case "linf":
                return Fraction(max(map(abs, values)), below)
            case _:
                return Root(Fraction(sum(v * v for v in values), below * below))

    def refine(self, piece: Piece) -> list[Piece]:
        """Parts of ``piece`` on which |state| is affine (L1, L-infinity); the piece itself for
        L2.
        """
        match self.name:
            case "l1":
                lines = list(piece.rows)
            case "linf":
                pairs = combinations(piece.rows, 2)
                lines = [line for p, q in pairs for line in (p - q, p + q)] or list(piece.rows)
            case _:
                return [piece]
        return [
            Piece(region=region, rows=piece.rows, denominator=piece.denominator)
            for region, _ in cut(piece.region, lines)
        ]

    def lowest(self, piece: Piece, u: Vertex, v: Vertex) -> Level:
        """min |state| on the segment from u to v in a refined piece."""
        (p, below), (q, other) = piece.over(u), piece.over(v)
        if self.affine:
            return min(self.over(p, below), self.over(q, other))
        start = [x * other for x in p]
        step = [y * below - x for x, y in zip(start, q, strict=True)]
        length, along = sum(y * y for y in step), -sum(map(mul, start, step))
        if along <= 0:
            return self.over(p, below)
        if along >= length:
            return self.over(q, other)
        # |start + tau step|^2 at tau = along / length, where it is least
        square = sum(x * x for x in start) * length - along * along
        return Root(Fraction(square, length * (below * other) ** 2))

    def lowest_on(self, piece: Piece) -> Level:
        """min |state| on a whole refined piece (interval or polygon)."""
        region = piece.region
        if self.affine:
            return min(self.over(*piece.over(v)) for v in region)
        edges = zip(region, region[1:] + region[:1], strict=True)
        boundary = min(self.lowest(piece, u, v) for u, v in edges)
        inside = _stationary(piece) if len(region) > 2 else None
        return boundary if inside is None else min(boundary, self.over(*piece.over(inside)))


def _stationary(piece: Piece) -> Vertex | None:
    """Where the gradient of |state|^2 vanishes, if that is one point and it lies in the polygon.

    If the normal equations are singular the height is constant along their kernel, and the boundary
    already has the minimum.
    """
    b, a1, a2 = piece.rows.T
    g11, g12, g22 = a1 @ a1, a1 @ a2, a2 @ a2
    det = g11 * g22 - g12 * g12
    if det == 0:
        return None
    z = (det, g12 * (a2 @ b) - g22 * (a1 @ b), g12 * (a1 @ b) - g11 * (a2 @ b))
    return z if holds(piece.region, z) else None


NORMS = {name: Norm(name=name) for name in ("l1", "l2", "linf")}


def norm(name: str | Norm) -> Norm:
    """The norm of that name.

    Raises:
        BadParameter: exact heights exist for "l1", "l2" and "linf" only.
    """
    if isinstance(name, Norm):
        return name
    if name not in NORMS:
        raise BadParameter(
            f"Exact heights exist in {', '.join(NORMS)}, not in {name!r}: choose one of these."
        )
    return NORMS[name]


def level(r: Rational | Root) -> Level:
    """A radius that heights are compared with: rational, or a Euclidean height itself.

    Raises:
        BadRadius: not a finite positive number.
    """
    return r if isinstance(r, Root) and r.square > 0 else radius(r)


def radius(r: Rational) -> Fraction:
    """r as a rational.

    Raises:
        BadRadius: r is not a finite positive number.
    """
    try:
        exact = Fraction(r)
    except (ValueError, OverflowError, TypeError):
        exact = ZERO
    if exact <= 0:
        raise BadRadius(
            f"A plateau needs a finite radius r > 0, got {r!r}: give a distance in output space."
        )
    return exact
