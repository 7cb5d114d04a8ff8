"""Activation functions with what bounds need to know: range and slopes on an interval, and lines
around the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from plateaus.geometry.bounds.interval import Box

ULPS = 1e-14
"""How far exp, tanh, ndtr and expit may be off, relative to 1 + |value|. This is assumed of
the libraries, not outward rounding: sampled against 40 digits they are off by less than a tenth of
it. Everything else in ``bounds`` is rounded outwards.
"""
GRID = 65
"""Points at which the graph of a smooth function is compared with a line; the slope bounds the
rest.
"""


@dataclass(frozen=True, kw_only=True)
class Function:
    """sigma, its derivative, and where either turns around."""

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    turns: tuple[float, ...]
    """Where sigma' = 0."""
    bends: tuple[float, ...]
    """Where sigma'' = 0: the slope is monotone between these."""
    lipschitz: float
    """An upper bound of |sigma'|, rounded up."""


def _normal_density(z: np.ndarray) -> np.ndarray:
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


FUNCTIONS = {
    # GELU'' = density(z) (2 - z^2): the slope is largest at sqrt 2, Phi(sqrt 2) + sqrt 2
    # density(sqrt 2) = 1.128904...
    "gelu": Function(
        value=lambda z: z * ndtr(z),
        slope=lambda z: ndtr(z) + z * _normal_density(z),
        turns=(-0.7517915246935645,),
        bends=(-np.sqrt(2), np.sqrt(2)),
        lipschitz=1.12891,
    ),
    "silu": Function(
        value=lambda z: z * expit(z),
        slope=lambda z: expit(z) * (1 + z * expit(-z)),
        turns=(-1.2784645427610738,),
        bends=(-2.3993572805154677, 2.3993572805154677),
        lipschitz=1.09985,
    ),
    "tanh": Function(
        value=np.tanh,
        slope=lambda z: 1 / np.cosh(np.clip(z, -300, 300)) ** 2,
        turns=(),
        bends=(0.0,),
        lipschitz=1.0,
    ),
}


def constant(kind: str) -> float | int:
    """A Lipschitz constant."""
    return 1 if kind == "relu" else FUNCTIONS[kind].lipschitz


def image(kind: str, box: Box) -> Box:
    """The range of the function on each interval."""
    if kind == "relu":
        return Box(low=np.maximum(box.low, 0), high=np.maximum(box.high, 0))
    return _extremes(FUNCTIONS[kind].value, FUNCTIONS[kind].turns, box)


def slopes(kind: str, box: Box) -> Box:
    """The range of the derivative on each interval: for ReLU the gates {0}, [0, 1] and {1}."""
    if kind == "relu":
        # 0 * x keeps the arithmetic of the box: fractions stay fractions.
        zero = 0 * box.low
        return Box(low=zero + ((box.low >= 0) & (box.high > 0)), high=zero + (box.high > 0))
    return _extremes(FUNCTIONS[kind].slope, FUNCTIONS[kind].bends, box)


def _extremes(function: Callable, inner: tuple[float, ...], box: Box) -> Box:
    values = [function(box.low), function(box.high)]
    for z in inner:
        inside = (box.low <= z) & (z <= box.high)
        values.append(np.where(inside, function(np.float64(z)), values[0]))
    low, high = np.minimum.reduce(values), np.maximum.reduce(values)
    return Box(low=low - ULPS * (1 + abs(low)), high=high + ULPS * (1 + abs(high)))


@dataclass(frozen=True, kw_only=True)
class Lines:
    """low_slope z + low_offset <= sigma(z) <= high_slope z + high_offset on an interval; each
    ``(n,)``.
    """

    low_slope: np.ndarray
    low_offset: np.ndarray
    high_slope: np.ndarray
    high_offset: np.ndarray


def lines(kind: str, box: Box) -> Lines:
    """Lines below and above the graph on each interval."""
    return _relu_lines(box) if kind == "relu" else _chords(kind, box)


def _relu_lines(box: Box) -> Lines:
    """Above: the chord. Below: 0 or the identity, whichever leaves the smaller triangle."""
    low, high, zero = box.low, box.high, 0 * box.low
    on, crosses = low >= 0, (low < 0) & (high > 0)
    width = np.where(crosses, high - low, zero + 1)
    chord = np.where(crosses, high / width, zero + on)
    # Computed from the slope actually used, so that a rounded chord still passes above both ends.
    offset = np.where(crosses, np.maximum(-chord * low, high - chord * high), zero)
    if offset.dtype != object:
        offset = np.where(crosses, offset + 8 * 2.0**-53 * (abs(low) + abs(high)), offset)
    below = np.where(crosses, zero + (high > -low), zero + on)
    return Lines(low_slope=below, low_offset=zero, high_slope=chord, high_offset=offset)


def _chords(kind: str, box: Box) -> Lines:
    """Parallel to the chord, shifted until no point of the graph can lie outside."""
    function, width = FUNCTIONS[kind], box.high - box.low
    ends = function.value(np.stack([box.low, box.high]))
    middle = function.slope((box.low + box.high) / 2)
    chord = np.where(width > 1e-9, (ends[1] - ends[0]) / np.where(width > 1e-9, width, 1.0), middle)
    grid = box.low + np.linspace(0, 1, GRID)[:, None] * width
    gap = function.value(grid) - chord * grid
    # Between two grid points, half a step away at most, the gap changes with |sigma' - chord|.
    steep = slopes(kind, box)
    missed = np.maximum(abs(steep.low - chord), abs(steep.high - chord)) * width / (2 * (GRID - 1))
    missed = missed + 10 * ULPS * (1 + box.reach)
    return Lines(
        low_slope=chord,
        low_offset=gap.min(0) - missed,
        high_slope=chord,
        high_offset=gap.max(0) + missed,
    )
