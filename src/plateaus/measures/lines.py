"""Points of a line and the plateaus of its two ends, as far as the sampled outputs show them."""

from __future__ import annotations

import torch
from torch import Tensor

NEITHER, OF_A, OF_B = 0, 1, 2
"""Where a point lies: in neither plateau, in that of the line's first or in that of its last."""


def plateaus(y: Tensor, *, share: float) -> Tensor:
    """0, 1 or 2 for each output ``(..., steps, c)`` along a line; ``(..., steps)``.

    With R the distance between the first and the last output and r = ``share`` R, a point is in the
    plateau of a if no sampled point from a up to it has h_a >= r; likewise for b. That shows
    membership up to what happens between samples. It does not prove a point to be outside, since a
    detour may lead in.
    """
    y = y.double()
    to_a, to_b = (y - y[..., :1, :]).norm(dim=-1), (y - y[..., -1:, :]).norm(dim=-1)
    radius = share * to_a[..., -1:]
    of_a = to_a.cummax(-1).values < radius
    of_b = to_b.flip(-1).cummax(-1).values.flip(-1) < radius
    return of_a.int() * OF_A + of_b.int() * OF_B


def halfway(points: Tensor, sides: Tensor) -> Tensor:
    """The sampled point half-way between a and the last one in its plateau.

    Args:
        points: ``(P, steps, d)``.
        sides: what ``plateaus`` said of them, ``(P, steps)``.

    Returns:
        ``(P, 1, d)``; where the first gap already leaves the plateau, the first point after a.
    """
    index = ((sides == OF_A).sum(-1) // 2).clamp_min(1)
    return points[torch.arange(len(points)), index.to(points.device)].unsqueeze(1)
