"""Interval arithmetic on boxes without ends: what a network can do to a whole half-space.

Coordinates may run to infinity. A weight of zero ignores them, a saturating activation and a
LayerNorm bring them back, and everything else keeps them infinite.
"""

from __future__ import annotations

import numpy as np

from plateaus.errors import NotCertifiable
from plateaus.geometry.bounds import functions
from plateaus.geometry.bounds.interval import Box, slack
from plateaus.geometry.bounds.program import Branch, Linear, Normalise, Pointwise, Program
from plateaus.geometry.bounds.propagate import states


def everywhere(width: int) -> Box:
    """All of R^width, ``(1, width)``."""
    return Box(low=np.full((1, width), -np.inf), high=np.full((1, width), np.inf))


def ranges(steps: Program, box: Box) -> Box:
    """As ``propagate.states``, for boxes ``(P, n)`` that may be infinite.

    Raises:
        NotCertifiable: a step that takes no infinite box.
    """
    if np.isfinite(box.low).all() and np.isfinite(box.high).all():
        return states(steps, box)
    for step in steps:
        match step:
            case Linear():
                box = _affine(step.weight.astype(float), step.bias.astype(float), box)
            case Pointwise(kind="relu"):
                box = functions.image("relu", box)
            case Pointwise():
                box = _image(step.kind, box)
            case Normalise():
                box = _normalised(step, box)
            case Branch():
                inner = ranges(step.steps, box)
                low, high = box.low + inner.low, box.high + inner.high
                box = Box(low=low - _slack(abs(low)), high=high + _slack(abs(high)))
            case _:
                raise NotCertifiable(
                    f"A step of kind {type(step).__name__} takes no infinite box: bound the region."
                )
    return box


def _slack(size: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(size), slack(np.where(np.isfinite(size), size, 0)), 0)


def _affine(weight: np.ndarray, bias: np.ndarray, box: Box) -> Box:
    """Row by row, so that a zero weight meets no infinity."""
    up, down = weight > 0, weight < 0
    with np.errstate(invalid="ignore"):
        low, high = (
            np.where(up, weight * a[:, None], np.where(down, weight * b[:, None], 0.0))
            for a, b in ((box.low, box.high), (box.high, box.low))
        )
    terms = weight.shape[1] + 1
    found = [x.sum(-1) + bias for x in (low, high)]
    sizes = [abs(x).sum(-1) + abs(bias) for x in (low, high)]
    error = [
        np.where(np.isfinite(s), slack(np.where(np.isfinite(s), s, 0), terms), 0) for s in sizes
    ]
    return Box(low=found[0] - error[0], high=found[1] + error[1])


def _image(kind: str, box: Box) -> Box:
    """Each function tends to its limits: -1 and 1 for tanh, 0 and infinity for GELU and SiLU."""
    far = 1e3  # where the function is its limit, or the identity, to the last digit
    inner = Box(low=np.clip(box.low, -far, far), high=np.clip(box.high, -far, far))
    found = functions.image(kind, inner)
    if kind == "tanh":
        return found
    low = np.where(box.low > far, box.low * (1 - 1e-15), found.low)
    return Box(low=low, high=np.where(box.high > far, box.high * (1 + 1e-15), found.high))


def _normalised(step: Normalise, box: Box) -> Box:
    """A normalised vector has length at most sqrt(d), wherever it comes from."""
    endless = ~(np.isfinite(box.low) & np.isfinite(box.high)).all(axis=-1, keepdims=True)
    bounded = Box(low=np.where(endless, 0, box.low), high=np.where(endless, 0, box.high))
    found = states((step,), bounded)
    reach = abs(step.gain) * len(step.gain) ** 0.5 * (1 + 1e-12) + abs(step.shift) * 1e-12
    low, high = step.shift - reach, step.shift + reach
    return Box(low=np.where(endless, low, found.low), high=np.where(endless, high, found.high))
