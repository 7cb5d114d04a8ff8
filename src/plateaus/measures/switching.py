"""Where along a path neurons change sides, and how many do so between two places of it."""

from __future__ import annotations

import torch
from torch import Tensor


def sign_changes(z: Tensor) -> tuple[Tensor, Tensor]:
    """All sign changes of pre-activations ``(P, steps, m)``: numbers of their paths, int64, and
    their alphas from 0 to 1, float64; both ``(k,)``.

    Each is placed between two steps by a straight line; what goes to and fro between two steps is
    not seen.
    """
    on = z > 0
    path, step, unit = (on[:, 1:] != on[:, :-1]).nonzero(as_tuple=True)
    before, after = z[path, step, unit].double(), z[path, step + 1, unit].double()
    return path, (step + before / (before - after)) / (z.shape[1] - 1)


def between(path: Tensor, alpha: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """How many sign changes each path has from alpha = low to high ``(P,)``; NaN where a bound is;
    ``(P,)``, float64.
    """
    inside = (low[path] <= alpha) & (alpha <= high[path])
    found = torch.bincount(path[inside], minlength=len(low)).double()
    return torch.where(torch.isnan(low) | torch.isnan(high), torch.nan, found)
