"""Interval propagation of states and of Jacobians through a program."""

from __future__ import annotations

import numpy as np

from plateaus.errors import NotCertifiable
from plateaus.geometry.bounds.attention import attended
from plateaus.geometry.bounds.functions import image, slopes
from plateaus.geometry.bounds.interval import Box, affine, around, product, slack
from plateaus.geometry.bounds.program import (
    Attend,
    Branch,
    Linear,
    Normalise,
    Pointwise,
    Program,
)


def states(steps: Program, box: Box) -> Box:
    """A box that holds the outputs of all inputs in ``box``: what each step can do, forgetting how
    coordinates move together.
    """
    for step in steps:
        match step:
            case Linear():
                box = affine(step.weight, step.bias, box)
            case Pointwise():
                box = image(step.kind, box)
            case Normalise():
                box = _normalised(step, box)
            case Attend():
                box = attended(step, box)
            case Branch():
                box = box + states(step.steps, box)
    return box


def jacobians(steps: Program, box: Box, rows: Box) -> tuple[Box, Box]:
    """The same together with all Jacobians: f(x) - f(a) = (x - a) M with M in the returned matrix,
    x and a in ``box``.

    Args:
        rows: derivatives of the state that enters, ``(..., k, n)``: one row for each of k
            directions; the identity at the start.
    """
    for step in steps:
        match step:
            case Linear():
                box, rows = affine(step.weight, step.bias, box), affine(step.weight, None, rows)
            case Pointwise():
                rows = product(_row(slopes(step.kind, box)), rows)
                box = image(step.kind, box)
            case Normalise():
                box, rows = _normalised(step, box), _normalised_rows(step, box, rows)
            case Branch():
                inner, update = jacobians(step.steps, box, rows)
                box, rows = box + inner, rows + update
            case _:
                raise NotCertifiable(
                    "Attention has no interval Jacobian here: use method='interval', or certify a "
                    "path with proofs.certify_path."
                )
    return box, rows


def _row(box: Box) -> Box:
    """``(..., n)`` as ``(..., 1, n)``: the same for every direction."""
    return Box(low=box.low[..., None, :], high=box.high[..., None, :])


def identity(width: int, like: np.ndarray) -> Box:
    """The identity matrix in the arithmetic of ``like``."""
    eye = np.eye(width, dtype=int)
    eye = eye.astype(object) if like.dtype == object else eye.astype(float)
    return Box(low=eye, high=eye)


def _whitened(step: Normalise, box: Box) -> tuple[Box, Box]:
    """(x - mean) / s, ``(..., d)``, and 1 / s, ``(..., 1)``."""
    d = len(step.gain)
    centred = affine(np.eye(d) - 1 / d, None, box)
    square = product(centred, centred)
    crosses = (centred.low < 0) & (centred.high > 0)
    least = np.where(crosses, 0.0, np.maximum(square.low, 0))
    low, high = (x.sum(axis=-1, keepdims=True) / d + step.epsilon for x in (least, square.high))
    low, high = low - slack(low, 2 * d), high + slack(high, 2 * d)
    low = np.sqrt(np.maximum(low, step.epsilon * (1 - 1e-15)) * (1 - 1e-15))
    scale = Box(low=1 / np.sqrt(high) * (1 - 1e-15), high=1 / low * (1 + 1e-15))
    most = np.sqrt(d)  # the normalised vector has length at most sqrt d
    return product(centred, scale).meet(-most, most), scale


def _normalised(step: Normalise, box: Box) -> Box:
    unit, _ = _whitened(step, box)
    return product(unit, around(step.gain)) + around(step.shift)


def _normalised_rows(step: Normalise, box: Box, rows: Box) -> Box:
    """Rows times (C - x x^T / d) / s diag(gain), which is symmetric up to the gain."""
    d = len(step.gain)
    unit, scale = _whitened(step, box)
    terms = product(_row(unit), rows)
    error = slack(terms.reach.sum(axis=-1, keepdims=True), d)
    along = Box(
        low=(terms.low.sum(axis=-1, keepdims=True) - error) / d,
        high=(terms.high.sum(axis=-1, keepdims=True) + error) / d,
    )
    rank_one = product(along, _row(unit))
    centred = affine(np.eye(d) - 1 / d, None, rows)
    difference = centred + Box(low=-rank_one.high, high=-rank_one.low)
    return product(_row(product(scale, around(step.gain))), difference)
