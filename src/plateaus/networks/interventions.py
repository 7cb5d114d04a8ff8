"""Interventions: each takes a ``Network`` and returns a new one; nothing is switched on unseen."""

from __future__ import annotations

from torch import Tensor

from plateaus.errors import BadParameter, BadPoints
from plateaus.networks.network import Network

MEANS = ("frozen", "clean")


def freeze(net: Network, sublayer: str, *, at: Tensor, means: str = "frozen") -> Network:
    """Hold one kind of sublayer at its mean output over the points ``at``, in every block.

    The mean runs over the last batch axis of ``at`` (the steps of a path), so that each path has
    its own.

    Args:
        sublayer: "mlp" or "attention"; blocks without it (an encoder) are left alone.
        at: points ``(..., steps, d)`` of the space that enters ``net``.
        means: "frozen" takes the mean of each block while the blocks before it are already
            frozen, as Shinkle & Heimersheim (2025) do; "clean" takes it in the untouched network.

    Raises:
        BadParameter: no block has that sublayer.
        BadPoints: ``at`` is a single point.
    """
    if means not in MEANS:
        raise BadParameter(
            f"The means are taken in the {' or the '.join(MEANS)} pass, got means={means!r}: "
            "choose one of the two."
        )
    if not isinstance(net, Network) or not isinstance(sublayer, str):
        raise BadParameter(
            f"A sublayer is frozen by its name in a network, got {str(net)[:60]} and "
            f"{sublayer!r:.40}: give a Network; a language model is one at a prompt, lm.at(prompt)."
        )
    x, blocks, known, found = net.check(at), [], set(), False
    if x.ndim < 2 or not x.numel():
        what = "no point" if x.ndim > 1 else "a single point"
        raise BadPoints(
            f"A sublayer is frozen at its mean over the points of a path, (steps, {x.shape[-1]}), "
            f"got {what} of shape {tuple(x.shape)}: give at least a path of one step."
        )
    for g in net.blocks:
        y, parts = g.with_parts(x) if hasattr(g, "with_parts") else (g(x), {})
        known |= set(parts)
        if sublayer in parts:
            found = True
            g = g.freeze(sublayer, parts[sublayer].mean(-2, keepdim=True))
            y = g(x) if means == "frozen" else y
        blocks.append(g)
        x = y
    if not found:
        raise BadParameter(
            f"No block of {net.name} has a sublayer {sublayer!r} to freeze: there is "
            f"{' and '.join(sorted(known)) or 'none in this network'}."
        )
    return net.with_blocks(tuple(blocks))
