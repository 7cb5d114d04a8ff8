"""Frobenius norms and traces of MLP Jacobians in closed form: no Jacobian is ever formed.

Derived in the chapter on propositions. The cost for n points is that of one product with an m x m
matrix, which is computed once for a layer; a dense Jacobian costs a backward pass for each of its d
rows and each point.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Normalised:
    """What a normalisation does to a batch of points, as far as its Jacobian needs it."""

    hat: Tensor
    """Normalised points before the gain, ``(n, d)``."""
    scale: Tensor
    """s = sqrt(variance + eps) or sqrt(mean square + eps), ``(n, 1)``."""
    centred: bool
    """LayerNorm takes the mean away; RMSNorm does not."""

    @classmethod
    def of(cls, x: Tensor, *, kind: str, eps: float) -> Normalised:
        """``kind`` is "layernorm" or "rmsnorm"; x ``(n, d)``."""
        centred = kind == "layernorm"
        x = x - x.mean(-1, keepdim=True) if centred else x
        scale = (x.square().mean(-1, keepdim=True) + eps).sqrt()
        return cls(hat=x / scale, scale=scale, centred=centred)

    def through(self, weight: Tensor, gain: Tensor) -> Tensor:
        """W diag(gain) C: the weights ``(m, d)`` as they meet the normalised point, centred if the
        normalisation is.
        """
        weight = weight * gain
        return weight - weight.mean(-1, keepdim=True) if self.centred else weight


def mlp(w_in: Tensor, w_out: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    """||DF||_F^2 and tr DF of F(x) = W_out sigma(W_in x).

    Args:
        w_in: ``(m, d)``; w_out: ``(d, m)``. (GPT-2 in Hugging Face and TransformerLens stores both
            transposed.)
        slope: sigma' at the hidden units, ``(n, m)``.

    Returns:
        Two tensors ``(n,)``: g^T [(W_in W_in^T) o (W_out^T W_out)] g, and sum_j g_j (W_in
        W_out)_jj.
    """
    kernel = (w_in @ w_in.T) * (w_out.T @ w_out)
    return _form(slope, kernel, slope), slope @ _diagonal(w_in, w_out)


def normalised_mlp(
    x: Normalised, gain: Tensor, w_in: Tensor, w_out: Tensor, slope: Tensor
) -> tuple[Tensor, Tensor]:
    """As `mlp`, with a normalisation before W_in: the Jacobian is W_out diag(g) (V - u hat^T / d) /
    s.

    V = W_in diag(gain) C and u = V hat; kappa = 2/d - ||hat||^2 / d^2 (not 1/d, which it equals
    only for eps = 0).
    """
    d = x.hat.shape[-1]
    v = x.through(w_in, gain)
    moved = (slope * (x.hat @ v.T)) @ w_out.T
    kappa = 2 / d - x.hat.square().sum(-1) / d**2
    norm, trace = mlp(v, w_out, slope)
    s = x.scale[..., 0]
    return (norm - kappa * moved.square().sum(-1)) / s**2, (trace - (x.hat * moved).sum(-1) / d) / s


def gated_mlp(x: Normalised, gain: Tensor, w_gate: Tensor, w_up: Tensor, w_down: Tensor) -> Tensor:
    """||DF||_F^2 of W_down (silu(W_gate y) o W_up y), y the normalised point: ``(n,)``.

    With p = silu'(z_g) o z_u and q = silu(z_g) the three quadratic forms of the gate, of both and
    of the up-projection add up; the normalisation takes the same rank-one part away as in
    `normalised_mlp`.
    """
    d = x.hat.shape[-1]
    y = x.hat * gain
    z_gate, z_up = y @ w_gate.T, y @ w_up.T
    sigmoid = torch.sigmoid(z_gate)
    p, q = sigmoid * (1 + z_gate * (1 - sigmoid)) * z_up, z_gate * sigmoid
    gate, up, outer = x.through(w_gate, gain), x.through(w_up, gain), w_down.T @ w_down
    norm = (
        _form(p, (gate @ gate.T) * outer, p)
        + 2 * _form(p, (gate @ up.T) * outer, q)
        + _form(q, (up @ up.T) * outer, q)
    )
    moved = (p * (x.hat @ gate.T) + q * (x.hat @ up.T)) @ w_down.T
    kappa = 2 / d - x.hat.square().sum(-1) / d**2
    return (norm - kappa * moved.square().sum(-1)) / x.scale[..., 0] ** 2


def _form(left: Tensor, kernel: Tensor, right: Tensor) -> Tensor:
    return ((left @ kernel) * right).sum(-1)


def _diagonal(w_in: Tensor, w_out: Tensor) -> Tensor:
    """diag(W_in W_out), ``(m,)``."""
    return (w_in * w_out.T).sum(-1)
