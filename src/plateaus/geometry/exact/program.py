"""Piecewise-linear networks over the rationals: programs of affine, ReLU and residual-add steps.

A float is a rational number, so a trained ReLU network is such a program too (``convert.py``), and
everything computed from it here is exact: no tolerance, no rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import TypeAlias

import numpy as np

from plateaus.errors import BadPoints

Rational: TypeAlias = int | float | str | Fraction
Point: TypeAlias = tuple[Fraction, ...]


def point(values: Iterable[Rational]) -> Point:
    """Rational coordinates from integers, fractions, strings like "1/3" or (exactly) floats.

    Raises:
        BadPoints: a coordinate is NaN, infinite or no number.
    """
    try:
        return tuple(Fraction(v) for v in values)
    except (ValueError, OverflowError, TypeError) as error:
        raise BadPoints(
            f"An exact point needs finite rational coordinates, got {values!r}: give integers, "
            "fractions or floats."
        ) from error


@dataclass(frozen=True, kw_only=True)
class Affine:
    """x -> weight x + bias."""

    weight: tuple[Point, ...]
    bias: Point

    def __call__(self, x: Point) -> Point:
        return tuple(
            sum((w * v for w, v in zip(row, x, strict=True)), b)
            for row, b in zip(self.weight, self.bias, strict=True)
        )

    @cached_property
    def integers(self) -> tuple[np.ndarray, np.ndarray, int]:
        """(W, b, D) of Python integers with weight = W / D and bias = b / D: what slices compute
        with.
        """
        common = lcm(*(v.denominator for row in (*self.weight, self.bias) for v in row))
        weight = np.array([[int(v * common) for v in row] for row in self.weight], dtype=object)
        return weight, np.array([int(v * common) for v in self.bias], dtype=object), common


@dataclass(frozen=True, kw_only=True)
class ReLU:
    """x -> max(x, 0) in every coordinate."""

    def __call__(self, x: Point) -> Point:
        return tuple(max(v, Fraction(0)) for v in x)


@dataclass(frozen=True, kw_only=True)
class Residual:
    """x -> x + branch(x)."""

    branch: tuple[Step, ...]

    def __call__(self, x: Point) -> Point:
        return tuple(u + v for u, v in zip(x, run(self.branch, x), strict=True))


Step: TypeAlias = Affine | ReLU | Residual


def run(steps: Sequence[Step], x: Point) -> Point:
    """One step after the other."""
    for step in steps:
        x = step(x)
    return x


def affine(weight: Sequence[Sequence[Rational]], bias: Sequence[Rational] | None = None) -> Affine:
    """An affine step from nested lists; no bias means zero.

    Raises:
        BadPoints: rows of different lengths, or a bias of another length than there are rows.
    """
    rows = tuple(point(row) for row in weight)
    shift = point([0] * len(rows) if bias is None else bias)
    if not rows or len({len(row) for row in rows}) != 1 or len(shift) != len(rows):
        raise BadPoints(
            f"An affine step has rows of one length and as many biases, got {len(rows)} rows of "
            f"lengths {sorted({len(row) for row in rows})} and {len(shift)} biases."
        )
    return Affine(weight=rows, bias=shift)


def hinges(
    inner: Sequence[Sequence[Rational]],
    shift: Sequence[Rational],
    outer: Sequence[Sequence[Rational]],
    offset: Sequence[Rational] | None = None,
) -> tuple[Step, ...]:
    """outer relu(inner x + shift) + offset: one hidden layer, the usual way to write abs, max and
    clamp.
    """
    return affine(inner, shift), ReLU(), affine(outer, offset)


def absolute(width: int) -> tuple[Step, ...]:
    """|x| = relu(x) + relu(-x) in every coordinate."""
    eye = [[int(i == j) for j in range(width)] for i in range(width)]
    minus = [[-v for v in row] for row in eye]
    return hinges(eye + minus, [0] * 2 * width, [row + row for row in eye])


def clamp(low: Rational = 0, high: Rational = 1) -> tuple[Step, ...]:
    """min(max(x, low), high) = low + relu(x - low) - relu(x - high) of one coordinate."""
    low, high = Fraction(low), Fraction(high)
    return hinges([[1], [1]], [-low, -high], [[1, -1]], [low])


@dataclass(frozen=True, kw_only=True)
class ExactNetwork:
    """f = g_{n-1} o ... o g_0 over the rationals; each block g_i is a sequence of steps."""

    blocks: tuple[tuple[Step, ...], ...]
    inputs: int
    """d, the dimension of x_0."""
    name: str = "exact network"

    @classmethod
    def of(cls, *steps: Step, inputs: int, name: str = "exact network") -> ExactNetwork:
        """A network whose steps form one block."""
        return cls(blocks=(tuple(steps),), inputs=inputs, name=name)

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, index: slice) -> ExactNetwork:
        """Blocks s ... t-1, again a network, as ``Network.__getitem__``."""
        if not isinstance(index, slice):
            raise TypeError(
                f"a network is sliced as net[s:t], not indexed by {index!r}; block i alone is "
                "net[i:i + 1]"
            )
        s, t, step = index.indices(len(self))
        if step != 1 or t < s:
            raise TypeError(
                f"a slice of a network runs forwards block by block, not {s}:{t}:{step}"
            )
        return ExactNetwork(
            blocks=self.blocks[s:t], inputs=self.dims[s], name=f"{self.name}[{s}:{t}]"
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in order."""
        return tuple(step for block in self.blocks for step in block)

    @cached_property
    def dims(self) -> tuple[int, ...]:
        """Dimensions of x_0 ... x_n."""
        found = [self.inputs]
        for block in self.blocks:
            width = found[-1]
            for step in block:
                width = len(step.bias) if isinstance(step, Affine) else width
            found.append(width)
        return tuple(found)

    def __call__(self, x: Iterable[Rational]) -> Point:
        """f(x), exactly.

        Raises:
            BadPoints: wrong dimension, or a coordinate that is not a finite number.
        """
        return self.trace(x)[-1]

    def check(self, x: Iterable[Rational]) -> Point:
        """x as a rational point of the input space.

        Raises:
            BadPoints: wrong dimension, or a coordinate that is not a finite number.
        """
        x = point(x)
        if len(x) != self.inputs:
            raise BadPoints(
                f"{self.name} takes points of dimension {self.inputs}, got {len(x)} coordinates."
            )
        return x

    def trace(self, x: Iterable[Rational]) -> list[Point]:
        """[x_0, ..., x_n], exactly."""
        states = [self.check(x)]
        for block in self.blocks:
            states.append(run(block, states[-1]))
        return states
