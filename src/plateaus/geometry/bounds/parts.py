"""Straight parts of a segment on their way through a piecewise-linear network, in float64.

On each part every unit carries its value at the left end, a bound on the rounding error of that
value, and an interval for its slope. Sums of products are rounded outwards by Higham's bound,
underflow by ``TINY``, lengths after scaling, norms of matrices by ``singular``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plateaus.errors import NotPiecewiseLinear
from plateaus.geometry.bounds.interval import TINY, UNIT
from plateaus.geometry.bounds.program import Branch, Linear, Pointwise, Program
from plateaus.geometry.bounds.singular import frobenius, spectral


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Many parts at once: value at the left end with its error, slope with its half-width; each
    ``(parts, width)``.
    """

    value: np.ndarray
    error: np.ndarray
    slope: np.ndarray
    spread: np.ndarray
    error_ball: np.ndarray
    """Euclidean bound of the whole error vector, ``(parts, 1)``: absolute values of weights alone
    would let the bound grow far faster with depth than errors can."""
    spread_ball: np.ndarray


@dataclass(frozen=True)
class Layer:
    """One affine step: weight ``(out, in)`` and bias in float64, rounded from rationals or not."""

    weight: np.ndarray
    bias: np.ndarray

    @cached_property
    def size(self) -> np.ndarray:
        return np.abs(self.weight).T

    @cached_property
    def norm(self) -> float:
        """At least the spectral norm, also of the rationals that the weights were rounded from."""
        scale = float(self.size.max(initial=0)) or 1.0
        rounded = 2 * UNIT * frobenius(self.weight / scale) * scale + TINY
        return (spectral(self.weight) + rounded) * (1 + 4 * UNIT)


def enter(a: np.ndarray, b: np.ndarray, left: np.ndarray) -> Bundle:
    """The parts of the segment from a to b that begin at ``left``, entering a network."""
    direction = np.broadcast_to(b - a, (len(left), len(a)))
    size = np.abs(a) + np.abs(b)
    value = a + left[:, None] * direction
    return _bundle(value, 8 * UNIT * size + TINY, direction, 4 * UNIT * size + TINY)


def _bundle(value, error, slope, spread, error_ball=np.inf, spread_ball=np.inf) -> Bundle:
    """Component-wise and Euclidean bounds, each improved by the other."""
    up = 1 + 16 * UNIT  # the bounds themselves were added up in floats
    balls = [
        np.minimum(ball, length(np.broadcast_to(parts, value.shape))) * up
        for ball, parts in ((error_ball, error), (spread_ball, spread))
    ]
    return Bundle(
        value=value,
        error=np.minimum(error * up, balls[0]),
        slope=slope,
        spread=np.minimum(spread * up, balls[1]),
        error_ball=balls[0],
        spread_ball=balls[1],
    )


def still(x: np.ndarray, error: np.ndarray) -> Bundle:
    """Parts of no length: the points themselves, each known up to ``error``."""
    return _bundle(x, error, 0 * x, 0 * x)


def layers(steps: Program) -> Iterator[Layer | None | tuple]:
    """Affine steps as layers, ReLUs as None, residual branches as tuples of these.

    Raises:
        NotPiecewiseLinear: another kind of step.
        OverflowError: a rational weight beyond the largest float.
    """
    for step in steps:
        match step:
            case Linear(weight=weight, bias=bias):
                yield Layer(weight.astype(float), bias.astype(float))
            case Pointwise(kind="relu"):
                yield None
            case Branch():
                yield tuple(layers(step.steps))
            case _:
                raise NotPiecewiseLinear(
                    f"A step of kind {type(step).__name__} is not piecewise linear, so its merge "
                    "heights have no such bounds: use a sampled slice with a Lipschitz bound."
                )


def run(steps: tuple, x: Bundle, width: np.ndarray) -> Bundle:
    """The parts behind the steps; each part is as long as its ``width``."""
    for step in steps:
        if step is None:
            x = _relu(x, width)
        elif isinstance(step, Layer):
            x = _affine(step, x)
        else:
            y = run(step, x, width)
            value, slope = x.value + y.value, x.slope + y.slope
            sums = 2 * UNIT * np.abs(value), 2 * UNIT * np.abs(slope)
            x = _bundle(
                value,
                x.error + y.error + sums[0],
                slope,
                x.spread + y.spread + sums[1],
                x.error_ball + y.error_ball + length(sums[0]),
                x.spread_ball + y.spread_ball + length(sums[1]),
            )
    return x


def _affine(layer: Layer, x: Bundle) -> Bundle:
    # A sum of n products, in any order, is off by at most (n + 2) UNIT times the sum of their sizes
    # (one more for weights that are not floats); doubled for the rounding of these bounds
    # themselves.
    gamma = 2 * (layer.weight.shape[1] + 4) * UNIT
    value, slope = np.abs(x.value), np.abs(x.slope)
    sums = (
        gamma * (value @ layer.size + np.abs(layer.bias)) + _underflow(value),
        gamma * (slope @ layer.size) + _underflow(slope),
    )
    return _bundle(
        x.value @ layer.weight.T + layer.bias,
        (x.error @ layer.size) * (1 + gamma) + sums[0],
        x.slope @ layer.weight.T,
        (x.spread @ layer.size) * (1 + gamma) + sums[1],
        layer.norm * x.error_ball + length(sums[0]),
        layer.norm * x.spread_ball + length(sums[1]),
    )


def _underflow(size: np.ndarray) -> np.ndarray:
    """What products and weights below the smallest float can have lost in a sum, ``(parts, 1)``."""
    return TINY * (1 + size.sum(1, keepdims=True))


def _relu(x: Bundle, width: np.ndarray) -> Bundle:
    end = x.value + x.slope * width[:, None]
    rounding = 4 * UNIT * (np.abs(x.value) + np.abs(end)) + TINY
    doubt = (x.error + x.spread * width[:, None] + rounding) * (1 + 8 * UNIT)
    open_, shut = np.minimum(x.value, end) > doubt, np.maximum(x.value, end) < -doubt
    low, high = np.minimum(x.slope - x.spread, 0), np.maximum(x.slope + x.spread, 0)
    middle, spread = (low + high) / 2, (high - low) / 2 * (1 + 4 * UNIT)
    slope = np.where(open_, x.slope, np.where(shut, 0, middle))
    spread = np.where(open_, x.spread, np.where(shut, 0, spread + 4 * UNIT * np.abs(middle) + TINY))
    # A doubtful gate lets the known slope through or not: its half-width is extra, beside what came
    # in.
    extra = np.where(open_ | shut, 0, np.abs(x.slope))
    return _bundle(
        np.where(shut, 0, np.maximum(x.value, 0)),
        np.where(shut, 0, x.error),
        slope,
        spread,
        x.error_ball,
        x.spread_ball + length(extra),
    )


def length(y: np.ndarray) -> np.ndarray:
    """Euclidean length of each row, rounded up, ``(parts, 1)``; squares neither vanish nor
    overflow.
    """
    largest = np.abs(y).max(axis=1, keepdims=True)
    scaled = y / np.where(largest > 0, largest, 1)
    length = largest * np.sqrt((scaled * scaled).sum(axis=1, keepdims=True))
    return length * (1 + (y.shape[1] + 16) * UNIT) + TINY
