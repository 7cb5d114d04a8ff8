"""What the measurements behind a curve cost in closed form or forward mode, against the plain ways:
dense Jacobians, row by row and point by point, and whole prompts for every point of a plane.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad as forward

from plateaus.bench.bound import shares
from plateaus.bench.plain import patched
from plateaus.bench.timing import median_seconds
from plateaus.errors import UnsupportedModel
from plateaus.geometry import paths
from plateaus.measures import exponents
from plateaus.measures.jacobians import NormOf
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.network import Network
from plateaus.networks.perceptron import perceptron

PATHS, SIDE = 100, 31
"""Paths that share one layer's kernel, and points on the side of a plane; exponents are taken at a
quarter of its points.
"""
DENSE, ROWS = 2, 32
"""Points at which a dense Jacobian is taken, and rows of that through all blocks; the others would
cost as much each.
"""


def rows(
    lm: LanguageModel, raw: nn.Module, prompt: Tensor, points: Tensor, *, patch: int, repeats: int
) -> dict[str, dict[str, Any]]:
    """Each measurement at ``points`` ``(steps, d)`` that enter block ``patch`` of ``prompt``:
    seconds for all points, how many times as long the plain way takes, and how far apart they are.
    """
    net = lm.at(prompt[:, :-1])
    tail, across = net[patch:], corners(points)
    few_across = across[::4]
    velocity = torch.gradient(points, spacing=1 / (len(points) - 1), dim=0)[0]
    first = points[0], velocity[0]
    once = partial(median_seconds, repeats=1, device=lm.device)
    often = partial(timed, repeats=repeats, device=lm.device)
    plane = partial(patched, raw, prompt[0], across, patch=patch, batch=len(points))
    few, more = (once(lambda n=n: dense_velocity(tail, *first, n)) for n in (ROWS // 2, ROWS))
    # A forward pass and so many rows; only the rows are as many as the stream has dimensions.
    dense_at_once = more + (lm.d - ROWS) * max(0, more - few) / (ROWS - ROWS // 2)
    fast = velocities(tail, points[:1], velocity[:1])[0, :ROWS], dense_velocity(tail, *first, ROWS)
    frame = exponents.frame(points[-1] - points[0], across[-1] - across[0]).to(points)
    one = dense_velocity(tail, across[0], frame[0], ROWS)
    found = {
        "directional_speed": row(
            often(lambda: velocities(tail, points, velocity)),
            dense_at_once,
            *fast,
            points=len(points),
        ),
        "slice_2d": row(
            often(lambda: tail(across)),
            once(plane) / len(across),
            tail(across),
            plane(),
            points=len(across),
        ),
        "exponent_field": row(
            often(lambda: stretched(tail, few_across, frame)),
            dense_at_once,
            stretched(tail, across[:1], frame)[0, 0, :ROWS],
            one,
            points=len(few_across),
        ),
    }
    try:
        mlp = perceptron(net.blocks[patch], points[:2])
    except UnsupportedModel:  # such as an MLP beside the attention: no closed form here
        return found
    ready, many = NormOf(mlp=mlp), points.repeat(PATHS, 1)
    ready(points)  # its kernel is made here, once
    dense = once(lambda: dense_norms(mlp, points[:DENSE])) / DENSE
    far = NormOf(mlp=mlp)(points[:DENSE]), dense_norms(mlp, points[:DENSE])
    alone, shared = often(lambda: NormOf(mlp=mlp)(points)), often(lambda: ready(many))
    return found | {
        "mlp_jacobian_one_path": row(alone, dense, *far, points=len(points)),
        "mlp_jacobian_per_point_shared": row(shared, dense, *far, points=len(many)),
    }


def timed(way: Callable[[], Tensor], *, repeats: int, device: torch.device) -> dict[str, Any]:
    """Median seconds, and what they are spent on."""
    seconds = median_seconds(way, repeats, device)
    return {"seconds": seconds, "shares": shares(way, device)}


def row(ours: dict[str, Any], plain: float, x: Tensor, y: Tensor, *, points: int) -> dict[str, Any]:
    """``ours``: of all points; ``plain``: seconds for one, which is what it repeats."""
    return {
        "points": points,
        **ours,
        "times ours": points * plain / ours["seconds"],
        "relative difference": ((x - y).norm() / y.norm()).item(),
    }


def corners(points: Tensor) -> Tensor:
    """A plane ``(SIDE², d)`` through both ends of a path and a third point."""
    draw = torch.Generator().manual_seed(0)
    third = torch.randn(points.shape[1], generator=draw).to(points) * points.std()
    return paths.plane(points[0], points[-1], third, steps=SIDE).flatten(0, 1)


def dense_norms(mlp: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """|DF|_F ``(n,)`` by reverse mode, point by point."""
    return torch.stack([torch.func.jacrev(mlp)(x).norm() for x in points])


@torch.no_grad()
def velocities(tail: Network, points: Tensor, velocity: Tensor) -> Tensor:
    """Df v ``(n, d)`` by one pass of dual numbers."""
    with forward.dual_level():
        moved = forward.unpack_dual(tail(forward.make_dual(points.contiguous(), velocity)))
        return moved.tangent.clone()


def stretched(tail: Network, points: Tensor, frame: Tensor) -> Tensor:
    """Both directions of a plane pushed through all blocks, ``(n, 2, d)``: what the exponents of a
    field are made of.
    """
    return exponents.pushed(tail, points, frame)


def dense_velocity(tail: Network, x: Tensor, v: Tensor, rows: int) -> Tensor:
    """The first ``rows`` numbers of the same at one point, by as many rows of the Jacobian of all
    blocks in reverse mode.
    """
    x = x.detach().clone().requires_grad_()
    y = tail(x[None])[0]
    found = [
        torch.autograd.grad(y[i], x, retain_graph=True)[0] @ v for i in range(min(rows, len(y)))
    ]
    return torch.stack(found)
