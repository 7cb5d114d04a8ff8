"""How much attention over a kept prefix bends: derivatives on balls, as ``bends`` for perceptrons.

In one head with scores s_j, weights p = softmax(s) and values V_j (the last position's own score
and value move with n), o = sum p_j V_j has

    D o [u]    = sum p_j ((a_j - a) u) (V_j - o) + p_T V u,             a_j = D s_j, a = sum p_j a_j
    D^2 o[u,u] = sum p_j ((a_j - a) u)^2 (V_j - o) + 2 p_T (u Q^T K u) (V_T - o)
                 + 2 p_T ((a_T - a) u) V u.

(The variance of the scores' slopes drops out, since sum p_j (V_j - o) = 0.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plateaus.geometry.bounds.bends import CANCELLED, UP
from plateaus.geometry.bounds.program import Attend
from plateaus.geometry.bounds.singular import frobenius, spectral


@dataclass(frozen=True)
class _Reach:
    """What a head can see on a ball; all ``(P, heads, T + 1)`` unless said otherwise."""

    weights: np.ndarray
    """Upper bounds of p_j."""
    slopes: np.ndarray
    """Upper bounds of |a_j - a|."""
    turned: np.ndarray
    """By how much a_j - a can differ from its value at the centre."""
    offsets: np.ndarray
    """Upper bounds of |V_j - o|."""


@dataclass(frozen=True, kw_only=True)
class Attention:
    """n -> what attention adds; ``step`` takes the whitened vector."""

    step: Attend

    @cached_property
    def _heads(self) -> tuple[np.ndarray, ...]:
        """Q, K, V of every head, ``(heads, d_head, d)``, and out, ``(heads, d, d_head)``."""
        heads = len(self.step.keys)
        projections = (self.step.query, self.step.key, self.step.value)
        out = self.step.out.weight
        return (
            *(p.weight.reshape(heads, -1, p.weight.shape[1]) for p in projections),
            out.reshape(len(out), heads, -1).swapaxes(0, 1),
        )

    @cached_property
    def _norms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """|Q^T K|, |V| and |out| of every head, ``(heads,)``."""
        q, k, v, out = self._heads
        exact = CANCELLED * np.array(
            [frobenius(a) * frobenius(b) for a, b in zip(q, k, strict=True)]
        )
        own = np.array([spectral(a.T @ b) for a, b in zip(q, k, strict=True)]) + exact
        return own, *(np.array([spectral(m) for m in part]) for part in (v, out))

    @cached_property
    def _sizes(self) -> tuple[float, float, float]:
        """What scores, their slopes, and values are sums of, by the norms of all factors; for
        rounding only.
        """
        q, k, v, _ = (frobenius(m.reshape(len(m), -1)) for m in self._heads)
        far = self._heads[0].shape[-1] ** 0.5  # a whitened vector is no longer
        keys, values = (
            frobenius(m.reshape(len(m), -1)) for m in (self.step.keys, self.step.values)
        )
        step = self.step
        queries, own, value = (
            norm * far + np.linalg.norm(part.bias)
            for norm, part in ((q, step.query), (k, step.key), (v, step.value))
        )
        return queries * (keys + own), q * (keys + own) + k * queries, values + value

    def blur(self, n: np.ndarray) -> np.ndarray:
        scores, slopes, values = self._sizes
        at = self._reach(n, np.zeros(len(n)))
        terms = (at.weights * at.slopes * at.offsets).sum(-1)
        sizes = values * at.slopes.max(-1) + slopes * at.offsets.max(-1) + values
        return (
            (8 * CANCELLED * (1 + scores) * terms + 8 * CANCELLED * sizes) @ self._norms[2]
        ) * UP

    def jacobian(self, n: np.ndarray) -> np.ndarray:
        """``(P, d, d)``."""
        _, _, value, out = self._heads
        p, a, offsets = self._seen(n)
        mean = p[..., None, :] @ a
        inner = np.swapaxes(p[..., None] * offsets, -1, -2) @ (a - mean)
        inner = inner + p[..., -1][..., None, None] * value
        return (out @ inner).sum(axis=1)

    def slope(self, n: np.ndarray, r: np.ndarray) -> np.ndarray:
        _, value, out = self._norms
        at = self._reach(n, r)
        each = (at.weights * at.slopes * at.offsets).sum(-1) + at.weights[..., -1] * value
        return (each @ out) * UP

    def bend(self, n: np.ndarray, r: np.ndarray) -> np.ndarray:
        one = np.ones(len(n))
        at = self._reach(n, r)
        return self._bent(
            at, at.slopes, one, np.broadcast_to(self._norms[1], (len(n), len(at.weights[0])))
        )

    def along(self, n: np.ndarray, r: np.ndarray, w: np.ndarray, spread: np.ndarray) -> np.ndarray:
        p, a, _ = self._seen(n)
        at = self._reach(n, r)
        size = np.linalg.norm(w, axis=1) * UP
        mean = p[..., None, :] @ a
        turning = np.abs(((a - mean) * w[:, None, None, :]).sum(-1))
        extra = at.turned * size[:, None, None] + at.slopes * spread[:, None, None]
        cancelled = 4 * CANCELLED * self._sizes[1] * size
        moved = np.linalg.norm(np.einsum("hcd,pd->phc", self._heads[2], w), axis=-1) * UP
        moved = moved + self._norms[1] * (spread + CANCELLED * size)[:, None]
        return self._bent(at, turning + extra + cancelled[:, None, None], size + spread, moved)

    def _bent(self, at: _Reach, turning, size, moved) -> np.ndarray:
        """The formula above from bounds of |(a_j - a) u|, |u| and |V u|; ``(P,)``."""
        own, _, out = self._norms
        last = at.weights[..., -1]
        with np.errstate(over="ignore", invalid="ignore"):  # infinite on balls far too large
            each = (at.weights * turning**2 * at.offsets).sum(-1)
            each = each + 2 * last * own * (size**2)[:, None] * at.offsets[..., -1]
            return ((each + 2 * last * turning[..., -1] * moved) @ out) * UP

    def _seen(self, n: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights ``(P, heads, T + 1)``, slopes of scores ``(P, heads, T + 1, d)`` and V_j - o
        ``(P, heads, T + 1, d_head)``.
        """
        step, (query, key, _, _) = self.step, self._heads
        heads, tokens, width = step.keys.shape
        q, k, v = (
            (n @ part.weight.T + part.bias).reshape(len(n), heads, width)
            for part in (step.query, step.key, step.value)
        )
        scores = np.einsum("phc,htc->pht", q, step.keys)
        scores = np.concatenate([scores, (q * k).sum(-1, keepdims=True)], axis=-1)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        p = p / p.sum(-1, keepdims=True)
        fixed = np.einsum("htc,hcd->htd", step.keys, query)
        own = np.einsum("phc,hcd->phd", k, query) + np.einsum("phc,hcd->phd", q, key)
        fixed = np.broadcast_to(fixed, (len(n), *fixed.shape))
        values = np.broadcast_to(step.values, (len(n), *step.values.shape))
        values = np.concatenate([values, v[:, :, None]], axis=2)
        return (
            p,
            np.concatenate([fixed, own[:, :, None]], axis=2),
            values - p[..., None, :] @ values,
        )

    def _reach(self, n: np.ndarray, r: np.ndarray) -> _Reach:
        own, value, _ = self._norms
        p, a, apart = self._seen(n)
        scores, steep, far = (CANCELLED * size for size in self._sizes)
        r, last = r[:, None, None], np.zeros(p.shape[-1])
        last[-1] = 1  # only the last position's own score and value move by themselves
        length = np.linalg.norm(a, axis=-1) * UP + steep
        slopes = np.linalg.norm(a - p[..., None, :] @ a, axis=-1) * UP + 4 * steep
        offsets = np.linalg.norm(apart, axis=-1) * UP + 4 * far
        own, value = own[None, :, None], value[None, :, None]
        moved = (length * r + last * own * r**2).max(-1, keepdims=True) + scores
        swing = np.expm1(2 * moved) * UP
        weights = np.minimum(p * (1 + swing) * UP, 1)
        turned = swing * (p * slopes).sum(-1, keepdims=True) + 2 * own * r * (1 + last)
        shifted = swing * (p * offsets).sum(-1, keepdims=True) + value * r * (1 + last)
        return _Reach(weights, slopes + turned, turned, offsets + shifted)
