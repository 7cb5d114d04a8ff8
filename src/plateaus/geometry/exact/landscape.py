"""A landscape to look at: wells of designed place, depth and shape, as an exact ReLU network."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from plateaus.geometry.exact.program import (
    ExactNetwork,
    Point,
    Rational,
    Step,
    absolute,
    affine,
    hinges,
    point,
)

WELLS = (
    # centre (x, y), floor, steepness along x and y
    ("-1", "-1", "0", "1", "1"),
    ("7/8", "3/4", "0", "1", "9/10"),
    ("-1", "7/8", "1/4", "1", "5/6"),
    ("1/4", "-5/4", "1/5", "1", "5/4"),
    ("5/4", "-5/4", "3/8", "6/5", "1"),
)
"""The first two wells have the same floor: their lowest points have the same output."""


def landscape(wells: Sequence[Sequence[Rational]] = WELLS) -> ExactNetwork:
    """f(x) = min over wells of (floor + octagonal cone): R^2 -> R, f >= 0 if no floor is
    negative.
    """
    wells = [point(well) for well in wells]
    return ExactNetwork.of(*_cones(wells), *_minimum(len(wells)), inputs=2, name="landscape")


def random_wells(seed: int, *, count: int = 5) -> list[Point]:
    """Wells on a grid of eighths in the square [-2, 2]^2; the first has floor 0. Rich in
    barriers.
    """
    random = Random(seed)
    wells = []
    for k in range(count):
        x, y = (Fraction(random.randint(-14, 14), 8) for _ in range(2))
        steepness = (Fraction(random.randint(6, 12), 8) for _ in range(2))
        wells.append((x, y, Fraction(random.randint(0, 3), 8) if k else Fraction(0), *steepness))
    return wells


def centres() -> tuple[Point, ...]:
    """Where the wells are, in the order of ``WELLS``."""
    return tuple(point(well[:2]) for well in WELLS)


def _cones(wells: list[Point]) -> tuple[Step, ...]:
    """One output for each well: floor + (|u| + |v|) / 2 + (|u + v| + |u - v|) / 4, with u, v scaled
    offsets.
    """
    rows, shifts, weights = [], [], []
    for k, (x, y, _, p, q) in enumerate(wells):
        for u, v, weight in ((p, 0, 2), (0, q, 2), (p, q, 1), (p, -q, 1)):
            rows.append((u, v))
            shifts.append(-u * x - v * y)
            weights.append([Fraction(weight, 4) if j == k else 0 for j in range(len(wells))])
    mix = list(zip(*weights, strict=True))
    return (
        affine(rows, shifts),
        *absolute(len(rows)),
        affine(mix, [floor for _, _, floor, _, _ in wells]),
    )


def _minimum(count: int) -> tuple[Step, ...]:
    """min of all coordinates, pair by pair: min(u, v) = v - relu(v - u). They must not be
    negative.
    """
    if count == 1:
        return ()
    eye = [[int(i == j) for j in range(count)] for i in range(count)]
    pairs = [(eye[i], eye[i + 1]) for i in range(0, count - 1, 2)]
    excess = [[q - p for p, q in zip(first, second, strict=True)] for first, second in pairs]
    keep = [second for _, second in pairs] + ([eye[-1]] if count % 2 else [])
    take = [[-int(k == j) for j in range(len(pairs))] + row for k, row in enumerate(keep)]
    return *hinges(excess + eye, [0] * len(excess + eye), take), *_minimum(len(keep))
