"""Nulls for the dynamics: networks in which an attraction, if one is seen, must have a duller
cause.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from plateaus.networks.network import Block, Network


@dataclass(frozen=True, kw_only=True)
class TangentBlock:
    """x -> g(a) + Dg(a)(x - a), for points ``(..., n, d)``; leading axes may have an expansion
    point each.
    """

    block: Block
    at: Tensor
    """a, ``(..., 1, d)``."""
    value: Tensor
    """g(a), ``(..., 1, d)``."""

    def __call__(self, x: Tensor) -> Tensor:
        return self.value + jvp(self.block, self.at, x - self.at)


@dataclass(frozen=True, kw_only=True)
class FlippedBlock:
    """x -> x - F(x) for a residual block x -> x + F(x)."""

    block: Block

    def __call__(self, x: Tensor) -> Tensor:
        return 2 * x - self.block(x)


@dataclass(frozen=True, kw_only=True)
class PulledBlock:
    """x -> g(x) + s (g(a) - g(x)), a the real activation that is nearest to x; points ``(..., n,
    d)``.
    """

    block: Block
    real: Tensor
    """What enters the block at the real activations, ``(..., k, d)``."""
    after: Tensor
    """What leaves it there."""
    strength: float

    def __call__(self, x: Tensor) -> Tensor:
        y = self.block(x)
        nearest = torch.cdist(x, self.real).argmin(-1, keepdim=True)
        return y + self.strength * (self.after.take_along_dim(nearest, -2) - y)


def attracting(net: Network, *, real: Tensor, strength: float) -> Network:
    """The positive control: the same network, in which real activations do attract.

    After every block each point is moved by the share ``strength`` of the way to the trajectory of
    the real activation that is nearest to it; these trajectories themselves stay as they are.

    Args:
        real: what enters ``net``, ``(k, d)``, or ``(P, k, d)`` for a network at P prompts.
    """
    with torch.no_grad():
        states = net.trace(real)
    pulled = (
        PulledBlock(block=g, real=x, after=y, strength=strength)
        for g, x, y in zip(net.blocks, states, states[1:], strict=False)
    )
    return net.with_blocks(tuple(pulled))


def linearised(net: Network, *, at: Tensor) -> Network:
    """Every block replaced by its first-order Taylor polynomial along the trajectory of one point.

    The result is affine: it stretches and shrinks by direction, the same everywhere, so it cannot
    tell a real activation from any other point. The readout is kept.

    Args:
        at: ``(d,)``, a point of the space that enters ``net``; or ``(P, d)``, one for each of the P
            prompts of a language model, whose points are ``(P, n, d)``.
    """
    x, blocks = net.check(at).unsqueeze(-2), []
    for g in net.blocks:
        value = g(x).detach()
        blocks.append(TangentBlock(block=g, at=x, value=value))
        x = value
    return net.with_blocks(tuple(blocks))


def sign_flipped(net: Network) -> Network:
    """Every residual block x + F(x) replaced by x - F(x): updates of the same size, the other
    way.
    """
    return net.with_blocks(tuple(FlippedBlock(block=g) for g in net.blocks))


def both(net: Network, *, at: Tensor) -> dict[str, Network]:
    """The two nulls of a network by name; ``at`` as in ``linearised``."""
    return {"linearised": linearised(net, at=at), "sign-flipped": sign_flipped(net)}


def jvp(block: Block, at: Tensor, v: Tensor) -> Tensor:
    """Dg(a) v for directions ``(..., n, d)``, without the Jacobian.

    Needs nothing of the block but that it can be differentiated twice, so it works on any model's
    own layers.
    """
    return torch.autograd.functional.jvp(block, at.expand_as(v).contiguous(), v)[1]
