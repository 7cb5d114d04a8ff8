"""Runs that pairs of ends are cut from, and pairs that travel together from one block on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from plateaus.networks.chunks import budget
from plateaus.networks.network import Network

AT_ONCE = 2**21
"""Numbers of the widest read-out of one part (pairs x points x width) on a processor: few enough
for their float64 copies to stay in the cache.
"""
BYTES = 64
"""On a GPU, for each of these numbers: itself, its float64 copy and what curves make of it."""


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


def together(pairs: int, numbers: int, device: torch.device) -> list[range]:
    """Which pairs make a part, where each needs so many ``numbers`` and the device must fit all."""
    room = AT_ONCE if device.type == "cpu" else budget(device) // BYTES
    size = max(1, room // numbers)
    return [range(i, min(i + size, pairs)) for i in range(0, pairs, size)]
