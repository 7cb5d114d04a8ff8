"""What moves the parameters: AdamW, with weight decay on matrices only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from plateaus.training.settings import Settings


def adamw(parameters: Sequence[nn.Parameter], s: Settings, **options: Any) -> torch.optim.AdamW:
    """AdamW at the rate of ``s``; vectors (biases, gains) are not pulled back."""
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": s.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=s.learning_rate, fused=True, **options)


def advance(
    loss: Tensor, optimisers: Sequence[Optimizer], parameters: Sequence[nn.Parameter], clip: float
) -> Tensor:
    """One step down ``loss``, a number or one for each network; returns it without its graph.

    Args:
        clip: the length to which the gradient over all ``parameters`` is shortened; infinite: as it
            is.
    """
    loss.sum().backward()
    if clip < float("inf"):
        nn.utils.clip_grad_norm_(parameters, clip)
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return loss.detach()
