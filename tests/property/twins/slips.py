"""Small slips in certificates: each replaces one function of the package by a wrong one.

A slip takes pytest's monkeypatch; the test beside its name in ``SLIPS`` passes before and fails
after.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from functools import cached_property
from importlib import import_module

import numpy as np

from plateaus.geometry import flood, inner, lines, metrics, surfaces
from plateaus.geometry.bounds import attention_bends, bends, tube
from plateaus.geometry.bounds import floor as floors
from plateaus.geometry.bounds.interval import Box, around
from plateaus.geometry.bounds.propagate import states
from plateaus.geometry.exact import convert, cuts


def no_readout(patch) -> None:
    """Bounds of the last state instead of what is read from it."""
    programs = import_module("plateaus.geometry.bounds.program")  # its name is also its function's
    patch.setattr(programs, "stages", lambda net: net.blocks)


def no_readout_over_the_rationals(patch) -> None:
    patch.setattr(convert, "stages", lambda net: net.blocks)


def wide_window(patch) -> None:
    """The Euclidean ball compared with the corner of its window, 2 size^2, instead of its edge."""

    def wrong(network, a, r, *, metric="linf", ball="linf"):
        a, r, size = inner._on_plane(network, a), F(r), F(1)
        while size <= 64:
            plane = inner._around(network, a, size, metric)
            found = [d for c in plane.cells for d in inner._distances(c, a, plane.metric, r, ball)]
            if found and min(found) <= inner.Root(2 * size * size):
                return min(found)
            size *= 4

    patch.setattr(inner, "exact_inner_radius", wrong)


def reversed_divergence(patch) -> None:
    """KL(q | p) for KL(p | q)."""
    right = metrics.heights
    patch.setattr(metrics, "heights", lambda y, centre, metric: right(centre, y, metric))


def short_diagonal(patch) -> None:
    """The longer side of a grid's square taken for its diagonal."""

    def band(heights, source, *, along, across):
        return flood.grid_band(heights, source, along=along, across=max(along))

    patch.setattr(surfaces, "grid_band", band)


def no_detour(patch) -> None:
    """A point joined to the node of its square for nothing."""
    patch.setattr(surfaces.Surface, "_away", lambda self, z, node: 0.0)


def no_crest(patch) -> None:
    """Nothing between two samples is higher than both."""

    def band(heights, source, *, rise):
        return flood.line_band(heights, source, rise=0 * rise)

    patch.setattr(lines, "line_band", band)


def one_way_line(patch) -> None:
    """Samples behind a are joined as if they lay before it."""
    patch.setattr(lines, "along_line", lambda h, source: flood.along_line(h, 0))


# --- bends and tubes


def straight_gelu(patch) -> None:
    """A perceptron without the curvature of its activation."""
    patch.setattr(bends, "curves", lambda kind, box: Box(low=0 * box.low, high=0 * box.high))


def flat_norm(patch) -> None:
    """A LayerNorm taken for a linear map."""
    patch.setattr(tube, "BEND", 0.0)


def no_own_score(patch) -> None:
    """Attention in which the last position's own score is taken for linear."""
    _without(patch, own=0.0)


def fixed_values(patch) -> None:
    """Attention in which the last position's own value is taken for constant."""
    _without(patch, value=0.0)


def _without(patch, *, own: float = 1.0, value: float = 1.0) -> None:
    norms = attention_bends.Attention._norms.func
    wrong = cached_property(lambda self: _scaled(norms(self), own, value))
    wrong.__set_name__(attention_bends.Attention, "_norms")
    patch.setattr(attention_bends.Attention, "_norms", wrong)


def _scaled(norms, own: float, value: float):
    return own * norms[0], value * norms[1], norms[2]


def still_weights(patch) -> None:
    """Attention weights taken for constant: a quadratic function without its square."""

    def bent(self, at, turning, size, moved):
        return right(self, at, 0 * turning, size, moved)

    right = attention_bends.Attention._bent
    patch.setattr(attention_bends.Attention, "_bent", bent)


def twice_scaled(patch) -> None:
    """Second derivatives divided by the scale of the norm four times instead of twice."""
    right = tube.Map._ball

    def ball(self, x, r):
        n, least, reach = right(self, x, r)
        return n, least**2, reach

    patch.setattr(tube.Map, "_ball", ball)


def no_bulge(patch) -> None:
    """Chords taken for curves."""
    patch.setattr(tube.Map, "along", lambda self, x, step: 0 * x[:, 0])


def no_jacobians(patch) -> None:
    """A bulge taken to arrive as it left, whatever the layers behind do to it."""
    patch.setattr(tube, "operator_norms", lambda matrices: 0 * matrices[:, 0, 0] + 1e-2)


# --- cuts and floors


def cut_with_a_gap(plane, b):
    """A cut without its longest segment."""
    found = cuts.cut(plane, b)
    longest = max(found.segments, key=lambda s: sum(abs(u - v) for u, v in zip(*s, strict=True)))
    return replace(found, segments=tuple(s for s in found.segments if s != longest))


def cut_below(plane, b):
    """A cut at half the radius, said to hold at the whole one."""
    m = plane.merge_height(b)
    return replace(cuts.cut(plane, b, m / 2), lowest=m)


def cut_of_the_ball(plane, b):
    """All facets that are high, as if the height alone separated."""
    m = plane.merge_height(b)
    high = [f for f, door in zip(plane.facets, plane.doors, strict=True) if door > m]
    segments = tuple(tuple(map(cuts.coordinates, f.ends)) for f in high)
    return cuts.Cut(segments=segments, lowest=m, everywhere=True)


def sampled_floor(patch) -> None:
    """The height at the middle of a box for the least height on it."""

    def bounded(steps, centre, boxes, metric):
        finite = [np.nan_to_num(x, posinf=50.0, neginf=-50.0) for x in (boxes.low, boxes.high)]
        out = states(steps, around((finite[0] + finite[1]) / 2))
        low = floors.heights_between(out, centre, metric).low
        return boxes, low, finite[1] - finite[0]

    patch.setattr(floors, "_bounded", bounded)


def half_a_plane(patch) -> None:
    """Only the part of a set on one side of a counts."""
    right = floors._on_plane

    def half(boxes, plane):
        found = right(boxes, plane)
        return found if plane is None else Box(low=np.maximum(found.low, 0), high=found.high)

    patch.setattr(floors, "_on_plane", half)
