"""Certified lower bounds of h_a on a region: boxes, and what a hyperplane cuts out of them.

The region is halved where the bound is lowest, until it is high enough everywhere or the budget is
spent. A bound comes from intervals and, on finite boxes, from the Jacobians there as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plateaus.errors import NotCertifiable
from plateaus.geometry.bounds.heights import heights_between
from plateaus.geometry.bounds.interval import UNIT, Box, around, slack
from plateaus.geometry.bounds.program import Program
from plateaus.geometry.bounds.propagate import identity, jacobians, states
from plateaus.geometry.bounds.unbounded import ranges


@dataclass(frozen=True, kw_only=True)
class Plane:
    """{x : normal . x = level}."""

    normal: np.ndarray
    level: float


@dataclass(frozen=True, kw_only=True)
class Floor:
    """h_a >= ``height`` on the whole region."""

    height: float
    """Infinite if the region is empty."""
    boxes: int
    """Boxes that were bounded: the cost."""


def floor(
    steps: Program,
    centre: Box,
    region: Box,
    metric: str,
    *,
    plane: Plane | None = None,
    goal: float = np.inf,
    budget: int = 20_000,
    at_once: int = 64,
) -> Floor:
    """A lower bound of D(c, f(x)) for every x of the region.

    Args:
        centre: a box that holds c = f(a), ``(c,)``.
        region: boxes ``(P, d)``, which may be infinite; their union is meant.
        plane: only points on it count.
        goal: stop when the bound is at least this.
        budget: stop after about so many boxes.
    """
    boxes, low, spread = _bounded(steps, centre, _on_plane(region, plane), metric)
    examined = len(region.low)
    while len(low) and low.min() < goal and examined < budget:
        worst = np.argsort(low, kind="stable")[:at_once]
        worst = worst[low[worst] < goal]
        kept = np.ones(len(low), dtype=bool)
        kept[worst] = False
        picked = Box(low=boxes.low[worst], high=boxes.high[worst])
        halves, stuck = _halved(picked, spread[worst])
        if stuck.any():
            break  # a box that cannot be halved has the lowest bound there will be
        examined += len(halves.low)
        more, more_low, more_spread = _bounded(steps, centre, _on_plane(halves, plane), metric)
        boxes = _joined(Box(low=boxes.low[kept], high=boxes.high[kept]), more)
        low = np.concatenate([low[kept], more_low])
        spread = np.concatenate([spread[kept], more_spread])
    return Floor(height=float(low.min(initial=np.inf)), boxes=examined)


def _bounded(
    steps: Program, centre: Box, boxes: Box, metric: str
) -> tuple[Box, np.ndarray, np.ndarray]:
    """The boxes, the bound on each ``(P,)``, and how much each coordinate matters ``(P, d)``."""
    out = ranges(steps, boxes)
    width = boxes.high - boxes.low
    finite = np.isfinite(width).all(axis=1)
    matters = np.where(np.isfinite(width), width, 0.0)
    if finite.any():
        try:
            some = Box(low=boxes.low[finite], high=boxes.high[finite])
            closer, reach = _centred(steps, some)
            out.low[finite] = np.maximum(out.low[finite], closer.low)
            out.high[finite] = np.minimum(out.high[finite], closer.high)
            matters[finite] = reach
        except NotCertifiable:
            pass  # a step without interval Jacobians: intervals alone
    with np.errstate(invalid="ignore"):
        low = heights_between(out, centre, metric).low
    return boxes, np.where(np.isnan(low), 0.0, low), matters


def _centred(steps: Program, boxes: Box) -> tuple[Box, np.ndarray]:
    """f(x) within f(middle) + sum_k |x_k - middle_k| sup |d_k f|, and these terms, ``(P, d)``."""
    middle = (boxes.low + boxes.high) / 2
    reach = np.maximum(boxes.high - middle, middle - boxes.low) * (1 + 4 * UNIT)
    eye = identity(middle.shape[1], middle)
    start = Box(low=np.broadcast_to(eye.low, (len(middle), *eye.low.shape)), high=eye.high)
    _, rows = jacobians(steps, boxes, start)
    each = reach[:, :, None] * rows.reach
    total = each.sum(axis=1)
    total = total + slack(total, each.shape[1] + 2)
    at = states(steps, around(middle))
    low, high = at.low - total, at.high + total
    return Box(low=low - slack(abs(low)), high=high + slack(abs(high))), each.max(axis=2)


def _halved(boxes: Box, matters: np.ndarray) -> tuple[Box, np.ndarray]:
    """Both halves of each box along the coordinate that matters most; which cannot be halved."""
    axis = matters.argmax(axis=1)
    rows = np.arange(len(axis))
    with np.errstate(invalid="ignore"):  # endless both ways: no middle
        middle = (boxes.low[rows, axis] + boxes.high[rows, axis]) / 2
    inside = (boxes.low[rows, axis] < middle) & (middle < boxes.high[rows, axis])
    left, right = boxes.high.copy(), boxes.low.copy()
    left[rows, axis] = right[rows, axis] = middle
    halves = _joined(Box(low=boxes.low, high=left), Box(low=right, high=boxes.high))
    return halves, ~inside


def _joined(x: Box, y: Box) -> Box:
    return Box(low=np.concatenate([x.low, y.low]), high=np.concatenate([x.high, y.high]))


def _on_plane(boxes: Box, plane: Plane | None) -> Box:
    """Smaller boxes that still hold every point of the plane in them; empty ones are dropped."""
    if plane is None:
        return boxes
    n = plane.normal
    with np.errstate(invalid="ignore"):
        ends = np.where(n > 0, boxes.low * n, np.where(n < 0, boxes.high * n, 0.0))
        tops = np.where(n > 0, boxes.high * n, np.where(n < 0, boxes.low * n, 0.0))
    apart = 1 - np.eye(len(n))  # all coordinates but one
    low, high = boxes.low.copy(), boxes.high.copy()
    for i in np.flatnonzero(n):
        others = apart[i].astype(bool)
        least, most = ends[:, others].sum(axis=1), tops[:, others].sum(axis=1)
        size = np.abs(ends[:, others]).sum(axis=1) + np.abs(tops[:, others]).sum(axis=1)
        size = np.where(np.isfinite(size), size, 0) + abs(plane.level)
        error = slack(size, len(n) + 2)
        first, last = plane.level - most - error, plane.level - least + error
        edges = (first / n[i], last / n[i]) if n[i] > 0 else (last / n[i], first / n[i])
        up = 1 + 4 * UNIT
        low[:, i] = np.maximum(low[:, i], edges[0] - abs(edges[0]) * (up - 1))
        high[:, i] = np.minimum(high[:, i], edges[1] + abs(edges[1]) * (up - 1))
    there = (low <= high).all(axis=1)
    return Box(low=low[there], high=high[there])
