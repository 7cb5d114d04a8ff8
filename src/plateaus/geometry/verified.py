"""Merge heights on a segment in float64 with proven bounds, for networks too large for rationals.

A segment is cut where that can matter. On each part every unit carries its value at the left end, a
bound on the rounding error of that value, and an interval for its slope; a gate whose sign is
certain on the whole part passes or blocks that interval, any other gate widens it to hold zero as
well. Heights at ends bound m_seg from below; on a part whose gates are all certain the output is a
straight line, and the bound from above is as sharp as the one from below. Parts that cannot hold
the maximum are dropped.

All bounds are rounded outwards: sums of products by Higham's bound, underflow by ``TINY``, lengths
after scaling, and norms of matrices by ``bounds.singular``. What overflows is undecided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from plateaus.errors import BadPath, BadPoints, Undecided
from plateaus.geometry.bounds.interval import TINY, UNIT
from plateaus.geometry.bounds.parts import enter, layers, length, run
from plateaus.geometry.bounds.program import program
from plateaus.geometry.checks import not_negative, whole
from plateaus.geometry.exact.norms import level, norm
from plateaus.geometry.exact.program import ExactNetwork, Rational, point
from plateaus.geometry.exact.roots import Level
from plateaus.networks.network import Network


@dataclass(frozen=True, kw_only=True)
class MergeBounds:
    """lower <= m_seg(a, b) <= upper, in output units."""

    lower: float
    upper: float
    parts: int
    """Parts of the segment that were examined."""

    def contains(self, r: Rational | Level) -> bool:
        """Whether b lies in the plateau of radius r of a on the segment.

        Raises:
            Undecided: r lies between the bounds.
        """
        r = level(r)
        if not Fraction(self.lower) < r <= Fraction(self.upper):
            return self.upper < r
        raise Undecided(
            f"The merge height lies between {self.lower:.9g} and {self.upper:.9g}, and the radius "
            f"{float(r):.9g} between them: lower the tolerance, raise the budget, or use exact "
            "arithmetic."
        )


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
        NotPiecewiseLinear: a block is not made of Linear, ReLU, identity and residual steps.
        BadParameter: unknown metric.
        Undecided: a value overflows, or is too large for float64 from the start.
    """
    order = {"l1": 1, "l2": 2, "linf": np.inf}[norm(metric).name]
    inputs = network.dims[0]
    a, b = point(a), point(b)
    if not len(a) == len(b) == inputs:
        raise BadPoints(
            f"{network.name} takes points of dimension {inputs}, got ends of {len(a)} and {len(b)} "
            "coordinates."
        )
    tolerance = not_negative(tolerance, "The tolerance of bounds")
    budget = whole(budget, "The budget of parts", least=1)
    if a == b:
        raise BadPath("A segment was given two identical end points: a and b must differ.")
    try:
        steps = tuple(layers(program(network)))
        a, b = (np.array([float(v) for v in x]) for x in (a, b))
        with np.errstate(over="ignore", invalid="ignore"):
            return _bounds(steps, a, b, order, tolerance, budget)
    except OverflowError:
        raise Undecided(
            "A value on the segment is too large for float64, so its merge height has no bounds "
            "there: use exact arithmetic."
        ) from None


def _bounds(steps, a, b, order: float, tolerance: float, budget: int) -> MergeBounds:
    left, width = np.linspace(0, 1, 65)[:-1], np.full(64, 1 / 64)
    centre = run(steps, enter(a, b, np.zeros(1)), np.zeros(1))
    lower, settled, examined = 0.0, 0.0, 0
    while True:
        out = run(steps, enter(a, b, left), width)
        examined += len(left)
        start, error = out.value - centre.value, out.error + centre.error + UNIT * np.abs(out.value)
        end = start + out.slope * width[:, None]
        rounding = error + 4 * UNIT * (np.abs(start) + np.abs(end)) + TINY
        slack = rounding + out.spread * width[:, None]
        heights = np.maximum(_norm(start, order), _norm(end, order))
        inexact = 64 * UNIT * (out.value.shape[1] + 4)
        ceiling = (heights + _norm(slack, order)) * (1 + inexact)
        # Both ends of the line are values of f up to ``slack``, so heights minus slack are
        # attained.
        floor = float((heights * (1 - inexact) - 2 * _norm(slack, order)).max())
        if not (np.isfinite(ceiling).all() and np.isfinite(floor)):
            raise OverflowError
        lower = max(lower, floor)
        top = max(settled, float(ceiling.max()))
        # Where rounding is all that is left, smaller parts would know no more.
        open_ = _norm(out.spread * width[:, None], order) > _norm(rounding, order)
        keep = (ceiling > lower + tolerance * top) & open_
        settled = max(settled, float(ceiling[~keep].max(initial=0.0)))
        if not keep.any() or examined >= budget or width.min() < 2.0**-45:
            return MergeBounds(lower=max(lower, 0.0), upper=top, parts=examined)
        half = width[keep] / 2
        left, width = np.concatenate([left[keep], left[keep] + half]), np.concatenate([half, half])


def _norm(y: np.ndarray, order: float) -> np.ndarray:
    """Within a factor 1 + (width + 16) UNIT."""
    return length(y)[:, 0] if order == 2 else np.linalg.norm(y, ord=order, axis=1)
