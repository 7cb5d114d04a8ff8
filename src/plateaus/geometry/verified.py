"""Merge heights on a segment in float64 with proven bounds, for networks too large for rationals.

A segment is cut where that can matter. On each part every unit carries its value at the left end, a
bound on the rounding error of that value, and an interval for its slope; a gate whose sign is
certain on the whole part passes or blocks that interval, any other gate widens it to hold zero as
well. Heights at ends bound m_seg from below; on a part whose gates are all certain the output is a
straight line, and the bound from above is as sharp as the one from below. Parts that cannot hold
the maximum are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from plateaus.errors import BadPath, Undecided
from plateaus.geometry.exact.convert import exact
from plateaus.geometry.exact.norms import norm, radius
from plateaus.geometry.exact.program import Affine, ExactNetwork, Rational, ReLU, Step, point
from plateaus.networks.network import Network

UNIT = 2.0**-53
"""Largest relative error of one float64 operation."""


@dataclass(frozen=True, kw_only=True)
class MergeBounds:
    """lower <= m_seg(a, b) <= upper, in output units."""

    lower: float
    upper: float
    parts: int
    """Parts of the segment that were examined."""

    def contains(self, r: Rational) -> bool:
        """Whether b lies in the plateau of radius r of a on the segment.

        Raises:
            Undecided: r lies between the bounds.
        """
        r = float(radius(r))
        if not self.lower < r <= self.upper:
            return self.upper < r
        raise Undecided(
            f"The merge height lies between {self.lower:.9g} and {self.upper:.9g}, and the radius {r:.9g} between them: "
            "lower the tolerance, raise the budget, or use exact arithmetic."
        )


@dataclass(frozen=True, kw_only=True)
class _Bundle:
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


def merge_bounds(
    network: Network | ExactNetwork,
    a: Iterable[Rational],
    b: Iterable[Rational],
    *,
    metric: str = "l2",
    tolerance: float = 1e-9,
    budget: int = 100_000,
) -> MergeBounds:
    """Bounds of m_seg(a, b) for a piecewise-linear network.

    Args:
        tolerance: stop when the bounds are this close, relative to the upper one.
        budget: stop after about this many parts, with whatever is then known.

    Raises:
        BadPath: identical end points.
        NotPiecewiseLinear: see ``exact``.
        BadParameter: unknown metric.
    """
    net = network if isinstance(network, ExactNetwork) else exact(network)
    a, b = (np.array([float(v) for v in point(x)]) for x in (a, b))
    if (a == b).all():
        raise BadPath("A segment was given two identical end points: a and b must differ.")
    order, steps = {"l1": 1, "l2": 2, "linf": np.inf}[norm(metric).name], _float_steps(net.steps)
    left, width = np.linspace(0, 1, 65)[:-1], np.full(64, 1 / 64)
    centre = _run(steps, _enter(a, b, np.zeros(1), np.zeros(1)), np.zeros(1))
    lower, settled, examined = 0.0, 0.0, 0
    while True:
        out = _run(steps, _enter(a, b, left, width), width)
        examined += len(left)
        start, error = out.value - centre.value, out.error + centre.error + UNIT * np.abs(out.value)
        end = start + out.slope * width[:, None]
        rounding = error + 4 * UNIT * (np.abs(start) + np.abs(end))
        slack = rounding + out.spread * width[:, None]
        heights = np.maximum(_norm(start, order), _norm(end, order))
        ceiling = (heights + _norm(slack, order)) * (1 + 64 * UNIT * out.value.shape[1])
        # Both ends of the line are values of f up to ``slack``, so heights minus slack are
        # attained.
        lower = max(lower, float((heights - 2 * _norm(slack, order)).max()))
        top = max(settled, float(ceiling.max()))
        # Where rounding is all that is left, smaller parts would know no more.
        open_ = _norm(out.spread * width[:, None], order) > _norm(rounding, order)
        keep = (ceiling > lower + tolerance * top) & open_
        settled = max(settled, float(ceiling[~keep].max(initial=0.0)))
        if not keep.any() or examined >= budget or width.min() < 2.0**-45:
            return MergeBounds(lower=max(lower, 0.0), upper=top, parts=examined)
        half = width[keep] / 2
        left, width = np.concatenate([left[keep], left[keep] + half]), np.concatenate([half, half])


def _enter(a: np.ndarray, b: np.ndarray, left: np.ndarray, width: np.ndarray) -> _Bundle:
    direction = np.broadcast_to(b - a, (len(left), len(a)))
    value = a + left[:, None] * direction
    error = 4 * UNIT * (np.abs(a) + np.abs(left[:, None] * direction))
    return _bundle(value, error, direction, 2 * UNIT * np.abs(direction))


def _bundle(value, error, slope, spread, error_ball=np.inf, spread_ball=np.inf) -> _Bundle:
    """Component-wise and Euclidean bounds, each improved by the other."""
    balls = [
        np.minimum(ball, 1.000001 * np.linalg.norm(parts, axis=1, keepdims=True))
        for ball, parts in ((error_ball, error), (spread_ball, spread))
    ]
    return _Bundle(
        value=value,
        error=np.minimum(error, balls[0]),
        slope=slope,
        spread=np.minimum(spread, balls[1]),
        error_ball=balls[0],
        spread_ball=balls[1],
    )


def _float_steps(steps: Iterable[Step]) -> tuple:
    found = []
    for step in steps:
        match step:
            case Affine():
                found.append(
                    (
                        np.array([[float(v) for v in row] for row in step.weight]),
                        np.array([float(v) for v in step.bias]),
                    )
                )
            case ReLU():
                found.append(None)
            case _:
                found.append(_float_steps(step.branch))
    return tuple(found)


def _run(steps: tuple, x: _Bundle, width: np.ndarray) -> _Bundle:
    for step in steps:
        if step is None:
            x = _relu(x, width)
        elif len(step) == 2 and isinstance(step[0], np.ndarray):
            x = _affine(*step, x)
        else:
            y = _run(step, x, width)
            value, slope = x.value + y.value, x.slope + y.slope
            sums = 2 * UNIT * np.abs(value), 2 * UNIT * np.abs(slope)
            x = _bundle(
                value,
                x.error + y.error + sums[0],
                slope,
                x.spread + y.spread + sums[1],
                x.error_ball + y.error_ball + _length(sums[0]),
                x.spread_ball + y.spread_ball + _length(sums[1]),
            )
    return x


def _affine(weight: np.ndarray, bias: np.ndarray, x: _Bundle) -> _Bundle:
    # A sum of n products, in any order, is off by at most (n + 2) UNIT times the sum of their sizes
    # (one more for weights that are not floats); doubled for the rounding of these bounds
    # themselves.
    size, gamma = np.abs(weight).T, 2 * (weight.shape[1] + 4) * UNIT
    spectral = np.linalg.norm(weight, 2) * (1 + 1e-9)
    sums = gamma * (np.abs(x.value) @ size + np.abs(bias)), gamma * (np.abs(x.slope) @ size)
    return _bundle(
        x.value @ weight.T + bias,
        (x.error @ size) * (1 + gamma) + sums[0],
        x.slope @ weight.T,
        (x.spread @ size) * (1 + gamma) + sums[1],
        spectral * x.error_ball + _length(sums[0]),
        spectral * x.spread_ball + _length(sums[1]),
    )


def _relu(x: _Bundle, width: np.ndarray) -> _Bundle:
    end = x.value + x.slope * width[:, None]
    doubt = (x.error + x.spread * width[:, None] + 4 * UNIT * (np.abs(x.value) + np.abs(end))) * (
        1 + 8 * UNIT
    )
    open_, shut = np.minimum(x.value, end) > doubt, np.maximum(x.value, end) < -doubt
    low, high = np.minimum(x.slope - x.spread, 0), np.maximum(x.slope + x.spread, 0)
    middle, spread = (low + high) / 2, (high - low) / 2 * (1 + 4 * UNIT)
    slope = np.where(open_, x.slope, np.where(shut, 0, middle))
    spread = np.where(open_, x.spread, np.where(shut, 0, spread + UNIT * np.abs(middle)))
    # A doubtful gate lets the known slope through or not: its half-width is extra, beside what came
    # in.
    extra = np.where(open_ | shut, 0, np.abs(x.slope))
    return _bundle(
        np.where(shut, 0, np.maximum(x.value, 0)),
        np.where(shut, 0, x.error),
        slope,
        spread,
        x.error_ball,
        x.spread_ball + _length(extra),
    )


def _length(y: np.ndarray) -> np.ndarray:
    return np.linalg.norm(y, axis=1, keepdims=True) * 1.000001


def _norm(y: np.ndarray, order: float) -> np.ndarray:
    return np.linalg.norm(y, ord=order, axis=1)
