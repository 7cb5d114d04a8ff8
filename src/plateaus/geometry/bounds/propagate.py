"""Interval propagation of states and of Jacobians through a program."""

from __future__ import annotations

import numpy as np

from plateaus.geometry.bounds.functions import image, slopes
from plateaus.geometry.bounds.interval import Box, affine, product, slack
from plateaus.geometry.bounds.program import Branch, Linear, Normalise, Pointwise, Program


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
            case Branch():
                box = box + states(step.steps, box)
    return box


def jacobians(steps: Program, box: Box, matrix: Box) -> tuple[Box, Box]:
    """The same together with all Jacobians: f(x) - f(a) = M (x - a) with M in the returned matrix,
    x and a in ``box``.

    Args:
        matrix: the Jacobians of what came before, ``(n, d)``; the identity at the start.
    """
    for step in steps:
        match step:
            case Linear():
                box, matrix = affine(step.weight, step.bias, box), affine(step.weight, None, matrix)
            case Pointwise():
                gates = slopes(step.kind, box)
                matrix = product(Box(low=gates.low[:, None], high=gates.high[:, None]), matrix)
                box = image(step.kind, box)
            case Normalise():
                box, matrix = _normalised(step, box), _normalised_jacobian(step, box, matrix)
            case Branch():
                inner, update = jacobians(step.steps, box, matrix)
                box, matrix = box + inner, matrix + update
    return box, matrix


def identity(width: int, like: np.ndarray) -> Box:
    """The identity matrix in the arithmetic of ``like``."""
    eye = np.eye(width, dtype=int)
    eye = eye.astype(object) if like.dtype == object else eye.astype(float)
    return Box(low=eye, high=eye)


def _whitened(step: Normalise, box: Box) -> tuple[Box, Box]:
    """(x - mean) / s and 1 / s."""
    d = len(step.gain)
    centred = affine(np.eye(d) - 1 / d, None, box)
    square = product(centred, centred)
    crosses = (centred.low < 0) & (centred.high > 0)
    least = np.where(crosses, 0.0, np.maximum(square.low, 0))
    variance = np.array([least.sum() / d, square.high.sum() / d]) + step.epsilon
    error = slack(variance, 2 * d)
    low, high = (
        np.sqrt(np.maximum(variance - error, step.epsilon * (1 - 1e-15)) * (1 - 1e-15)),
        np.sqrt(variance + error),
    )
    scale = Box(
        low=np.array([1 / high[1] * (1 - 1e-15)]), high=np.array([1 / low[0] * (1 + 1e-15)])
    )
    unit = product(centred, scale)
    most = np.sqrt(d) * np.ones(d)  # the normalised vector has length at most sqrt d
    return unit.meet(-most, most), scale


def _normalised(step: Normalise, box: Box) -> Box:
    unit, _ = _whitened(step, box)
    scaled = product(unit, Box(low=step.gain, high=step.gain))
    return scaled + Box(low=step.shift, high=step.shift)


def _normalised_jacobian(step: Normalise, box: Box, matrix: Box) -> Box:
    """diag(gain) (C - x x^T / d) / s times the matrix."""
    d = len(step.gain)
    unit, scale = _whitened(step, box)
    column = Box(low=unit.low[:, None], high=unit.high[:, None])
    terms = product(column, matrix)
    error = slack(np.maximum(abs(terms.low), abs(terms.high)).sum(0), d)
    along = Box(
        low=(terms.low.sum(0) - error)[None] / d, high=(terms.high.sum(0) + error)[None] / d
    )
    rank_one = product(column, along)
    difference = affine(np.eye(d) - 1 / d, None, matrix) + Box(
        low=-rank_one.high, high=-rank_one.low
    )
    gain = product(scale, Box(low=step.gain, high=step.gain))
    return product(Box(low=gain.low[:, None], high=gain.high[:, None]), difference)
