"""Nulls for the dynamics: networks in which an attraction, if one is seen, must have a duller cause."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from plateaus.networks.network import Block, Network


@dataclass(frozen=True, kw_only=True)
class AffineBlock:
    """x -> value + (x - at) jacobian^T, for points ``(..., n, d)``; leading axes may have an expansion point each."""

    at: Tensor
    """``(..., 1, d)``."""
    value: Tensor
    """``(..., 1, d)``."""
    jacobian: Tensor
    """``(..., d, d)``."""

    def __call__(self, x: Tensor) -> Tensor:
        return self.value + (x - self.at) @ self.jacobian.mT


@dataclass(frozen=True, kw_only=True)
class FlippedBlock:
    """x -> x - F(x) for a residual block x -> x + F(x)."""

    block: Block

    def __call__(self, x: Tensor) -> Tensor:
        return 2 * x - self.block(x)


def linearised(net: Network, *, at: Tensor) -> Network:
    """Every block replaced by its first-order Taylor polynomial along the trajectory of one point.

    The result is affine: it stretches and shrinks by direction, the same everywhere, so it cannot tell a
    real activation from any other point. The readout is kept.

    Args:
        at: ``(d,)``, a point of the space that enters ``net``; or ``(P, d)``, one for each of the P prompts
            of a language model, whose points are ``(P, n, d)``.
    """
    x, blocks = net.check(at).unsqueeze(-2), []
    for g in net.blocks:
        value = g(x).detach()
        blocks.append(AffineBlock(at=x, value=value, jacobian=jacobian(g, x)))
        x = value
    return net.with_blocks(tuple(blocks))


def sign_flipped(net: Network) -> Network:
    """Every residual block x + F(x) replaced by x - F(x): updates of the same size, the other way."""
    return net.with_blocks(tuple(FlippedBlock(block=g) for g in net.blocks))


def jacobian(block: Block, at: Tensor) -> Tensor:
    """Dg(a) for a of shape ``(..., 1, d)``: ``(..., d_out, d)``.

    One backward pass: row i is the gradient of the i-th output of the i-th copy of a.
    """
    with torch.enable_grad():
        outputs = block(at).shape[-1]
        x = at.detach().expand(*at.shape[:-2], outputs, -1).clone().requires_grad_()
        (rows,) = torch.autograd.grad(block(x).diagonal(dim1=-2, dim2=-1).sum(), x)
    return rows.detach()
