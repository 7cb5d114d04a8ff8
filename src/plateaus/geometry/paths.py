"""Paths and surfaces through an activation space R^d.

Each function returns points; what a network does to them is another matter. End points may carry
leading batch axes: ``(..., d)`` in, ``(..., steps, d)`` out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plateaus.errors import BadPath
from plateaus.geometry import checks


def fractions(steps: int, *, like: Tensor | None = None) -> Tensor:
    """``steps`` equally spaced alpha in [0, 1], both ends included; shape ``(steps,)``."""
    alpha = torch.linspace(0, 1, checks.steps(steps), dtype=torch.float64)
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
    a, direction = _pair(a, direction)
    u = _unit(direction)
    if length is None:
        reach = a.norm(dim=-1, keepdim=True)
    else:
        reach = torch.as_tensor(checks.real(length, "The length of a ray")).to(a)
    return segment(a, a + reach * u, steps=steps)


def sphere_ray(a: Tensor, direction: Tensor, *, degrees: float = 180.0, steps: int = 50) -> Tensor:
    """Rotate a at constant norm from theta = 0 to ``degrees`` towards ``direction``: the sphere
    mode.

    Only the part of ``direction`` orthogonal to a matters: it names the meridian.
    """
    a, direction = _pair(a, direction)
    degrees = checks.real(degrees, "The angle of a sphere ray, in degrees,")
    u, v = _unit(a), _unit(direction)
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
    steps: int = 49,
    alpha: tuple[float, float] = (-0.25, 1.25),
    beta: tuple[float, float] = (-0.25, 1.25),
) -> Tensor:
    """Janiak's slice X = a + alpha (b - a) + beta (c - p), p the projection of c on the line ab.

    Returns:
        ``(steps, steps, d)``; first axis beta (upwards in a picture), second alpha. With the
        default window and 49 steps a, b and the foot of c are among the points.
    """
    e1, e2 = plane_axes(a, b, c)
    s, t = (_range(window, checks.steps(steps), e1) for window in (alpha, beta))
    return checks.tensor(a).to(e1) + s[None, :, None] * e1 + t[:, None, None] * e2


def plane_axes(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The two orthogonal edge vectors (b - a, c - p) of Janiak's slice, each ``(d,)``."""
    a, b = _ends(a, b)
    a, c = _pair(a, c)
    if a.ndim != 1:
        raise BadPath(
            f"A plane is spanned by three single points, got shape {tuple(a.shape)}: give points "
            "of shape (d,)."
        )
    e1 = b - a
    e2 = (c - a) - ((c - a) @ e1) / (e1 @ e1) * e1
    if e2.norm() <= 1e-6 * (c - a).norm():
        raise BadPath(
            "The three points of a plane lie on one line: choose a third point off the line "
            "through a and b."
        )
    return e1, e2


def grid(low: tuple[float, float], high: tuple[float, float], *, steps: int = 50) -> Tensor:
    """Points of the input plane R^2 itself: ``(steps, steps, 2)``, first axis y, second x.

    Raises:
        BadPath: the corners are not two finite numbers each, or enclose no area.
    """
    low, high = (_pair(corner, (0.0, 0.0))[0] for corner in (low, high))
    if not (low < high).all():
        raise BadPath(
            f"A grid runs from its lower left to its upper right corner, got {low.tolist()} and "
            f"{high.tolist()}: give (x, y) twice, the second larger in both."
        )
    low, high, like = low.tolist(), high.tolist(), torch.zeros(0)
    x, y = (_range(ends, checks.steps(steps), like) for ends in zip(low, high, strict=True))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def _range(ends: tuple[float, float], steps: int, like: Tensor) -> Tensor:
    try:
        low, high = (checks.real(float(v), "The end of a window") for v in ends)
    except (TypeError, ValueError):
        raise BadPath(
            f"A window of a plane is two numbers, got {ends!r}: give (low, high)."
        ) from None
    return torch.linspace(low, high, steps).to(like)


def _pair(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Two finite vectors, or batches of them, of one space."""
    a, b = checks.tensor(a), checks.tensor(b)
    a = a if a.is_floating_point() else a.float()
    b = b.to(a)
    try:
        if min(a.ndim, b.ndim) == 0 or a.shape[-1] != b.shape[-1]:
            raise RuntimeError
        a, b = torch.broadcast_tensors(a, b)
    except RuntimeError:
        raise BadPath(
            f"A path lies in one space, got points of shapes {tuple(a.shape)} and "
            f"{tuple(b.shape)}: their last axes must be equal and the others fit together."
        ) from None
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise BadPath(
            "A path was given NaN or infinite coordinates: its ends and directions must be finite."
        )
    return a, b


def _ends(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    a, b = _pair(a, b)
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
