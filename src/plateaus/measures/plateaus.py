"""Plateaus of a plane slice as labelled arrays: fields to draw, the merge tree, and counts of what
nesting forbids.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import xarray as xr
from scipy import ndimage
from torch import Tensor

from plateaus.geometry.exact import ExactPlane, ExactSegment, bars, plateau_area, raster
from plateaus.geometry.exact.norms import level
from plateaus.geometry.exact.pieces import coordinates
from plateaus.geometry.exact.plane import joined
from plateaus.geometry.exact.polygons import area
from plateaus.geometry.plateau import Plateau
from plateaus.geometry.surfaces import Surface


def exact_field(
    plane: ExactPlane,
    *,
    steps: int,
    radii: Sequence[Fraction],
    view: tuple[float, float] | None = None,
) -> xr.Dataset:
    """h_a, m_W(a, .) and the plateaus of ``radii`` at ``steps`` x ``steps`` points of the window W.

    Plateaus come from exact components (which cells and facets {h_a < r} joins to a), not from the
    merge height, so that the one can be checked by the other.

    Args:
        view: the part of the window that is looked at, the same range on both axes; paths may still
            use all of it. The whole window if not given.

    Returns:
        ``height``, ``merge_height`` (dims ``t, s``, output units) and ``inside`` (dims ``radius, t,
        s``).
    """
    s, t = _window(plane, steps) if view is None else (np.linspace(*view, steps),) * 2
    height, merge, cell = raster(plane, s, t)
    ways, source = plane.neighbours, plane.cell(plane.anchor)
    reached = [list(joined(ways, source, level(r))) for r in radii]
    inside = [
        np.isin(cell, cells) & (height < float(r)) for cells, r in zip(reached, radii, strict=True)
    ]
    return _field(s, t, height, merge, inside, radii, plane.metric.name)


def _window(plane: ExactPlane, steps: int) -> tuple[np.ndarray, np.ndarray]:
    corners = np.array(
        [[float(x) for x in coordinates(v)] for cell in plane.cells for v in cell.region]
    )
    return tuple(
        np.linspace(low, high, steps)
        for low, high in zip(corners.min(0), corners.max(0), strict=True)
    )


def seen(
    plateau: Plateau,
    points: Sequence[Tensor],
    *,
    radii: Sequence[float],
    steps: int,
    view: tuple[float, float] = (-0.25, 1.25),
    margin: float = 0.0,
) -> xr.Dataset:
    """The square ``view`` of the plane through three points, where paths may leave it by ``margin``
    on every side.

    Exact if the plateau's network is. A sampled slice sees nothing outside the square, so there
    ``margin`` changes nothing.
    """
    wide = (view[0] - margin, view[1] + margin)
    cut = plateau.plane(*points, steps=steps, alpha=wide, beta=wide)
    if cut.exact is not None:
        field = exact_field(cut.exact, steps=steps, radii=radii, view=view)
        return field.assign_attrs(affine_pieces=cut.exact.affine_pieces)
    cut = plateau.plane(*points, steps=steps, alpha=view, beta=view)
    return sampled_field(cut, radii=radii, metric=plateau.metric)


def sampled_field(plane: Surface, *, radii: Sequence[float], metric: str) -> xr.Dataset:
    """The same of a sampled slice: 4-connected components of its nodes. A picture, not a
    certificate.
    """
    inside = components(plane.heights, plane.source, radii)
    return _field(plane.s, plane.t, plane.heights, plane.merge_heights, inside, radii, metric)


def components(
    heights: np.ndarray, source: Sequence[int], radii: Sequence[float]
) -> list[np.ndarray]:
    """For each radius the 4-connected component of {h < r} at ``source``, found by labelling.

    Shares no code with the merge heights, so that one can be checked by the other.
    """
    found = []
    for r in radii:
        labels, _ = ndimage.label(heights < r)
        found.append(
            labels == labels[tuple(source)]
            if labels[tuple(source)]
            else np.zeros(heights.shape, dtype=bool)
        )
    return found


def _field(s, t, height, merge, inside, radii, metric) -> xr.Dataset:
    return xr.Dataset(
        {
            "height": (("t", "s"), height, {"long_name": "h_a", "units": "output units"}),
            "merge_height": (("t", "s"), merge, {"long_name": "m(a, ·)", "units": "output units"}),
            "inside": (
                ("radius", "t", "s"),
                np.array(inside, dtype=bool).reshape(len(radii), *height.shape),
                {"long_name": "in the plateau of that radius"},
            ),
        },
        coords={"s": s, "t": t, "radius": [float(r) for r in radii]},
        attrs={"metric": metric},
    )


def nesting_violations(field: xr.Dataset) -> int:
    """Points in a smaller plateau and not in a larger one, over all pairs of radii."""
    inside = field.inside.values
    return sum(
        int((small & ~large).sum()) for i, small in enumerate(inside) for large in inside[i + 1 :]
    )


def recipe_errors(field: xr.Dataset) -> int:
    """Points that "in the larger ball, not in the smaller" counts wrongly as P_r2 minus P_r1 or
    not, over all pairs.
    """
    height, inside, radii = field.height.values, field.inside.values, field.radius.values
    return sum(
        int((((height < radii[j]) & (height >= radii[i])) ^ (inside[j] & ~inside[i])).sum())
        for i in range(len(radii))
        for j in range(i + 1, len(radii))
    )


def disagreements(field: xr.Dataset) -> int:
    """Points where "m(a, x) < r" and "x lies in the component of a" differ, over all radii."""
    return int(((field.merge_height < field.radius) != field.inside).sum())


def merge_tree(plane: ExactPlane) -> xr.Dataset:
    """The H0 bars of h_a on the window, dim ``bar``, the anchor's first (its ``death`` is
    infinite).

    Returns:
        ``birth``, ``death`` and ``joins`` (the level from which the component belongs to the
        plateau of a), in output units; ``s, t``, a lowest corner; ``into``, the bar that swallows
        it, -1 if none.
    """
    found = bars(plane)
    number = {bar.cell: i for i, bar in enumerate(found)}
    rows = []
    for bar in found:
        cell = plane.cells[bar.cell]
        lowest = min(cell.region, key=lambda v: plane.metric(cell.at(v)))
        joins = max(plane.levels[bar.cell], bar.birth)
        death = np.inf if bar.death is None else float(bar.death)
        rows.append(
            (
                float(bar.birth),
                death,
                float(joins),
                *map(float, coordinates(lowest)),
                number.get(bar.into, -1),
            )
        )
    columns = dict(
        zip(("birth", "death", "joins", "s", "t", "into"), zip(*rows, strict=True), strict=True)
    )
    return xr.Dataset({name: ("bar", np.array(values)) for name, values in columns.items()})


def growth(plane: ExactPlane, *, radii: Sequence[Fraction]) -> xr.DataArray:
    """Share of the window that the plateau of each radius covers, dim ``radius``: exact areas,
    rounded at the end.
    """
    whole = sum(area(tuple(map(coordinates, cell.region))) for cell in plane.cells)
    share = [float(plateau_area(plane, r) / whole) for r in radii]
    return xr.DataArray(
        share,
        dims="radius",
        coords={"radius": [float(r) for r in radii]},
        name="share",
        attrs={"long_name": "share of the window", "units": "1"},
    )


def trade_off(there: ExactSegment, back: ExactSegment, r: Fraction) -> tuple[Fraction, Fraction]:
    """How steep a segment must be and how steep it is, both over R = |f(a) - f(b)|.

    Args:
        there: from a to b; back: from b to a. Norms L1 or L-infinity.
        r: radius of both plateaus, below R / 2.

    Returns:
        (1 - 2 r / R) / (1 - theta), theta the share of the segment in either plateau on it, and the
        largest one-sided derivative along the segment.
    """
    distance = there.height(1)
    theta = there.component(r).length + back.component(r).length
    slopes = (tuple(Fraction(v, p.denominator) for v in p.rows[:, 1]) for p in there.affine)
    return (1 - 2 * r / distance) / (1 - theta), max(map(there.metric, slopes)) / distance
