"""Frobenius norms and traces of MLP Jacobians in closed form: no Jacobian is ever formed.

Derived in the chapter on propositions. The cost for n points is that of one product with an m x m
matrix, which is computed once for a layer; a dense Jacobian costs a backward pass for each of its d
rows and each point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from plateaus.geometry import checks
from plateaus.networks.perceptron import Perceptron
from plateaus.rules import one_of
from plateaus.shapes import takes

BLOCK = 256
"""Rows of a symmetric kernel at a time: only what is not above its diagonal is computed and used,
which halves both.
"""
AT_ONCE = 256
"""Points at a time: what lies between two products of matrices stays near the processor."""


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
    @takes("points (n, d), a tensor of floating-point numbers")
    def of(cls, x: Tensor, *, kind: str, eps: float) -> Normalised:
        """``kind`` is "layernorm" or "rmsnorm"; x ``(n, d)``."""
        one_of("layernorm", "rmsnorm").check("kind", kind)
        checks.not_negative(eps, "The eps of a normalisation")
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

    def less(self, norm: Tensor, moved: Tensor) -> Tensor:
        """||DF||_F^2 ``(n,)`` from the same of the MLP alone, ``norm``, of which the normalisation
        takes a rank-one part away.

        With u = V hat, ``moved`` is W_out diag(g) u; kappa = 2/d - ||hat||^2 / d^2 (not 1/d, which
        it equals only for eps = 0).
        """
        d = self.hat.shape[-1]
        kappa = 2 / d - self.hat.square().sum(-1) / d**2
        return (norm - kappa * moved.square().sum(-1)) / self.scale[..., 0] ** 2


@takes("weights (m, d) and (d, m) and slopes (n, m), tensors")
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
    return _square(slope, kernel), slope @ _diagonal(w_in, w_out)


@takes("weights (m, d) and (d, m), tensors")
def kernel_of(w_in: Tensor, w_out: Tensor) -> Tensor:
    """K = (W_in W_in^T) o (W_out^T W_out), ``(m, m)``, of which `_square` reads no entry above the
    blocks on the diagonal: they are left at zero, and their twins below are doubled.

    Behind a norm, with V in the place of W_in.
    """
    rows, kernel = w_out.T, w_in.new_zeros(len(w_in), len(w_in))
    for start, end in _blocks(len(w_in)):
        kernel[start:end, :end] = (w_in[start:end] @ w_in[:end].T) * (
            rows[start:end] @ w_out[:, :end]
        )
        kernel[start:end, :start] *= 2
    return kernel


@takes("a Normalised, a gain (d,), weights (m, d) and (d, m) and slopes (n, m)")
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

    V = W_in diag(gain) C and u = V hat.
    """
    d = x.hat.shape[-1]
    v = x.through(w_in, gain)
    moved = (slope * (x.hat @ v.T)) @ w_out.T
    norm, trace = mlp(v, w_out, slope, kernel)
    trace = (trace - (x.hat * moved).sum(-1) / d) / x.scale[..., 0]
    return x.less(norm, moved), trace


@takes("a Normalised, a gain (d,) and weights (m, d), (m, d) and (d, m)")
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
    y = x.hat * gain
    z_gate, z_up = y @ w_gate.T, y @ w_up.T
    sigmoid = torch.sigmoid(z_gate)
    p, q = sigmoid * (1 + z_gate * (1 - sigmoid)) * z_up, z_gate * sigmoid
    gate, up = x.through(w_gate, gain), x.through(w_up, gain)
    of_gate, of_both, of_up = kernels or gated_kernels(gate, up, w_down)
    norm = _square(p, of_gate) + 2 * _form(p, of_both, q) + _square(q, of_up)
    moved = (p * (x.hat @ gate.T) + q * (x.hat @ up.T)) @ w_down.T
    return x.less(norm, moved)


@takes("weights (m, d), (m, d) and (d, m), tensors")
def gated_kernels(gate: Tensor, up: Tensor, w_down: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three kernels of `gated_mlp`, each ``(m, m)``; the first and last as of `kernel_of`."""
    both = (gate @ up.T) * (w_down.T @ w_down)
    return kernel_of(gate, w_down), both, kernel_of(up, w_down)


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

    @cached_property
    def offset(self) -> Tensor:
        """What the pre-activations have that V hat has not, ``(m,)``."""
        return self.mlp.w_in @ self.mlp.shift + self.mlp.b_in

    def __call__(self, x: Tensor) -> Tensor:
        """``(...)`` for points ``(..., d)`` that enter the norm before the MLP."""
        flat = x.reshape(-1, x.shape[-1])
        found = [self._squared(some) for some in flat.split(AT_ONCE)]
        return torch.cat(found).clamp_min(0).sqrt().reshape(x.shape[:-1])

    def _squared(self, x: Tensor) -> Tensor:
        f = self.mlp
        point = Normalised.of(x, kind=f.kind, eps=f.eps)
        if f.w_gate is not None:
            return gated_mlp(point, f.gain, f.w_gate, f.w_in, f.w_out, self.kernels)
        z = f.switches(x)
        _, slope = torch.func.jvp(f.activation, (z,), (torch.ones_like(z),))
        moved = (slope * (z - self.offset)) @ f.w_out.T
        return point.less(_square(slope, *self.kernels), moved)


def _square(slope: Tensor, kernel: Tensor) -> Tensor:
    """g^T K g for slopes g ``(n, m)`` and a kernel that `kernel_of` made: ``(n,)``."""
    parts = [
        ((slope[:, :end] @ kernel[start:end, :end].T) * slope[:, start:end]).sum(-1)
        for start, end in _blocks(len(kernel))
    ]
    return torch.stack(parts).sum(0)


def _blocks(size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))


def _form(left: Tensor, kernel: Tensor, right: Tensor) -> Tensor:
    return ((left @ kernel) * right).sum(-1)


def _diagonal(w_in: Tensor, w_out: Tensor) -> Tensor:
    """diag(W_in W_out), ``(m,)``."""
    return (w_in * w_out.T).sum(-1)
