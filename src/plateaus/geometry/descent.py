"""Bending polylines ``(P, R, K, d)`` downhill: R paths of K nodes for each of P pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from plateaus.geometry.polyline import respaced, sampled, tangents

Heights = Callable[[Tensor], Tensor]


def bows(a: Tensor, b: Tensor, nodes: int, restarts: int, bow: float, seed: int) -> Tensor:
    """Straight, then bowed paths ``(P, R, K, d)``: a + t (b - a) + bow |b - a| sin(pi t) u, u
    across the segment.
    """
    generator = torch.Generator().manual_seed(seed)
    pairs, d = a.shape
    u = torch.randn(pairs, restarts, d, generator=generator, dtype=torch.float64).to(a)
    along = ((b - a) / (b - a).norm(dim=-1, keepdim=True))[:, None]
    u = u - (u * along).sum(-1, keepdim=True) * along
    u = (
        u
        / u.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        * (b - a).norm(dim=-1)[:, None, None]
        * bow
    )
    u[:, 0] *= 1e-3  # nearly straight: exactly so, a symmetric ridge has no gradient to either side
    t = torch.linspace(0, 1, nodes, dtype=a.dtype, device=a.device)[:, None]
    path = (
        torch.lerp(a[:, None, None], b[:, None, None], t) + torch.sin(torch.pi * t) * u[:, :, None]
    )
    path[:, :, 0], path[:, :, -1] = a[:, None], b[:, None]
    return path


def descend(
    height: Heights,
    paths: Tensor,
    *,
    steps: int,
    shell: tuple[float, float] | None,
    below: float | Tensor | None,
) -> Tensor:
    """The lowest version of each path met on the way, ``(P, R, K, d)``."""
    length = (paths[:, :, -1] - paths[:, :, 0]).norm(dim=-1)[..., None, None]
    x, best = paths.clone(), paths.clone()
    lowest = torch.full(paths.shape[:2], torch.inf, device=paths.device, dtype=torch.float64)
    first = second = torch.zeros_like(x)
    for step in range(steps):
        x = respaced(x, _weights(height, x) if step % 10 == 0 else None) if step % 5 == 0 else x
        x = _within(x, shell)
        left = 1 - step / steps
        h, gradient = _soft_gradient(height, x, temperature=0.02 + 0.3 * left**2)
        better = h.amax(-1) < lowest
        lowest, best = (
            torch.where(better, h.amax(-1), lowest),
            torch.where(better[..., None, None], x, best),
        )
        if below is not None and bool((lowest.amin(1) < below).all()):
            break
        across = tangents(x)
        gradient = gradient - (gradient * across).sum(-1, keepdim=True) * across
        # Adam with one scale for each path: directions keep their proportions.
        first = 0.8 * first + 0.2 * gradient
        second = 0.95 * second + 0.05 * gradient.square().sum(-1, keepdim=True).amax(
            -2, keepdim=True
        )
        size = (second / (1 - 0.95 ** (step + 1))).sqrt().clamp_min(1e-30)
        move = 0.05 * (0.1 + 0.9 * left) * length * first / (1 - 0.8 ** (step + 1)) / size
        move[:, :, 0] = move[:, :, -1] = 0
        x = x - move
    return best


def _soft_gradient(height: Heights, x: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    """h at nodes and midpoints, ``(P, R, 2K - 1)``, and the gradient by nodes of temperature * log
    sum exp(h / temperature).

    The temperature is in units of each path's own maximum.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        h = height(sampled(x, 2))
        scale = h.detach().amax(-1, keepdim=True).clamp_min(1e-30)
        (gradient,) = torch.autograd.grad(
            (temperature * (h / scale / temperature).logsumexp(-1)).sum(), x
        )
    return h.detach(), gradient


def _weights(height: Heights, x: Tensor) -> Tensor:
    """How densely nodes should stand on each leg, ``(P, R, K - 1)``: three times denser at the top
    than at the bottom.
    """
    with torch.no_grad():
        h = height(x)
    leg = torch.maximum(h[..., 1:], h[..., :-1])
    return (1 + 2 * (leg / leg.amax(-1, keepdim=True).clamp_min(1e-30)) ** 4).to(x.dtype)


def _within(x: Tensor, shell: tuple[float, float] | None) -> Tensor:
    if shell is None:
        return x
    norm = x.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    inner = x * (norm.clamp(*shell) / norm)
    inner[:, :, 0], inner[:, :, -1] = x[:, :, 0], x[:, :, -1]
    return inner


def peaks(height: Heights, paths: Tensor, dense: int) -> Tensor:
    """max of the height over ``dense`` samples of each leg, ``(P, R)``."""
    with torch.no_grad():
        return height(sampled(paths, dense)).amax(-1)
