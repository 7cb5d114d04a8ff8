"""Pairs of prompts of equal length, as token ids."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """P pairs of prompts of T tokens each. Position T - 1 is where activations are moved."""

    a: Tensor
    """Token ids of the prompts A, ``(P, T)``; their first T - 1 tokens are the context everything
    runs in.
    """
    b: Tensor
    """Token ids of the prompts B, ``(P, T)``; the end B is taken in B's own context."""
    labels: tuple[str, ...]
    source: str
    """Where the prompts come from, for the provenance."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice) -> Pairs:
        return Pairs(
            a=self.a[index], b=self.b[index], labels=self.labels[index], source=self.source
        )
