"""Curves along a path: how far the output has moved, and how sharply.

Every function takes outputs ``y`` of shape ``(..., steps, c)`` along a path from a (step 0) to b
(last step), or a curve ``(..., steps)``, and works on all leading axes at once. Distances are
computed in
float64: near a plateau they are differences of almost equal numbers.
"""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPath, BadPoints, BadRadius
from plateaus.shapes import takes


def _outputs(y: Tensor) -> Tensor:
    """Outputs along a path, ``(..., steps, c)``, in float64.

    Raises:
        BadPoints: no such array of real numbers.
    """
    try:
        y = torch.as_tensor(y)
    except (TypeError, ValueError, RuntimeError):
        raise BadPoints(
            f"Outputs along a path are an array (..., steps, c), got {type(y).__name__}: give one."
        ) from None
    if y.ndim < 2 or not y.shape[-2] or y.is_complex():
        raise BadPoints(
            f"Outputs along a path are real numbers (..., steps, c), got {y.dtype} of shape "
            f"{tuple(y.shape)}: give one row for each step."
        )
    return y.double()


def distance(y: Tensor) -> Tensor:
    """d(alpha) = |y(alpha) - y(0)|_2, Janiak et al.; ``(..., steps)``, units of the output
    space.
    """
    y = _outputs(y)
    return (y - y[..., :1, :]).norm(dim=-1)


def normalised_distance(y: Tensor) -> Tensor:
    """d(alpha) / d(1), dimensionless; may exceed 1. NaN where the two ends have the same output."""
    d = distance(y)
    return d / d[..., -1:]


def relative_distance(y: Tensor) -> Tensor:
    """rho = |y - y_a| / (|y - y_a| + |y - y_b|) in [0, 1], Shinkle & Heimersheim; ``(...,
    steps)``.
    """
    y = _outputs(y)
    to_a, to_b = (y - y[..., :1, :]).norm(dim=-1), (y - y[..., -1:, :]).norm(dim=-1)
    return to_a / (to_a + to_b)


def projection(y: Tensor) -> Tensor:
    """Position of y along the chord from y_a to y_b: 0 at a, 1 at b, unbounded between."""
    y = _outputs(y)
    start, chord = y[..., :1, :], y[..., -1:, :] - y[..., :1, :]
    return ((y - start) * chord).sum(-1) / chord.square().sum(-1)


def arc_length(y: Tensor) -> Tensor:
    """Fraction of the output polyline's length travelled by each step; monotone from 0 to 1."""
    y = _outputs(y)
    travelled = torch.cat(
        [torch.zeros_like(y[..., :1, 0]).double(), step_sizes(y).cumsum(-1)], dim=-1
    )
    return travelled / travelled[..., -1:]


def step_sizes(y: Tensor) -> Tensor:
    """|y_{k+1} - y_k|_2, shape ``(..., steps - 1)``, units of the output space per step."""
    return _outputs(y).diff(dim=-2).norm(dim=-1)


def kl(logits: Tensor) -> Tensor:
    """KL(p_a || p(alpha)) in nats, from logits ``(..., steps, vocabulary)``."""
    log_p = _outputs(logits).log_softmax(-1)
    base = log_p[..., :1, :]
    return (base.exp() * (base - log_p)).sum(-1).clamp_min(0)


def root_jsd(logits: Tensor) -> Tensor:
    """sqrt of the Jensen-Shannon divergence to p_a, in sqrt(nats): a metric, at most sqrt(log
    2).
    """
    log_p = _outputs(logits).log_softmax(-1)
    p = log_p.exp()
    base, log_base = p[..., :1, :], log_p[..., :1, :]
    log_middle = (
        ((p + base) / 2).clamp_min(torch.finfo(p.dtype).tiny).log()
    )  # where both vanish, so do their terms
    halves = (base * (log_base - log_middle)).sum(-1) + (p * (log_p - log_middle)).sum(-1)
    return (halves / 2).clamp_min(0).sqrt()


