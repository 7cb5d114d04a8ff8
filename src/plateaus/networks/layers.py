"""Plain modules of which a language model at a prompt is written out; see ``explicit``."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Added(nn.Module):
    """x -> x + branch(x)."""

    def __init__(self, *branch: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class PrefixAttention(nn.Module):
    """Self-attention of the position after a prefix of T tokens: ``(..., d)`` to ``(..., d)``.

    The position sees the prefix, whose keys and values are kept, and itself.
    """

    def __init__(
        self, query: nn.Linear, key: nn.Linear, value: nn.Linear, out: nn.Linear, kept: Tensor
    ) -> None:
        """``kept``: keys and values of the prefix, ``(2, heads, T, d_head)``."""
        super().__init__()
        self.query, self.key, self.value, self.out = query, key, value, out
        self.register_buffer("kept", kept)

    def looks(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Query, own key and own value ``(..., heads, d_head)``, and the weights of the prefix's
        values and the own one, ``(..., heads, T + 1)``.
        """
        keys = self.kept[0]
        heads, _, width = keys.shape
        q, k, v = (
            layer(x).unflatten(-1, (heads, width)) for layer in (self.query, self.key, self.value)
        )
        scores = torch.cat(
            [torch.einsum("...hc,htc->...ht", q, keys), (q * k).sum(-1, keepdim=True)], -1
        )
        return q, k, v, (scores / width**0.5).softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        _, _, v, weights = self.looks(x)
        seen = torch.einsum("...ht,htc->...hc", weights[..., :-1], self.kept[1])
        return self.out((seen + weights[..., -1:] * v).flatten(-2))
