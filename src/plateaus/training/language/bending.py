"""A penalty on plateaus: how far from straight the paths run that the book measures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

LONGEST = 16
"""Tokens of the longest prompt that is bent; the book measures prompts of 10."""


def bending(model: PreTrainedModel, x: Tensor, *seed: int) -> Tensor:
    """Squared distance of the stream behind the last block from the straight line between its
    ends, as a share of the squared distance of the ends; 0 for a straight line, 1/12 for a jump
    half-way.

    Each window of ``x`` ``(batch, context)`` is cut to a prompt of 2 to 16 tokens, and its last
    state behind the first block moves a random fraction of the way to that of the next window.
    Length and fractions are a pure function of ``seed``.
    """
    random = np.random.default_rng(seed)
    length = min(x.shape[1], int(random.integers(2, LONGEST, endpoint=True)))
    part = torch.from_numpy(random.random(len(x), dtype=np.float32)).to(x.device)
    fractions = torch.stack([torch.zeros_like(part), part, torch.ones_like(part)])[..., None]
    blocks = model.base_model.h if hasattr(model.base_model, "h") else model.base_model.layers
    seen: list[Tensor] = []

    def mix(_module: object, _given: object, out: Tensor) -> Tensor:
        a = out[:, -1].view(3, len(x), -1)
        moved = torch.lerp(a, a.roll(1, dims=1), fractions)
        return torch.cat([out[:, :-1], moved.flatten(0, 1)[:, None]], dim=1)

    def look(_module: object, _given: object, out: Tensor) -> None:
        seen.append(out[:, -1].view(3, len(x), -1))

    hooks = [blocks[0].register_forward_hook(mix), blocks[-1].register_forward_hook(look)]
    try:
        model.base_model(x[:, :length].repeat(3, 1))
    finally:
        for hook in hooks:
            hook.remove()
    start, middle, end = seen[0]
    off = middle - torch.lerp(start, end, fractions[1])
    return off.square().sum() / (end - start).square().sum()
