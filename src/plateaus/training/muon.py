"""Muon for matrices of few shapes: those of one shape are orthogonalised together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Muon):
    """The steps of :class:`torch.optim.Muon` (Jordan et al. 2024), scaled to the size of AdamW's,
    up to rounding.

    The library's makes fifteen small matrix products for every matrix in turn; a transformer
    repeats four shapes in each block, and products of all matrices of a shape at once take less
    than half of the time on a CPU.
    """

    def __init__(self, params: Any, **options: Any) -> None:
        super().__init__(params, adjust_lr_fn="match_rms_adamw", **options)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move every matrix that has a gradient."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            alike: dict[torch.Size, list[tuple[Tensor, Tensor, Tensor]]] = defaultdict(list)
            found: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
            self._init_group(group, *found)
            for param, grad, momentum in zip(*found, strict=True):
                alike[param.shape].append((param, grad, momentum))
            for shape, members in alike.items():
                params, grads, momenta = (list(column) for column in zip(*members, strict=True))
                torch._foreach_lerp_(momenta, grads, 1 - group["momentum"])
                moved = (
                    torch._foreach_lerp(grads, momenta, group["momentum"])
                    if group["nesterov"]
                    else momenta
                )
                updates = orthogonal(
                    torch.stack(moved), group["ns_coefficients"], group["ns_steps"], group["eps"]
                )
                torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(
                    params,
                    list(updates.to(params[0].dtype)),
                    alpha=-group["lr"] * 0.2 * math.sqrt(max(shape)),
                )
        return loss


def orthogonal(
    x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    """Each matrix of ``x``, (matrices, rows, columns), with its singular values moved near 1 by
    Newton and Schulz's iteration, bfloat16.
    """
    a, b, c = coefficients
    x = x.bfloat16()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
