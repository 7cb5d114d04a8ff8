"""A sparse dictionary of activations: features found by a sparse autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from plateaus.errors import BadPoints


@dataclass(frozen=True, kw_only=True)
class Dictionary:
    """x = b_dec + sum of activity times feature, few of them active; f features in R^d."""

    W_enc: Tensor = field(repr=False)
    """``(d, f)``."""
    b_enc: Tensor = field(repr=False)
    """``(f,)``."""
    W_dec: Tensor = field(repr=False)
    """``(f, d)``, a feature in each row."""
    b_dec: Tensor = field(repr=False)
    """``(d,)``."""
    k: int | None = None
    """How many features are active at most; None: every positive one."""
    shifted: bool = True
    """Whether ``b_dec`` is taken off before encoding."""
    centred: bool = False
    """Whether it was made for a stream without its mean over coordinates, which LayerNorm does not
    see; published dictionaries of GPT-2 were.
    """
    block: int | None = None
    """Number of the block that the activations enter, if it is recorded."""
    name: str = "dictionary"
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def features(self) -> int:
        return len(self.W_dec)

    def encode(self, x: Tensor) -> Tensor:
        """Activities ``(..., f)`` of activations ``(..., d)``: none negative, few positive.

        Raises:
            BadPoints: activations of another width.
        """
        if x.shape[-1:] != self.W_enc.shape[:1]:
            raise BadPoints(
                f"The dictionary {self.name} takes activations in R^{len(self.W_enc)}, got an "
                f"array of shape {tuple(x.shape)}: give those of the model that it was made for."
            )
        x = x - x.mean(-1, keepdim=True) if self.centred else x
        z = torch.relu((x - self.b_dec if self.shifted else x) @ self.W_enc + self.b_enc)
        if self.k is None:
            return z
        best = z.topk(self.k, dim=-1)
        return torch.zeros_like(z).scatter(-1, best.indices, best.values)

    def decode(self, z: Tensor) -> Tensor:
        """Activations ``(..., d)`` of activities ``(..., f)``."""
        return z @ self.W_dec + self.b_dec

    def explained(self, x: Tensor) -> float:
        """Share of the variance of activations ``(n, d)`` that encoding and decoding keeps."""
        x = x - x.mean(-1, keepdim=True) if self.centred else x
        lost = (x - self.decode(self.encode(x))).square().sum()
        return 1 - float(lost / (x - x.mean(0)).square().sum())

    def active(self, x: Tensor) -> float:
        """Mean number of active features (L0) of activations ``(n, d)``."""
        return float((self.encode(x) > 0).sum(-1).double().mean())
