"""Activation functions with what bounds need to know: range and slopes on an interval, and lines
around the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from plateaus.errors import NotCertifiable
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
    """sigma, its first two derivatives, and where each of the three turns around."""

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    curve: Callable[[np.ndarray], np.ndarray]
    """The second derivative."""
    turns: tuple[float, ...]
    """Where the slope is 0: the value is monotone between these."""
    bends: tuple[float, ...]
    """Where the curvature is 0: the slope is monotone between these."""
    twists: tuple[float, ...]
    """Where the third derivative is 0: the curvature is monotone between these."""
    lipschitz: float
    """An upper bound of the absolute slope, rounded up."""


def _normal_density(z: np.ndarray) -> np.ndarray:
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


def _silu_curve(z: np.ndarray) -> np.ndarray:
    gate = expit(z) * expit(-z)
    return gate * (2 + z * (expit(-z) - expit(z)))


def _sech_squared(u: np.ndarray) -> np.ndarray:
    return 1 / np.cosh(np.clip(u, -300, 300)) ** 2


def _tanh_gate(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u(z), u'(z) and u''(z) of GELU's tanh approximation z (1 + tanh u(z)) / 2.

    Beyond 30 the gate is 0 or 1 to more digits than floats have.
    """
    z, scale = np.clip(z, -30, 30), np.sqrt(2 / np.pi)
    return (
        scale * (z + 0.044715 * z * z * z),
        scale * (1 + 0.134145 * z * z),
        scale * 0.26829 * z,
    )


def _tanh_gelu(z: np.ndarray) -> np.ndarray:
    # (1 + tanh u) / 2 = expit(2 u), without cancellation where u is very negative.
    return z * expit(2 * _tanh_gate(z)[0])


def _tanh_gelu_slope(z: np.ndarray) -> np.ndarray:
    u, first, _ = _tanh_gate(z)
    return expit(2 * u) + z * _sech_squared(u) * first / 2


def _tanh_gelu_curve(z: np.ndarray) -> np.ndarray:
    u, first, second = _tanh_gate(z)
    return _sech_squared(u) * (first + z * (second / 2 - np.tanh(u) * first**2))


FUNCTIONS = {
    # GELU's curvature is density(z) (2 - z^2): the slope is largest at sqrt 2, Phi(sqrt 2) +
    # sqrt 2 density(sqrt 2) = 1.128904...
    "gelu": Function(
        value=lambda z: z * ndtr(z),
        slope=lambda z: ndtr(z) + z * _normal_density(z),
        curve=lambda z: _normal_density(z) * (2 - z * z),
        turns=(-0.7517915246935645,),
        bends=(-np.sqrt(2), np.sqrt(2)),
        twists=(-2.0, 0.0, 2.0),
        lipschitz=1.12891,
    ),
    # "gelu_new"; its places, and those of SiLU, are computed again to 30 digits in the tests.
    "gelu_tanh": Function(
        value=_tanh_gelu,
        slope=_tanh_gelu_slope,
        curve=_tanh_gelu_curve,
        turns=(-0.7524614220710162,),
        bends=(-1.4185040087908284, 1.4185040087908284),
        twists=(-2.013480724624258, 0.0, 2.013480724624258),
        lipschitz=1.129,
    ),
    "silu": Function(
        value=lambda z: z * expit(z),
        slope=lambda z: expit(z) * (1 + z * expit(-z)),
        curve=_silu_curve,
        turns=(-1.2784645427610738,),
        bends=(-2.3993572805154677, 2.3993572805154677),
        twists=(-3.435840993535111, 0.0, 3.435840993535111),
        lipschitz=1.09985,
    ),
    "tanh": Function(
        value=np.tanh,
        slope=_sech_squared,
        curve=lambda z: -2 * np.tanh(z) * _sech_squared(z),
        turns=(),
        bends=(0.0,),
        twists=(-0.6584789484624084, 0.6584789484624084),
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


def curves(kind: str, box: Box) -> Box:
    """The range of the second derivative on each interval; a kink has none.

    Raises:
        NotCertifiable: ReLU.
    """
    if kind == "relu":
        raise NotCertifiable(
            "A ReLU has no second derivative to bound: use exact or bounded geometry instead."
        )
    return _extremes(FUNCTIONS[kind].curve, FUNCTIONS[kind].twists, box)


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
