"""Networks whose merge height is known by proof: what a path search must find, and what it must
not.
"""

from __future__ import annotations

from fractions import Fraction

from plateaus.geometry.exact.program import ExactNetwork, Point, ReLU, absolute, affine

STEEP = 2


def gate(d: int) -> ExactNetwork:
    """relu(mean_i |x_i - c_i| - 2 |x_0|), i = 1 ... d - 1: a wall across x_0 = 0, open at one
    point, x = (0, c).

    The wall's foot is h = 0. Any path from x_0 < -1 to x_0 > 1 near the axis crosses x_0 = 0, where
    h is the mean distance from c in each coordinate; a path through (0, c) stays at 0, so m = 0. On
    the axis h is the mean of |c_i|.
    """
    middle = gate_at(d)[1:]
    eye = [[int(i == j) for j in range(d)] for i in range(d)]
    shift = affine(eye, [0, *(-c for c in middle)])
    wall = affine([[-STEEP] + [Fraction(1, d - 1)] * (d - 1)], [0])
    return ExactNetwork.of(
        shift, *absolute(d), wall, ReLU(), inputs=d, name=f"gate in {d} dimensions"
    )


def gate_at(d: int) -> Point:
    """(0, c): where the wall is open. |c_i| runs through 1/4 ... 1 with changing signs."""
    return (Fraction(0), *(Fraction((-1) ** i * (2 + 3 * i % 7), 8) for i in range(1, d)))


def wall(d: int) -> ExactNetwork:
    """relu(1 - |x_0|) on R^d: a wall without a gate, so m = 1 between its two sides."""
    row = [[1] + [0] * (d - 1)]
    return ExactNetwork.of(
        affine(row),
        *absolute(1),
        affine([[-1]], [1]),
        ReLU(),
        inputs=d,
        name=f"wall in {d} dimensions",
    )
