"""Plateaus of a plane slice as labelled arrays: fields to draw, the merge tree, and counts of what
nesting forbids.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import xarray as xr
from scipy import ndimage

from plateaus.geometry.exact import ExactPlane, bars, plateau_area, raster
from plateaus.geometry.exact.pieces import coordinates
from plateaus.geometry.exact.polygons import area
from plateaus.geometry.surfaces import Surface


def exact_field(plane: ExactPlane, *, steps: int, radii: Sequence[Fraction]) -> xr.Dataset:
    """h_a, m(a, .) and the plateaus of ``radii`` at ``steps`` x ``steps`` points of the window.

    Plateaus come from exact components (which cells and facets {h_a < r} joins to a), not from the
    merge height, so that the one can be checked by the other.

    Returns:
        ``height``, ``merge_height`` (dims ``t, s``, output units) and ``inside`` (dims ``radius, t,
        s``).
    """
    s, t = _window(plane, steps)
    height, merge, cell = raster(plane, s, t)
    inside = [np.isin(cell, list(plane.components(r)[0])) & (height < float(r)) for r in radii]
    return _field(s, t, height, merge, inside, radii, plane.metric.name)


def _window(plane: ExactPlane, steps: int) -> tuple[np.ndarray, np.ndarray]:
    corners = np.array(
        [[float(x) for x in coordinates(v)] for cell in plane.cells for v in cell.region]
    )
    return tuple(
        np.linspace(low, high, steps)
        for low, high in zip(corners.min(0), corners.max(0), strict=True)
    )


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
                np.array(inside),
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
