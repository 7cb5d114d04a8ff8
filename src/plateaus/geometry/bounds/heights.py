"""Heights between proven bounds: what a sample is worth after rounding.

A float network rounds in every operation, and h_a is often a small difference of large numbers.
Interval arithmetic over the network's own weights says how much of a computed height is certain.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import NotCertifiable, NotPiecewiseLinear
from plateaus.geometry.bounds.chain import maps
from plateaus.geometry.bounds.functions import ULPS
from plateaus.geometry.bounds.interval import TINY, UNIT, Box, around, around_by
from plateaus.geometry.bounds.parts import layers, length, run, still
from plateaus.geometry.bounds.program import Program
from plateaus.geometry.bounds.propagate import states
from plateaus.geometry.bounds.tube import bulges
from plateaus.geometry.metrics import steepness

ASSUMED_ULPS = 1024
"""Where no interval can follow the network, its outputs are granted this many units in the last
place of the largest of them. An assumption, not a proof."""


def assumed_rounding(y: Tensor, centre: Tensor, metric: str) -> float:
    """How far a height computed from outputs y and f(a) may be off, under that assumption."""
    largest = max(float(y.abs().max()), float(centre.abs().max()))
    unit = ASSUMED_ULPS * torch.finfo(y.dtype).eps * largest
    return 2 * unit * steepness(metric, centre.shape[-1]) * centre.shape[-1] ** 0.5


def height_bounds(steps: Program, points: Box, anchor: np.ndarray, metric: str) -> Box:
    """Bounds of h_a for any point of each box, ``(..., d)`` to ``(...)``; float64.

    For "kl" the library's exp and log are granted an error of ``ULPS``.
    """
    return heights_between(outputs(steps, points), outputs(steps, around(anchor)), metric)


def outputs(steps: Program, points: Box) -> Box:
    """Boxes that hold f of every point of each box, ``(..., d)`` to ``(..., c)``; for small boxes.

    Errors are followed by what preserves them best: through a piecewise-linear network by lengths
    as well as by coordinates, through a transformer by its Jacobians, else by intervals, which
    grow by an order of magnitude with each layer.
    """
    shape = points.low.shape[:-1]
    flat = [x.reshape(-1, x.shape[-1]) for x in (points.low, points.high)]
    middle = (flat[0] + flat[1]) / 2
    reach = np.maximum(flat[1] - middle, middle - flat[0])
    try:
        through = run(tuple(layers(steps)), still(middle, reach), np.zeros(len(middle)))
        found = around_by(through.value, through.error)
    except NotPiecewiseLinear:
        try:
            loose = float(length(reach).max(initial=0.0))
            tube = bulges(maps(steps), middle, middle, loose)
            found = around_by(tube.start, tube.bulge[:, None])
        except NotCertifiable:
            return states(steps, points)
    return Box(**{k: x.reshape(*shape, -1) for k, x in vars(found).items()})


def heights_between(out: Box, centre: Box, metric: str) -> Box:
    """Bounds of D(c, y) for any y of each box ``(..., c)`` and any c of ``centre``."""
    if metric == "kl":
        return _divergence(out, centre)
    apart = Box(low=out.low - centre.high, high=out.high - centre.low)
    nearest = np.maximum(np.maximum(apart.low, -apart.high), 0)
    terms = nearest.shape[-1] + 4
    low, high = _norm(nearest, metric), _norm(apart.reach, metric)
    inexact = 4 * terms * UNIT
    return Box(low=np.maximum(low * (1 - inexact) - TINY, 0), high=high * (1 + inexact) + TINY)


def _norm(y: np.ndarray, metric: str) -> np.ndarray:
    if metric == "l2":  # scaled: squares must not vanish
        largest = y.max(axis=-1, keepdims=True)
        scaled = y / np.where(largest > 0, largest, 1)
        return largest[..., 0] * np.sqrt((scaled * scaled).sum(axis=-1))
    return y.sum(axis=-1) if metric == "l1" else y.max(axis=-1)


def _divergence(out: Box, centre: Box) -> Box:
    """KL(softmax c | softmax y) for logits in two boxes.

    Its derivatives are q - p by y and p (c - y - mean_p(c - y)) by c: in the 1-norm at most 2 and
    at most the spread of c - y.
    """
    y, c = (out.low + out.high) / 2, (centre.low + centre.high) / 2
    radii = [((box.high - box.low) / 2 * (1 + 4 * UNIT)).max(axis=-1) for box in (out, centre)]
    p, q = _log_softmax(c), _log_softmax(y)
    value = (np.exp(p) * (p - q)).sum(axis=-1)
    size = 1 + abs(p).max(axis=-1) + abs(q).max(axis=-1) + abs(y).max(axis=-1) + abs(c).max()
    apart = c - y
    spread = apart.max(axis=-1) - apart.min(axis=-1) + 2 * (radii[0] + radii[1]) + ULPS * size
    slack = 2 * radii[0] + spread * radii[1] + 8 * y.shape[-1] * ULPS * size
    return Box(low=np.maximum(value - slack, 0), high=np.maximum(value + slack, 0))


def _log_softmax(y: np.ndarray) -> np.ndarray:
    shifted = y - y.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
