"""Batch-norm statistics of networks that were never trained: those of given points."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from plateaus.networks.network import Block, Network

Net = TypeVar("Net", bound=Network)


def with_statistics(net: Net, x: Tensor) -> Net:
    """The same weights, with the mean and variance that ``x`` has before each batch norm.

    A fresh network stores mean 0 and variance 1, which no activation of it has: read so, it is not
    the function from which training starts. This one is, on the points ``x``.

    Args:
        x: what enters the first block, ``(points, d)``; several hundred of them.

    A network without batch norm comes back as it is. Raises ``BadPoints``: see ``Network.check``.
    """
    x, blocks = net.check(x), []
    for block in copy.deepcopy(net.blocks):
        norms = list(_norms(block))
        for norm in norms:
            norm.train()
            norm.momentum = 1.0
        with torch.no_grad():
            x = block(x)
        for norm in norms:
            norm.eval()
        blocks.append(block)
    return replace(net, blocks=tuple(blocks))


def _norms(block: Block) -> Iterator[BatchNorm]:
    module = getattr(block, "module", None)
    if isinstance(module, nn.Module):
        yield from (m for m in module.modules() if isinstance(m, BatchNorm))