@takes("logits (..., steps, vocabulary), a tensor")
def logit_difference(logits: Tensor) -> Tensor:
    """Janiak et al., figure 2c: logit of A's top prediction minus that of B's, rescaled.

    0 at A and 1 at B, ``(..., steps)`` from ``(..., steps, vocabulary)``; NaN where the two ends
    predict the same.
    """
    top_a, top_b = logits[..., 0, :].argmax(-1), logits[..., -1, :].argmax(-1)
    gap = _logit_of(top_a, logits) - _logit_of(top_b, logits)
    start, end = gap[..., :1], gap[..., -1:]
    scaled = (start - gap) / (start - end)
    return torch.where((top_a == top_b).unsqueeze(-1), torch.nan, scaled)


def _logit_of(token: Tensor, logits: Tensor) -> Tensor:
    index = token[..., None, None].expand(*logits.shape[:-1], 1)
    return logits.gather(-1, index).squeeze(-1).double()


@takes("a curve (..., steps) of 2 steps or more, a tensor")
def maximum_slope(curve: Tensor) -> Tensor:
    """Largest finite-difference slope over alpha in [0, 1]; a straight curve from 0 to 1 has 1.

    It understates the true maximum, and is at most steps - 1 for a curve in [0, 1].
    """
    return curve.diff(dim=-1).amax(-1) * (curve.shape[-1] - 1)


@takes("a curve (..., steps), a tensor, and a level")
def crossing(curve: Tensor, level: float) -> Tensor:
    """First alpha at which the curve reaches ``level``, linear between steps; NaN if it never
    does.
    """
    curve = torch.as_tensor(curve)
    if not curve.ndim or not curve.shape[-1] or not isinstance(level, Real) or level != level:
        raise BadParameter(
            f"A level is a number that a curve (..., steps) may reach, got {level!r} and a curve "
            f"of shape {tuple(curve.shape)}: give both."
        )
    reached = curve >= level
    k = reached.int().argmax(-1)
    after = curve.gather(-1, k.unsqueeze(-1)).squeeze(-1)
    before = curve.gather(-1, (k - 1).clamp_min(0).unsqueeze(-1)).squeeze(-1)
    part = torch.where(
        k > 0, (level - before) / torch.where(after > before, after - before, 1.0), 0.0
    )
    alpha = ((k - 1).clamp_min(0) + part) / (curve.shape[-1] - 1)
    return torch.where(reached.any(-1), alpha, torch.nan)


@takes("a curve (..., steps), a tensor, and two levels")
def width(curve: Tensor, *, low: float = 0.1, high: float = 0.9) -> Tensor:
    """alpha(curve = high) - alpha(curve = low): how much of the path the jump takes; linear = high
    - low.
    """
    return crossing(curve, high) - crossing(curve, low)


@takes("a curve (..., steps), a tensor, and a radius or one for each curve")
def half_exit_index(curve: Tensor, radius: float | Tensor) -> Tensor:
    """phi = d(t*/2) / (r/2), t* the first alpha with d >= r: 1 for every affine map, near 0 on a
    plateau.

    Args:
        curve: d(alpha), ``(..., steps)``, in the units of ``radius``.
    """
    if not isinstance(radius, Tensor) and not (isinstance(radius, Real) and 0 < radius < torch.inf):
        raise BadRadius(f"A plateau's radius is a number above 0, got {radius!r}: give one.")
    if curve.shape[-1:] < (2,):
        raise BadPath(f"A curve has at least 2 steps, got shape {tuple(curve.shape)}: give more.")
    radius = torch.as_tensor(radius, dtype=curve.dtype)
    if not ((radius > 0) & torch.isfinite(radius)).all():
        raise BadRadius(
            f"Radii are numbers above 0, got {radius.min():g} as the least: give others."
        )
    exit_at = crossing(curve / radius.unsqueeze(-1) if radius.ndim else curve / radius, 1.0)
    position = (exit_at / 2 * (curve.shape[-1] - 1)).unsqueeze(-1)
    k = position.nan_to_num(0).floor().long().clamp(0, curve.shape[-1] - 2)
    left, right = curve.gather(-1, k).squeeze(-1), curve.gather(-1, k + 1).squeeze(-1)
    half = torch.lerp(left, right, position.squeeze(-1) - k.squeeze(-1))
    return half / (radius / 2)
