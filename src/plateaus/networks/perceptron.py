"""The MLP of a language model's block written out: weights, activation and the norm before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from plateaus.errors import UnsupportedModel
from plateaus.networks.prompt import PromptBlock

ACTIVATIONS = ("act", "act_fn", "activation_fn")
"""Where the library's layers keep their activation function."""
SAME = 1e-4
"""Relative difference from the model's own MLP; RMSNorm works in float32 in any model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Perceptron:
    """F(x) = W_out s(W_in y + b) + c, or W_out (s(W_gate y) o W_in y) if gated; y = norm(x)."""

    centred: bool
    """LayerNorm takes the mean away, RMSNorm does not."""
    eps: float
    gain: Tensor
    """``(d,)``."""
    shift: Tensor
    """``(d,)``; zero for RMSNorm."""
    w_in: Tensor
    """``(m, d)``."""
    b_in: Tensor
    """``(m,)``."""
    w_out: Tensor
    """``(d, m)``."""
    b_out: Tensor
    """``(d,)``."""
    w_gate: Tensor | None
    """``(m, d)`` where the MLP is gated."""
    activation: Callable[[Tensor], Tensor]

    @property
    def kind(self) -> str:
        return "layernorm" if self.centred else "rmsnorm"

    def normed(self, x: Tensor) -> Tensor:
        """y, what the normalisation makes of points ``(..., d)``."""
        x = x - x.mean(-1, keepdim=True) if self.centred else x
        return x * (x.square().mean(-1, keepdim=True) + self.eps).rsqrt() * self.gain + self.shift

    def size(self, x: Tensor) -> Tensor:
        """Norm that the normalisation divides points ``(..., d)`` by, ``(...)``."""
        return (x - x.mean(-1, keepdim=True) if self.centred else x).norm(dim=-1)

    def switches(self, x: Tensor) -> Tensor:
        """Pre-activations ``(..., m)`` whose sign says which side of its kink a neuron is on."""
        y = self.normed(x)
        return y @ self.w_in.T + self.b_in if self.w_gate is None else y @ self.w_gate.T

    def __call__(self, x: Tensor) -> Tensor:
        """F(x), ``(..., d)``."""
        hidden = self.activation(self.switches(x))
        if self.w_gate is not None:
            hidden = hidden * (self.normed(x) @ self.w_in.T)
        return hidden @ self.w_out.T + self.b_out


def perceptron(block: PromptBlock, x: Tensor) -> Perceptron:
    """The MLP of ``block``, held to what the model itself adds at points x that enter the block.

    Raises:
        UnsupportedModel: the block's own output differs (experts, parallel branches, post-norms).
    """
    try:
        found = _read(block)
        with torch.no_grad():
            _, parts = block.with_parts(x)
            apart = (found(x + parts["attention"]) - parts["mlp"]).norm() / parts["mlp"].norm()
    except (AttributeError, TypeError, KeyError, RuntimeError):
        apart = torch.tensor(torch.inf)
    if not apart < SAME:
        raise UnsupportedModel(
            f"The MLP of block {getattr(block, 'index', '?')} is not a plain or gated perceptron "
            "behind a LayerNorm or RMSNorm: its Jacobian has no closed form here, choose another "
            "model."
        )
    return found


def _read(block: PromptBlock) -> Perceptron:
    mlp, norm = block.layer.mlp, block.layer.ln2
    own = getattr(norm, "original_component", norm)
    eps = getattr(own, "eps", getattr(own, "variance_epsilon", None))
    gain = own.weight.detach()
    shift = getattr(own, "bias", None)
    w_in, w_out = mlp.W_in.detach().T, mlp.W_out.detach().T
    gate = getattr(mlp, "W_gate", None)
    holders = (mlp.original_component, block.layer.original_component)
    activation = next(getattr(h, name) for h in holders for name in ACTIVATIONS if hasattr(h, name))
    return Perceptron(
        centred=shift is not None,
        eps=float(eps),
        gain=gain,
        shift=torch.zeros_like(gain) if shift is None else shift.detach(),
        w_in=w_in.contiguous(),
        b_in=_bias(mlp, "b_in", w_in),
        w_out=w_out.contiguous(),
        b_out=_bias(mlp, "b_out", w_out),
        w_gate=None if gate is None else gate.detach().T.contiguous(),
        activation=activation,
    )


def _bias(mlp: object, name: str, weight: Tensor) -> Tensor:
    bias = getattr(mlp, name, None)
    return weight.new_zeros(len(weight)) if bias is None else bias.detach().flatten()
