"""Interventions: each takes a ``Network`` and returns a new one; nothing is switched on behind your
back.
"""

from __future__ import annotations

from torch import Tensor

from plateaus.networks.network import Network


def freeze(net: Network, sublayer: str, *, at: Tensor) -> Network:
    """Hold one kind of sublayer at its mean output over the points ``at``, in every block.

    The means are taken in the untouched network, block by block, over the last batch axis of
    ``at`` (the steps of a path), as Shinkle & Heimersheim do.

    Args:
        sublayer: "mlp" or "attention"; blocks without it are left alone.
        at: points ``(..., steps, d)`` of the space that enters ``net``.
    """
    x, blocks = net.check(at), []
    for g in net.blocks:
        x, parts = g.with_parts(x) if hasattr(g, "with_parts") else (g(x), {})
        blocks.append(
            g.freeze(sublayer, parts[sublayer].mean(-2, keepdim=True)) if sublayer in parts else g
        )
    return net.with_blocks(tuple(blocks))
