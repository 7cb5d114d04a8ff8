"""The delta-chain of the proposal's Remark 3.4: balls along a trajectory, as samples show them."""

from __future__ import annotations

import torch
from torch import Tensor

from plateaus.errors import BadRadius
from plateaus.geometry import checks
from plateaus.networks.network import Block, Network
from plateaus.shapes import takes

FINE = 200
"""Radii among which the largest ball of a chain is sought."""


@takes("a Network of R^d to itself, a point (d,), a radius above 0 and directions (k, d)")
def chain(
    net: Network, a: Tensor, radius: float, directions: Tensor, *, steep: int = 0, fine: int = FINE
) -> tuple[Tensor, Tensor]:
    """The chain around one trajectory, as far as samples show.

    Backwards from the last state, where the ball has the given radius: delta_i is the largest of
    radii so small that every sampled point of the ball is carried into the next ball.

    Args:
        a: ``(d,)``; directions: unit vectors ``(k, d)``; all blocks map R^d to itself.
        steep: how many of the steepest directions of each block's derivative are looked along too,
            to both sides: in many dimensions those that were drawn miss them.
        fine: among how many radii the largest is sought.

    Returns:
        delta_0 ... delta_n, ``(n + 1,)``, and the largest radius around a itself whose sampled
        points end within ``radius``: no smaller than delta_0.
    """
    if checks.not_negative(radius, "The radius of a chain") == 0:
        raise BadRadius("A chain is that of a ball, got radius 0: give a number above 0.")
    checks.whole(fine, "The number of radii, fine,", least=1)
    checks.whole(steep, "The number of steepest directions, steep,", least=0)
    with torch.no_grad():
        states = net.trace(a)
    found = [radius]
    for g, x in zip(reversed(net.blocks), reversed(states[:-1]), strict=True):
        found.append(_largest(g, x, found[-1], _with_steepest(g, x, directions, steep), fine))
    whole = lambda z: net.trace(z)[-1]  # noqa: E731
    seen = _with_steepest(whole, states[0], directions, steep)
    direct = _largest(whole, states[0], radius, seen, fine)
    return torch.tensor(found[::-1], dtype=torch.float64), torch.tensor(direct)


def _with_steepest(g: Block, x: Tensor, directions: Tensor, steep: int) -> Tensor:
    """``directions`` and, to both sides, the first right singular vectors of Dg(x)."""
    if not steep:
        return directions
    unit = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    with torch.no_grad():
        columns = torch.func.jvp(g, (x.expand_as(unit).contiguous(),), (unit,))[1]
    first = torch.linalg.svd(columns.T.double()).Vh[:steep].to(directions)
    return torch.cat([directions, first, -first])


def _largest(g: Block, x: Tensor, radius: float, directions: Tensor, fine: int) -> float:
    """The largest of ``fine`` radii up to four times ``radius`` such that it and all smaller ones
    are carried within ``radius``, in every direction."""
    radii = 4 * radius * torch.arange(1, fine + 1, dtype=x.dtype, device=x.device) / fine
    points = x + radii[:, None, None] * directions.to(x)
    with torch.no_grad():
        y, centre = g(points.reshape(-1, x.shape[-1])), g(x[None])
    away = (y - centre).norm(dim=-1).reshape(fine, -1).amax(-1)
    within = (away < radius).int().cumprod(0).sum()
    return float(radii[within - 1]) if within else 0.0
