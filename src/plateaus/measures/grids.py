"""What grids prove about plateaus of a plane, beside the exact merge heights."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import xarray as xr

from plateaus.geometry.exact import ExactNetwork, ExactPlane, raster
from plateaus.geometry.exact.norms import norm
from plateaus.geometry.exact.pieces import coordinates
from plateaus.geometry.flood import Band, grid_band

INSIDE, UNDECIDED, OUTSIDE = 1, 0, -1
MARGIN = 1e-9


def directional(plane: ExactPlane) -> tuple[Fraction, Fraction]:
    """Exact directional Lipschitz constants (L_s, L_t) of f on the window, in L1 or L-infinity: the
    steepest cell.
    """
    return tuple(
        max(
            plane.metric(tuple(Fraction(v, cell.denominator) for v in cell.rows[:, k]))
            for cell in plane.cells
        )
        for k in (1, 2)
    )


def band(
    net: ExactNetwork, a: Sequence, *, window: tuple, steps: int
) -> tuple[Band, np.ndarray, tuple[int, int]]:
    """The band of a ``steps`` x ``steps`` grid in fractions, in the maximum norm; also node heights
    and the anchor's node.

    The anchor must be a node.
    """
    plane = ExactPlane.of(net, window=window, anchor=a, metric="linf")
    (x0, y0), (x1, y1) = ((Fraction(u), Fraction(v)) for u, v in window)
    xs = [x0 + Fraction(k, steps - 1) * (x1 - x0) for k in range(steps)]
    ys = [y0 + Fraction(k, steps - 1) * (y1 - y0) for k in range(steps)]
    centre, measure = net(a), norm("linf")
    heights = np.array(
        [
            [measure(tuple(u - v for u, v in zip(net((x, y)), centre, strict=True))) for x in xs]
            for y in ys
        ],
        dtype=object,
    )
    source = ys.index(Fraction(a[1])), xs.index(Fraction(a[0]))
    slope = directional(plane)
    return (
        grid_band(heights, source, along=(slope[0] * (xs[1] - xs[0]), slope[1] * (ys[1] - ys[0]))),
        heights,
        source,
    )


def decided(plane: ExactPlane, r: float, *, steps: int) -> xr.Dataset:
    """What a ``steps`` x ``steps`` grid proves about P_r(a) of a square window, beside the exact
    merge height.

    Heights are those of the plane, rounded to floats; ``MARGIN`` widens the band by more than that
    can change.

    Returns:
        ``verdict`` (1 inside, 0 undecided, -1 outside) and ``merge_height``, dims ``t, s``.
    """
    corners = np.array(
        [[float(v) for v in coordinates(z)] for cell in plane.cells for z in cell.region]
    )
    s, t = (
        np.linspace(low, high, steps)
        for low, high in zip(corners.min(0), corners.max(0), strict=True)
    )
    heights, exact, _ = raster(plane, s, t)
    source = tuple(
        int(np.abs(axis - float(x)).argmin())
        for axis, x in zip((t, s), plane.anchor[::-1], strict=True)
    )
    slopes = [
        float(v) * float(axis[1] - axis[0])
        for v, axis in zip(directional(plane), (s, t), strict=True)
    ]
    bounds = grid_band(heights, source, along=tuple(slopes))
    # The anchor may lie off its node, by half a cell at most: the way there is bounded too.
    at_node = (t[source[0]], s[source[1]]) == tuple(float(x) for x in plane.anchor[::-1])
    away = 0.0 if at_node else heights[source] + sum(slopes) / 2
    verdict = np.where(
        np.maximum(bounds.upper, away) + MARGIN < r,
        INSIDE,
        np.where(bounds.lower - MARGIN >= r, OUTSIDE, UNDECIDED),
    )
    return xr.Dataset(
        {"verdict": (("t", "s"), verdict), "merge_height": (("t", "s"), exact)},
        {"s": s, "t": t},
        {"steps": steps, "radius": float(r)},
    )


def wrong_decisions(field: xr.Dataset) -> int:
    """Nodes on which the grid's proof contradicts the exact merge height."""
    r, m = field.attrs["radius"], field.merge_height
    return int(
        (
            ((field.verdict == INSIDE) & (m >= r + MARGIN))
            | ((field.verdict == OUTSIDE) & (m < r - MARGIN))
        ).sum()
    )


def contradictions(small: xr.Dataset, large: xr.Dataset) -> int:
    """Nodes proved to lie inside the smaller plateau and outside the larger one."""
    return int(((small.verdict == INSIDE) & (large.verdict == OUTSIDE)).sum())
