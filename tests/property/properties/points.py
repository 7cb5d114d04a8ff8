"""Rational points to try."""

from __future__ import annotations

from fractions import Fraction as F
from random import Random

from rich_networks import Case


def some_points(case: Case, count: int = 4) -> list[tuple[F, F]]:
    """Rational points of the window, the same for the same case."""
    rng = Random(repr((case.a, case.b)))
    (x0, y0), (x1, y1) = case.window
    return [
        (x0 + F(rng.randint(0, 64), 64) * (x1 - x0), y0 + F(rng.randint(0, 64), 64) * (y1 - y0))
        for _ in range(count)
    ]
