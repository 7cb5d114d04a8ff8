"""Paths and surfaces through an activation space R^d.

Each function returns points; what a network does to them is another matter. End points may carry
leading batch axes: ``(..., d)`` in, ``(..., steps, d)`` out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plateaus.errors import BadPath


def fractions(steps: int, *, like: Tensor | None = None) -> Tensor:
    """``steps`` equally spaced alpha in [0, 1], both ends included; shape ``(steps,)``."""
    if not isinstance(steps, int) or steps < 2:
        raise BadPath(
            f"A path needs a whole number of at least 2 steps, got {steps!r}: give steps=50, say."
        )
    alpha = torch.linspace(0, 1, steps, dtype=torch.float64)
    return alpha if like is None else alpha.to(device=like.device, dtype=like.dtype)


def segment(a: Tensor, b: Tensor, *, steps: int = 50) -> Tensor:
    """a + alpha (b - a): the straight path of Janiak et al.; shape ``(..., steps, d)``.

    Both ends are hit exactly, not only up to rounding.
    """
    a, b = _ends(a, b)
    alpha = fractions(steps, like=a)[:, None]
    return torch.lerp(a.unsqueeze(-2), b.unsqueeze(-2), alpha)


def slerp(a: Tensor, b: Tensor, *, steps: int = 50) -> Tensor:
    """Great-circle interpolation of the directions with the norm interpolated linearly.

    Shinkle & Heimersheim's path. The angle is measured in float64 with atan2, which is right for
    obtuse angles and for nearly parallel vectors, where acos of a dot product is not.

    Raises:
        BadPath: a zero vector has no direction; opposite vectors have no unique great circle.
    """
    a, b = _ends(a, b)
    p, q = a.double(), b.double()
    na, nb = p.norm(dim=-1, keepdim=True), q.norm(dim=-1, keepdim=True)
    if (na == 0).any() or (nb == 0).any():
        raise BadPath(
            "A spherical path needs directions, and the zero vector has none: use a segment "
            "instead."
        )
    u, v = p / na, q / nb
    angle = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    if (torch.pi - angle < 1e-6).any():
        raise BadPath(
            "A spherical path between opposite vectors is not unique: move one end or use a "
            "segment."
        )
    alpha = fractions(steps, like=p)[:, None]
    angle, u, v = angle.unsqueeze(-2), u.unsqueeze(-2), v.unsqueeze(-2)
    # sin(t angle) / sin(angle) -> t as the vectors become parallel; there the chord is the arc.
    parallel = angle < 1e-8
    sine = torch.where(parallel, torch.ones_like(angle), angle.sin())
    wa = torch.where(parallel, 1 - alpha, ((1 - alpha) * angle).sin() / sine)
    wb = torch.where(parallel, alpha, (alpha * angle).sin() / sine)
    points = (wa * u + wb * v) * torch.lerp(na.unsqueeze(-2), nb.unsqueeze(-2), alpha)
    points = points.to(a.dtype)
    points[..., 0, :], points[..., -1, :] = a, b
    return points


def ray(a: Tensor, direction: Tensor, *, length: float | None = None, steps: int = 50) -> Tensor:
    """a + alpha * length * direction / |direction|: the straight mode of Heimersheim & Mendel.

    Args:
        length: where the ray ends; by default |a|, as there.
    """
    u = _unit(direction.to(a))
    reach = a.norm(dim=-1, keepdim=True) if length is None else torch.as_tensor(length).to(a)
    return segment(a, a + reach * u, steps=steps)


def sphere_ray(a: Tensor, direction: Tensor, *, degrees: float = 180.0, steps: int = 50) -> Tensor:
    """Rotate a at constant norm from theta = 0 to ``degrees`` towards ``direction``: the sphere
    mode.

    Only the part of ``direction`` orthogonal to a matters: it names the meridian.
    """
    u = _unit(a)
    v = _unit(direction.to(a))
    tangent = v - (v * u).sum(-1, keepdim=True) * u
    if (tangent.norm(dim=-1) < 1e-6).any():
        raise BadPath(
            "A sphere ray was given a direction parallel to its base point: give one that names a "
            "meridian."
        )
    tangent = _unit(tangent)
    theta = (fractions(steps, like=a) * torch.pi * degrees / 180)[:, None]
    norm = a.norm(dim=-1, keepdim=True).unsqueeze(-2)
    return norm * (theta.cos() * u.unsqueeze(-2) + theta.sin() * tangent.unsqueeze(-2))


def plane(
    a: Tensor,
    b: Tensor,
    c: Tensor,
    *,
    steps: int = 50,
    alpha: tuple[float, float] = (-0.25, 1.25),
    beta: tuple[float, float] = (-0.25, 1.25),
) -> Tensor:
    """Janiak's slice X = a + alpha (b - a) + beta (c - p), p the projection of c on the line ab.

    Returns:
        ``(steps, steps, d)``; first axis beta (upwards in a picture), second alpha.
    """
    e1, e2 = plane_axes(a, b, c)
    s = torch.linspace(*alpha, steps).to(a)[None, :, None]
    t = torch.linspace(*beta, steps).to(a)[:, None, None]
    return a + s * e1 + t * e2


def plane_axes(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The two orthogonal edge vectors (b - a, c - p) of Janiak's slice, each ``(d,)``."""
    a, b = _ends(a, b)
    e1 = b - a
    e2 = (c - a) - ((c - a) @ e1) / (e1 @ e1) * e1
    if e2.norm() <= 1e-6 * (c - a).norm():
        raise BadPath(
            "The three points of a plane lie on one line: choose a third point off the line "
            "through a and b."
        )
    return e1, e2


def grid(low: tuple[float, float], high: tuple[float, float], *, steps: int = 50) -> Tensor:
    """Points of the input plane R^2 itself: ``(steps, steps, 2)``, first axis y, second x."""
    x, y = torch.linspace(low[0], high[0], steps), torch.linspace(low[1], high[1], steps)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def _ends(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    a, b = torch.broadcast_tensors(torch.as_tensor(a), torch.as_tensor(b))
    if not a.is_floating_point():
        a, b = a.float(), b.float()
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise BadPath(
            "A path was given an end point with NaN or infinite coordinates: both ends must be "
            "finite."
        )
    if (a == b).all(dim=-1).any():
        raise BadPath(
            "A path was given two identical end points: a and b must differ for it to lead "
            "anywhere."
        )
    return a, b


def _unit(v: Tensor) -> Tensor:
    norm = v.norm(dim=-1, keepdim=True)
    if (norm == 0).any():
        raise BadPath(
            "A ray needs a direction and a base point other than the zero vector: give both."
        )
    return v / norm
