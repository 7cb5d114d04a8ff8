"""Runs that pairs of ends are cut from, and pairs that travel together from one block on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from plateaus.networks.network import Network


@dataclass(frozen=True, kw_only=True)
class Part:
    """Pairs that travel together, from one block on."""

    net: Network
    """Takes points ``(pairs, n, d)``: at several prompts, n points in each pair's own context."""
    a: Tensor
    """``(pairs, d)``, what enters the first block of ``net`` at the first ends."""
    b: Tensor
    """``(pairs, d)``, the same at the second ends."""


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs that pairs of ends are cut from: a network, and each end's state at every block."""

    net: Network
    a: Sequence[Tensor]
    """x_0 ... x_n of the first ends, each ``(pairs, d_k)``."""
    b: Sequence[Tensor]

    def part(self, block: int) -> Part:
        """What enters ``block``, counted as ``net.first`` counts, and the blocks from there on."""
        k = block - self.net.first
        return Part(net=self.net[k:], a=self.a[k], b=self.b[k])
