"""A penalty on plateaus of toy networks: how far from straight their paths run, as in
``training.language.bending``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plateaus.networks.residual import ResidualMLP

POINTS = 32
"""Points of a batch whose paths are bent; the first ones."""


class Bending(nn.Module):
    """Squared distance of the stream behind the last block from the straight line between its
    ends, as a share of the squared distance of the ends: 0 for a straight line, 1/12 for a jump
    half-way. A path leads, behind the input layer, from each point to the one before it.
    """

    def __init__(self, net: ResidualMLP) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, part: Tensor) -> Tensor:
        """Points ``(n, inputs)``, and how far along its path each is moved ``(n,)``; a scalar."""
        part = part[:, None].to(x.dtype)
        a = self.net.encoder(x)
        y = torch.cat([a, torch.lerp(a, a.roll(1, dims=0), part)])
        for block in self.net.blocks:
            y = block(y)
        start, middle = y.chunk(2)
        end = start.roll(1, dims=0)
        off = middle - torch.lerp(start, end, part)
        return off.square().sum() / (end - start).square().sum()
