"""Dense Jacobians of the halves of a GPT-2's block, at many points of a path at once.

A norm of an MLP's Jacobian needs none of them (`jacobians`); the norm of a whole block's, or of a
chain of blocks, does. They are put together from products of weights: what depends on the weights
alone is made once for all points, and no row costs a backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from plateaus.measures.jacobians import Normalised
from plateaus.networks.layers import Added, PrefixAttention

SPARE = 8
"""Slopes along a path span few directions: those that together are less than this many roundings
of the slopes' norm are left out.
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class MLPJacobians:
    """Of x -> MLP(norm(x)), at all points of ``at``."""

    half: Added
    """Norm, linear, GELU, linear."""
    at: Tensor
    """``(n, d)``, what enters the norm."""

    @cached_property
    def slopes(self) -> Tensor:
        """Of the activation at every hidden unit, ``(n, m)``."""
        norm, w_in, activation, _ = self.half.branch
        z = w_in(norm(self.at))
        return torch.func.jvp(activation, (z,), (torch.ones_like(z),))[1]

    @cached_property
    def spanned(self) -> tuple[Tensor, Tensor]:
        """Coordinates ``(n, r)`` and W_out diag(q) V for each of r directions q that the slopes
        span, ``(r, d d)``: every Jacobian is a sum of these r matrices, r <= n.
        """
        norm, w_in, _, w_out = self.half.branch
        left, size, right = torch.linalg.svd(self.slopes, full_matrices=False)
        dropped = size.square().flip(0).cumsum(0).flip(0).sqrt()
        some = int((dropped > SPARE * torch.finfo(size.dtype).eps * dropped[0]).sum())
        v = _point(norm, self.at[:1]).through(w_in.weight, norm.weight)
        made = [((w_out.weight * q) @ v).flatten() for q in right[:some]]
        return left[:, :some] * size[:some], torch.stack(made)

    def __call__(self, some: slice) -> Tensor:
        """``(k, d, d)`` at some of the points."""
        weights, matrices = self.spanned
        x = self.at[some]
        found = (weights[some] @ matrices).unflatten(-1, 2 * x.shape[-1:])
        return _behind(found, _point(self.half.branch[0], x))


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionJacobians:
    """Of x -> attention(norm(x)) at the position after a prefix, at all points of ``at``.

    A head gives o = sum_j p_j v_j. Moving x moves its own value, by p_T W_V, and through the query
    and its own key the weights: sum_j p_j (v_j - o) (the gradient of score j), of rank T + 1.
    """

    half: Added
    at: Tensor

    @cached_property
    def weights(self) -> tuple[Tensor, ...]:
        """W_Q and W_K ``(h, e, d)`` as they meet the normalised point, W_O ``(h, d, e)``, W_O W_V
        ``(h, d d)``, and the gradients of the prefix's scores ``(h, T, d)``.
        """
        norm, attention = self.half.branch
        keys = attention.kept[0]
        heads, _, width = keys.shape
        x = _point(norm, self.at[:1])
        q, k, v = (
            x.through(layer.weight, norm.weight).unflatten(0, (heads, width))
            for layer in (attention.query, attention.key, attention.value)
        )
        out = attention.out.weight.unflatten(-1, (heads, width)).transpose(0, 1)
        return q, k, out, (out @ v).flatten(1), keys @ q / width**0.5

    def __call__(self, some: slice) -> Tensor:
        """``(k, d, d)`` at some of the points."""
        norm, attention = self.half.branch
        w_q, w_k, w_out, whole, of_prefix = self.weights
        x = self.at[some]
        q, own_key, seen, values = _heads(attention, norm(x))
        apart = values - (seen[..., None] * values).sum(-2, keepdim=True)
        left = w_out @ (seen[..., None] * apart).transpose(-1, -2)  # (k, h, d, T + 1)
        of_self = torch.einsum("nhe,hed->nhd", own_key, w_q)
        of_self = (of_self + torch.einsum("nhe,hed->nhd", q, w_k)) / q.shape[-1] ** 0.5
        rows = of_prefix.expand(len(x), *of_prefix.shape)
        right = torch.cat([rows, of_self[:, :, None]], dim=2)
        found = (seen[..., -1] @ whole).unflatten(-1, 2 * x.shape[-1:])
        left, right = left.transpose(1, 2).flatten(2), right.flatten(1, 2)
        return _behind(torch.baddbmm(found, left, right), _point(norm, x))


def _heads(attention: PrefixAttention, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Query and own key ``(n, h, e)``, weights of all keys ``(n, h, T + 1)``, and the values that
    they weigh, ``(n, h, T + 1, e)``.
    """
    (q, k, v, weights), values = attention.looks(y), attention.kept[1]
    values = torch.cat([values.expand(len(y), *values.shape), v[:, :, None]], dim=2)
    return q, k, weights, values


def _point(norm: nn.LayerNorm, x: Tensor) -> Normalised:
    return Normalised.of(x, kind="layernorm", eps=norm.eps)


def _behind(matrix: Tensor, x: Normalised) -> Tensor:
    """M diag(gain) C ``(n, r, d)``, from that: M times the Jacobian of the normalisation."""
    hat = x.hat[:, None]
    along = matrix @ hat.mT
    return torch.baddbmm(matrix, along, hat, alpha=-1 / hat.shape[-1]) / x.scale[..., None]
