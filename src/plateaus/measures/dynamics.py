"""Pairs of trajectories through depth: do they approach each other, block by block?

For two trajectories x_l, y_l through the same blocks, Delta_l = y_l - x_l (the sign is immaterial).
The quantities are absolute, in the declared Euclidean norm of the raw stream: a relative distance
cannot tell a shrinking interior from a growing boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadPoints
from plateaus.networks.network import Network
from plateaus.shapes import takes

EXACT = 1e-9
"""Relative error allowed in identities, which are checked in float64."""


@dataclass(frozen=True, kw_only=True)
class Contraction:
    """How blocks change the difference of pairs; all tensors float64, ``(blocks, ...)``.

    With Delta' = Delta + (update): p is the part of the update along Delta, in units of Delta, q
    the part across it, and **c^2 = (1 + p)^2 + q^2**. Contraction, c < 1, needs -2 < p < 0. A
    block between spaces of different dimensions has a c and no p and q: NaN.
    """

    ratio: Tensor
    """c_l = |Delta_{l+1}| / |Delta_l|."""
    parallel: Tensor
    """p_l."""
    transverse: Tensor
    """q_l >= 0."""
    first: Tensor
    """|Delta_0|, ``(...)``, units of the stream."""
    last: Tensor
    """|Delta_n|."""

    @property
    def log_total(self) -> Tensor:
        """log(|Delta_n| / |Delta_0|) = sum of log c_l, ``(...)``: negative where the pair has come
        closer.
        """
        return self.ratio.log().sum(0)

    @property
    def alignment(self) -> Tensor:
        """cos(F_l(y) - F_l(x), -Delta_l): 1 where the updates pull the pair straight together,
        ``(blocks, ...)``.
        """
        return -self.parallel / torch.hypot(self.parallel, self.transverse)


def identity_gap(ratio: Tensor, parallel: Tensor, transverse: Tensor) -> float:
    """Largest relative violation of c^2 = (1 + p)^2 + q^2, where there are p and q."""
    right = (1 + parallel).square() + transverse.square()
    return float(((ratio.square() - right).abs() / right).nan_to_num(nan=0).max())


def telescoping_gap(ratio: Tensor, first: Tensor, last: Tensor) -> float:
    """Largest violation of sum_l log c_l = log(|Delta_n| / |Delta_0|)."""
    return float((ratio.log().sum(0) - (last / first).log()).abs().max())


def contraction(x: Sequence[Tensor], y: Sequence[Tensor]) -> Contraction:
    """Contraction of the pairs (x, y), given their traces: two lists of n + 1 tensors ``(..., d)``.

    The identity for c^2 and the telescoping sum are asserted. Pass a ``Network`` in float64: the
    difference of two nearby float32 trajectories is mostly rounding.

    Raises:
        BadPoints: a pair is identical somewhere, so that its ratio has no meaning.
    """
    try:
        delta = [b.double() - a.double() for a, b in zip(x, y, strict=True)]
        size = torch.stack([d.norm(dim=-1) for d in delta])
        if len(delta) < 2:
            raise ValueError("no block in between")
    except (RuntimeError, ValueError, TypeError, AttributeError):
        raise BadPoints(
            "Traces are two lists of equally many states, 2 or more, at each depth of one shape: "
            "trace both ends of a pair through the same blocks."
        ) from None
    if not torch.isfinite(size).all():
        raise BadPoints(
            f"Trajectories are finite, got {int((~torch.isfinite(size)).sum())} differences that "
            "are NaN, infinite or too large for their squares: give others."
        )
    if (size == 0).any():
        raise BadPoints(
            "Two trajectories of a pair coincide, so their contraction ratio is undefined: "
            "give distinct points."
        )
    parts = [_parts(*pair) for pair in zip(delta, delta[1:], strict=False)]
    found = Contraction(
        ratio=size[1:] / size[:-1],
        parallel=torch.stack([p for p, _ in parts]),
        transverse=torch.stack([q for _, q in parts]),
        first=size[0],
        last=size[-1],
    )
    assert identity_gap(found.ratio, found.parallel, found.transverse) < EXACT, (
        "c^2 = (1 + p)^2 + q^2 is violated"
    )
    assert telescoping_gap(found.ratio, found.first, found.last) < EXACT, (
        "the contraction ratios do not telescope"
    )
    return found


def _parts(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """(p, q) of one block; NaN where it leads to a space of another dimension."""
    size = before.norm(dim=-1)
    if before.shape != after.shape:
        return (torch.full_like(size, torch.nan),) * 2
    update = after - before
    along = (before * update).sum(-1) / size.square()
    return along, (update - along.unsqueeze(-1) * before).norm(dim=-1) / size


@takes("a Network and the points (..., d) of pairs")
def of_pairs(net: Network, a: Tensor, b: Tensor) -> Contraction:
    """``contraction`` of the pairs (a, b), ``(..., d)``, through every block of ``net`` (readout
    left out).
    """
    with torch.no_grad():
        return contraction(net.trace(a), net.trace(b))


@takes("a Network and the points (..., d) of pairs")
def sublayers(net: Network, x: Tensor, y: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """(p, q) of each kind of sublayer for the pairs (x, y) ``(..., d)``; each ``(blocks, ...)``.

    What a sublayer adds is read while the block runs, so that the p of all of them add up to the
    block's own; the q do not, as parts across the difference can cancel.

    Raises:
        BadPoints: a block that cannot be taken apart, such as one without a skip connection.
    """
    rows: list[dict[str, tuple[Tensor, Tensor]]] = []
    for g in net.blocks:
        if not hasattr(g, "with_parts"):
            raise BadPoints(
                f"{net.name} has a block without sublayers that add up: give a residual network."
            )
        with torch.no_grad():
            (x_after, of_x), (y_after, of_y) = g.with_parts(x), g.with_parts(y)
        delta = (y - x).double()
        size = delta.norm(dim=-1)
        row = {}
        for name in of_x:
            update = of_y[name].double() - of_x[name].double()
            along = (delta * update).sum(-1) / size.square()
            across = (update - along.unsqueeze(-1) * delta).norm(dim=-1) / size
            row[name] = along, across
        rows.append(row)
        x, y = x_after, y_after
    return {
        name: tuple(torch.stack([row[name][k] for row in rows]) for k in (0, 1)) for name in rows[0]
    }


@takes("amounts (..., k), a tensor")
def gini(amounts: Tensor) -> Tensor:
    """Gini coefficient over the last axis: 0 if all are equal, (k - 1)/k if one of k has
    everything.

    NaN where all amounts are zero: a line collapsed to a point has no spacing.
    """
    ordered = amounts.double().sort(dim=-1).values
    k = ordered.shape[-1]
    rank = torch.arange(1, k + 1, dtype=torch.float64, device=ordered.device)
    return ((2 * rank - k - 1) * ordered).sum(-1) / (k * ordered.sum(-1))


@takes("the points (..., steps, d) of a line, a tensor")
def spacing_gini(line: Tensor) -> Tensor:
    """Inequality of the gaps between consecutive points ``(..., steps, d)``.

    Zero on an equidistant line and on its image under any affine map that does not collapse it;
    towards 1 where all points gather in plateaus and one gap is left.
    """
    return gini(line.double().diff(dim=-2).norm(dim=-1))


@takes("the points (..., steps, d) of a line, a tensor, and two of its steps")
def chord_position(line: Tensor, start: int = 0, end: int = -1) -> Tensor:
    """Where the points ``(..., steps, d)`` project on the chord from point ``start`` (0) to point
    ``end`` (1).
    """
    line = line.double()
    origin = line[..., start, :].unsqueeze(-2)
    chord = line[..., end, :].unsqueeze(-2) - origin
    return ((line - origin) * chord).sum(-1) / chord.square().sum(-1)


@takes("points (P, d), (k, d) and (j, d) and a mask (P, k)")
def anchors(x: Tensor, real: Tensor, random: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """For each point the nearest real activation of *another* line, and a random one as far away.

    Args:
        x: ``(P, d)``; real: ``(k, d)``; random: ``(j, d)``.
        own: ``(P, k)``, True where a real activation is an end of the point's own line: such a one
            lies in the direction of the path, which a random anchor never does.

    Returns:
        Both ``(P, d)``; the second lies in the direction of the nearest random point.
    """
    from_real = torch.cdist(x, real).masked_fill(own, torch.inf)
    distance, index = from_real.min(-1, keepdim=True)
    if not torch.isfinite(distance).all():
        raise BadPoints(
            "Anchors are real activations of other lines, and some points have none: leave at "
            "least one real activation that is not their own."
        )
    away = random[torch.cdist(x, random).argmin(-1)] - x
    return real[index[:, 0]], x + away / away.norm(dim=-1, keepdim=True) * distance


@takes("activations (n, d), a tensor, a number of samples and a seed")
def matched(real: Tensor, samples: int, *, seed: int) -> Tensor:
    """Random points with the mean and the covariance of the real activations, ``(samples, d)``.

    Heimersheim & Mendel's baseline. Drawn as random mixtures of centred real activations, which has
    the right covariance even where there are fewer of these than dimensions. NumPy draws the
    weights: torch's normal numbers depend on the processor.

    Raises:
        BadPoints: fewer than two points, or not all finite.
    """
    if real.ndim != 2 or len(real) < 2 or not torch.isfinite(real).all():
        raise BadPoints(
            f"A covariance is that of at least 2 finite points (n, d), got shape "
            f"{tuple(real.shape)}: give more activations, without NaN."
        )
    mean = real.mean(0)
    weights = torch.from_numpy(
        np.random.default_rng(seed).standard_normal((samples, len(real)))
    ).to(real)
    return mean + weights @ (real - mean) / (len(real) - 1) ** 0.5
