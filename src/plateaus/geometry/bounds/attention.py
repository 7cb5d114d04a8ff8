"""Self-attention of one position over a kept prefix, in intervals."""

from __future__ import annotations

import numpy as np

from plateaus.geometry.bounds.functions import ULPS
from plateaus.geometry.bounds.interval import TINY, UNIT, Box, affine, product, slack
from plateaus.geometry.bounds.program import Attend, Linear


def attended(step: Attend, box: Box) -> Box:
    """A box that holds what attention adds, for every position vector in ``box``; ``(..., d)``."""
    heads, tokens, _ = step.keys.shape
    query, key, value = (_split(layer, box, heads) for layer in (step.query, step.key, step.value))
    own = product(query, key)
    error = slack(own.reach.sum(-1, keepdims=True), own.low.shape[-1])
    low, high = (x.sum(-1, keepdims=True) for x in (own.low, own.high))
    scores = [_each_head(step.keys, query), Box(low=low - error, high=high + error)]
    weights = _softmax(_join(scores))
    seen = _each_head(step.values.swapaxes(1, 2), _cut(weights, slice(tokens)))
    mixed = seen + product(_cut(weights, slice(tokens, None)), value)
    flat = [x.reshape(*x.shape[:-2], -1) for x in (mixed.low, mixed.high)]
    return affine(step.out.weight, step.out.bias, Box(low=flat[0], high=flat[1]))


def _split(layer: Linear, box: Box, heads: int) -> Box:
    """``(..., heads, d_head)``."""
    out = affine(layer.weight, layer.bias, box)
    low, high = (x.reshape(*x.shape[:-1], heads, -1) for x in (out.low, out.high))
    return Box(low=low, high=high)


def _each_head(matrices: np.ndarray, box: Box) -> Box:
    """``matrices[h] @ x_h`` for boxes ``(..., heads, n)``."""
    parts = [affine(m, None, _at(box, h)) for h, m in enumerate(matrices)]
    return Box(low=_stack(p.low for p in parts), high=_stack(p.high for p in parts))


def _stack(parts) -> np.ndarray:
    return np.stack(list(parts), axis=-2)


def _at(box: Box, head: int) -> Box:
    return Box(low=box.low[..., head, :], high=box.high[..., head, :])


def _cut(box: Box, columns: slice) -> Box:
    return Box(low=box.low[..., columns], high=box.high[..., columns])


def _join(boxes: list[Box]) -> Box:
    return Box(
        low=np.concatenate([b.low for b in boxes], axis=-1),
        high=np.concatenate([b.high for b in boxes], axis=-1),
    )


def _softmax(scores: Box) -> Box:
    """Each weight is lowest where its own score is lowest and all others are highest."""
    top = scores.high.max(axis=-1, keepdims=True)
    low = np.exp(scores.low - top) * (1 - 2 * ULPS)
    high = np.exp(scores.high - top) * (1 + 2 * ULPS) + TINY
    rounding = 8 * (low.shape[-1] + 2) * UNIT * high.sum(axis=-1, keepdims=True)
    others_high = np.maximum(high.sum(axis=-1, keepdims=True) - high, 0) + rounding
    others_low = np.maximum(low.sum(axis=-1, keepdims=True) - low - rounding, 0)
    least = low / (low + others_high) * (1 - 8 * UNIT)
    most = high / (high + others_low) * (1 + 8 * UNIT)
    return Box(low=np.maximum(least, 0), high=np.minimum(most, 1))
