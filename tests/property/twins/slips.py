"""Small slips in certificates: each replaces one function of the package by a wrong one.

A slip takes pytest's monkeypatch; the test beside its name in ``SLIPS`` passes before and fails
after.
"""

from __future__ import annotations

from fractions import Fraction as F
from importlib import import_module

from plateaus.geometry import flood, inner, lines, metrics, surfaces
from plateaus.geometry.exact import convert


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
