"""Square roots of rationals: Euclidean heights, compared exactly and never computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import total_ordering
from math import isqrt
from typing import TypeAlias

BITS = 96
"""Binary digits after the point where a square root is written out."""


@total_ordering
@dataclass(frozen=True, eq=False)
class Root:
    """sqrt(square), square >= 0. Ordered among roots, rationals and floats without rounding.

    ``float`` gives it to the nearest float or its neighbour, however small it is. Products and
    quotients with rationals are roots again, differences are floats.
    """

    square: Fraction

    def __eq__(self, other: object) -> bool:
        compared = _square(other)
        return NotImplemented if compared is None else self.square == compared

    def __lt__(self, other: object) -> bool:
        compared = _square(other)
        return NotImplemented if compared is None else self.square < compared

    def __gt__(self, other: object) -> bool:
        compared = _square(other)
        return NotImplemented if compared is None else self.square > compared

    def __hash__(self) -> int:
        return hash(self.rational or self.square)

    def __float__(self) -> float:
        return float(root_down(self.square))

    def __mul__(self, factor: int | float | Fraction) -> Root:
        return Root(self.square * Fraction(factor) ** 2)

    __rmul__ = __mul__

    def __truediv__(self, factor: int | float | Fraction) -> Root:
        return self * (1 / Fraction(factor))

    def __sub__(self, other: Root | Fraction | float) -> float:
        return float(self) - float(other)

    def __rsub__(self, other: Fraction | float) -> float:
        return float(other) - float(self)

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)

    def __str__(self) -> str:
        return f"√({self.square})" if self.rational is None else str(self.rational)

    __repr__ = __str__

    @property
    def rational(self) -> Fraction | None:
        """The root itself if it is rational."""
        found = root_down(self.square)
        return found if found * found == self.square else None


Level: TypeAlias = Fraction | Root
"""A height in output units: a root in L2, else a fraction."""


def _square(x: object) -> Fraction | float | None:
    """x |x|, by which real numbers are ordered as by x; None if x is no real number."""
    match x:
        case Root():
            return x.square
        case float() if not math.isfinite(x):
            return x
        case int() | Fraction() | float():
            x = Fraction(x)
            return x * abs(x)
        case _:
            return None


def root_down(x: Fraction, bits: int = BITS) -> Fraction:
    """sqrt(x) rounded down, to ``bits`` binary digits; exact for squares of rationals."""
    n = x.numerator * x.denominator
    root = isqrt(n)
    if root * root == n:
        return Fraction(root, x.denominator)
    return Fraction(isqrt(n << 2 * bits), x.denominator << bits)


def root_up(x: Fraction, bits: int = BITS) -> Fraction:
    """sqrt(x) rounded up; exact for squares of rationals."""
    low = root_down(x, bits)
    return low if low * low == x else low + Fraction(1, x.denominator << bits)
