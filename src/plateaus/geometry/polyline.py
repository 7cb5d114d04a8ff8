"""Batches of polylines ``(..., K, d)``: samples on their legs, tangents, and nodes spread anew."""

from __future__ import annotations

import torch
from torch import Tensor


def sampled(nodes: Tensor, dense: int) -> Tensor:
    """``dense`` equal parts of every leg: ``(..., (K - 1) dense + 1, d)``, nodes included
    exactly.
    """
    t = torch.arange(dense, device=nodes.device, dtype=nodes.dtype)[:, None] / dense
    start, end = nodes[..., :-1, None, :], nodes[..., 1:, None, :]
    inner = (start + t * (end - start)).flatten(-3, -2)
    return torch.cat([inner, nodes[..., -1:, :]], dim=-2)


def tangents(nodes: Tensor) -> Tensor:
    """Unit vectors along the path at each node, from its two neighbours; ``(..., K, d)``."""
    between = torch.cat(
        [
            nodes[..., 1:2, :] - nodes[..., :1, :],
            nodes[..., 2:, :] - nodes[..., :-2, :],
            nodes[..., -1:, :] - nodes[..., -2:-1, :],
        ],
        dim=-2,
    )
    return between / between.norm(dim=-1, keepdim=True).clamp_min(1e-12)


def respaced(nodes: Tensor, weights: Tensor | None = None) -> Tensor:
    """K nodes on the same polyline at equal distances, each leg's length multiplied by ``weights``
    ``(..., K - 1)``.

    Both ends stay where they are. Corners are cut a little: the new legs are chords of the old
    path.
    """
    legs = nodes.diff(dim=-2).norm(dim=-1)
    legs = (legs if weights is None else legs * weights).double()
    run = torch.cat([torch.zeros_like(legs[..., :1]), legs.cumsum(-1)], dim=-1)
    wanted = run[..., -1:] * torch.linspace(
        0, 1, nodes.shape[-2], device=nodes.device, dtype=run.dtype
    )
    leg = (torch.searchsorted(run.contiguous(), wanted.contiguous(), right=True) - 1).clamp(
        0, nodes.shape[-2] - 2
    )
    share = (wanted - run.gather(-1, leg)) / legs.gather(-1, leg).clamp_min(1e-30)
    pick = leg[..., None].expand(*leg.shape, nodes.shape[-1])
    start, end = nodes[..., :-1, :].gather(-2, pick), nodes[..., 1:, :].gather(-2, pick)
    spread = start + share.clamp(0, 1)[..., None].to(nodes.dtype) * (end - start)
    spread[..., 0, :], spread[..., -1, :] = nodes[..., 0, :], nodes[..., -1, :]
    return spread
