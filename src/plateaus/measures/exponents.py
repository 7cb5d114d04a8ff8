"""Finite-time Lyapunov exponents: how fast blocks stretch the neighbourhood of a point.

With s_1 >= s_2 >= ... the singular values of Df(x), the exponents are log(s_i) / n for n blocks. On
a slice only the derivatives along an orthonormal frame of it are taken: their singular values are
at most those of Df(x), so that an exponent of a slice is a lower bound of the full one.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from plateaus.errors import BadPoints
from plateaus.geometry import checks
from plateaus.networks.network import Network
from plateaus.shapes import takes


@takes("one to d vectors (d,), tensors")
def frame(*vectors: Tensor) -> Tensor:
    """An orthonormal frame ``(k, d)`` of the space that vectors ``(d,)`` span, in their order.

    Raises:
        BadPoints: they are dependent.
    """
    rows = torch.stack(vectors).double()
    q, r = torch.linalg.qr(rows.T)
    if not (r.diagonal().abs() > 1e-9 * rows.norm(dim=-1)).all():  # NaN too
        raise BadPoints(
            "The vectors of a frame are dependent or not finite: give directions off each other."
        )
    return (q * r.diagonal().sign()).T


@takes("a Network, points (..., n, d) and directions (k, d)")
def pushed(net: Network, x: Tensor, directions: Tensor) -> Tensor:
    """Df(x) v for each direction: ``(..., n, d)`` and ``(k, d)`` to ``(..., n, k, c)``.

    f is the blocks alone, without the readout. One forward-mode product for each direction, all
    points at once.
    """
    x = net.check(x)
    through = lambda z: net.trace(z)[-1]  # noqa: E731
    with torch.no_grad():
        found = [torch.func.jvp(through, (x,), (v.to(x).expand_as(x),))[1] for v in directions]
    return torch.stack(found, dim=-2)


@takes("pushed frames (..., k, c), a tensor, and a number of blocks")
def exponents(images: Tensor, blocks: int) -> Tensor:
    """log(s_i) / n of pushed frames ``(..., k, c)``, largest first; ``(..., k)``, per block."""
    checks.whole(blocks, "The number of blocks", least=1)
    return torch.linalg.svdvals(images.double()).clamp_min(1e-300).log() / blocks


@takes("a Network and points (P, d)")
def spectra(net: Network, x: Tensor) -> Tensor:
    """log of the singular values of each block's derivative along the trajectories of points.

    Args:
        x: ``(P, d)`` for a network at P prompts, otherwise any ``(P, d)``.

    Returns:
        ``(blocks, P, d)``, largest first. The sum over the last axis is the block's log-volume,
        log |det|; those of all blocks add up to that of the network, exactly.
    """
    x, rows = net.check(x).unsqueeze(-2), []
    directions = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    for g in net.blocks:
        at = x.expand(*x.shape[:-2], len(directions), -1).contiguous()
        with torch.no_grad():
            out, images = torch.func.jvp(g, (at,), (directions.expand_as(at).contiguous(),))
        rows.append(torch.linalg.svdvals(images.double()).log())
        x = out[..., :1, :]
    return torch.stack(rows)


@takes("a mask (h, w), an array")
def edge(inside: np.ndarray) -> np.ndarray:
    """Nodes of a grid that have a neighbour on the other side of a set's boundary, ``(h, w)``."""
    found = np.zeros_like(inside)
    for axis in (0, 1):
        differ = np.diff(inside.astype(int), axis=axis) != 0
        pad = [(0, 0), (0, 0)]
        for side in ((0, 1), (1, 0)):
            pad[axis] = side
            found |= np.pad(differ, pad)
    return found


@takes("a field (h, w) of 2 by 2 nodes or more, an array")
def ridges(field: np.ndarray) -> np.ndarray:
    """Nodes of a grid on a ridge of a field ``(h, w)``, where it is above its median.

    Across the ridge, in the direction in which the field bends down most, it has its maximum
    within half a spacing of such a node. A field that bends nowhere has none.
    """
    slope = np.stack(np.gradient(field), -1)
    wide = np.pad(field, 1, mode="edge")
    down, right = (np.diff(wide, 2, axis=k) for k in (0, 1))
    mixed = np.gradient(slope[..., 0], axis=1)
    bend = np.stack([np.stack([down[:, 1:-1], mixed], -1), np.stack([mixed, right[1:-1]], -1)], -2)
    least, across = np.linalg.eigh(bend)
    least, across = least[..., 0], across[..., 0]
    bends = least < -1e-9 * np.abs(field).max()
    step = (slope * across).sum(-1) / np.where(bends, -least, 1)
    near = np.abs(step) * np.abs(across).max(-1) <= 0.5
    return bends & near & (field > np.median(field))


def widened(mask: np.ndarray) -> np.ndarray:
    """The nodes of a mask ``(h, w)`` and their eight neighbours."""
    wide = np.pad(mask, 1)
    return np.lib.stride_tricks.sliding_window_view(wide, (3, 3)).any((-1, -2))


@takes("a field (h, w) and a mask (h, w), arrays")
def overlap(field: np.ndarray, chosen: np.ndarray) -> float:
    """Chance that the field at a chosen node exceeds that at another; ties count half.

    1/2 where the field knows nothing of the choice, and for every constant field; NaN where all or
    none are chosen.
    """
    if field.shape != chosen.shape:
        raise ValueError("another shape")
    ranks = rankdata(np.round(field, 12)).reshape(field.shape)
    k = int(chosen.sum())
    others = chosen.size - k
    if not k or not others:
        return float("nan")
    return float((ranks[chosen].sum() - k * (k + 1) / 2) / (k * others))


def shifted(mask: np.ndarray) -> np.ndarray:
    """The mask moved by half a window in both directions, with what leaves coming in again."""
    return np.roll(mask, tuple(n // 2 for n in mask.shape), axis=(0, 1))
