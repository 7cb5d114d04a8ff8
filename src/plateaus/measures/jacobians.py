"""Frobenius norms and traces of MLP Jacobians in closed form: no Jacobian is ever formed.

Derived in the chapter on propositions. The cost for n points is that of one product with an m x m
matrix, which is computed once for a layer; a dense Jacobian costs a backward pass for each of its d
rows and each point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from plateaus.networks.perceptron import Perceptron


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


def mlp(
    w_in: Tensor, w_out: Tensor, slope: Tensor, kernel: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """||DF||_F^2 and tr DF of F(x) = W_out sigma(W_in x).

    Args:
        w_in: ``(m, d)``; w_out: ``(d, m)``. (GPT-2 in Hugging Face and TransformerLens stores both
            transposed.)
        slope: sigma' at the hidden units, ``(n, m)``.
        kernel: what `kernel_of` made of the weights, if it is at hand; ``(m, m)``.

    Returns:
        Two tensors ``(n,)``: g^T [(W_in W_in^T) o (W_out^T W_out)] g, and sum_j g_j (W_in
        W_out)_jj.
    """
    kernel = kernel_of(w_in, w_out) if kernel is None else kernel
    return _form(slope, kernel, slope), slope @ _diagonal(w_in, w_out)


def kernel_of(w_in: Tensor, w_out: Tensor) -> Tensor:
    """(W_in W_in^T) o (W_out^T W_out), ``(m, m)``; behind a norm, with V in the place of W_in."""
    return (w_in @ w_in.T) * (w_out.T @ w_out)


def normalised_mlp(
    x: Normalised,
    gain: Tensor,
    w_in: Tensor,
    w_out: Tensor,
    slope: Tensor,
    kernel: Tensor | None = None,
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
    norm, trace = mlp(v, w_out, slope, kernel)
    s = x.scale[..., 0]
    return (norm - kappa * moved.square().sum(-1)) / s**2, (trace - (x.hat * moved).sum(-1) / d) / s


def gated_mlp(
    x: Normalised,
    gain: Tensor,
    w_gate: Tensor,
    w_up: Tensor,
    w_down: Tensor,
    kernels: tuple[Tensor, Tensor, Tensor] | None = None,
) -> Tensor:
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
    gate, up = x.through(w_gate, gain), x.through(w_up, gain)
    of_gate, of_both, of_up = kernels or gated_kernels(gate, up, w_down)
    norm = _form(p, of_gate, p) + 2 * _form(p, of_both, q) + _form(q, of_up, q)
    moved = (p * (x.hat @ gate.T) + q * (x.hat @ up.T)) @ w_down.T
    kappa = 2 / d - x.hat.square().sum(-1) / d**2
    return (norm - kappa * moved.square().sum(-1)) / x.scale[..., 0] ** 2


def gated_kernels(gate: Tensor, up: Tensor, w_down: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three kernels of `gated_mlp`, each ``(m, m)``."""
    outer = w_down.T @ w_down
    return (gate @ gate.T) * outer, (gate @ up.T) * outer, (up @ up.T) * outer


@dataclass(frozen=True, kw_only=True, eq=False)
class NormOf:
    """||DF||_F of one `Perceptron`; what depends on the weights alone is made once."""

    mlp: Perceptron

    @cached_property
    def kernels(self) -> tuple[Tensor, ...]:
        """Those of `mlp` or `gated_mlp`."""
        f = self.mlp
        none = Normalised(hat=f.gain, scale=f.gain, centred=f.centred)
        v = none.through(f.w_in, f.gain)
        if f.w_gate is None:
            return (kernel_of(v, f.w_out),)
        return gated_kernels(none.through(f.w_gate, f.gain), v, f.w_out)

    def __call__(self, x: Tensor) -> Tensor:
        """``(...)`` for points ``(..., d)`` that enter the norm before the MLP."""
        f, flat = self.mlp, x.reshape(-1, x.shape[-1])
        point = Normalised.of(flat, kind=f.kind, eps=f.eps)
        if f.w_gate is None:
            z = f.switches(flat)
            _, slope = torch.func.jvp(f.activation, (z,), (torch.ones_like(z),))
            squared, _ = normalised_mlp(point, f.gain, f.w_in, f.w_out, slope, *self.kernels)
        else:
            squared = gated_mlp(point, f.gain, f.w_gate, f.w_in, f.w_out, self.kernels)
        return squared.clamp_min(0).sqrt().reshape(x.shape[:-1])


def _form(left: Tensor, kernel: Tensor, right: Tensor) -> Tensor:
    return ((left @ kernel) * right).sum(-1)


def _diagonal(w_in: Tensor, w_out: Tensor) -> Tensor:
    """diag(W_in W_out), ``(m,)``."""
    return (w_in * w_out.T).sum(-1)
