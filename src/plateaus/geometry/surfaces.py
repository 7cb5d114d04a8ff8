"""h_a on a plane: heights, merge heights within the window, and whether a point lies in the plateau
of a there. Answers as in ``lines``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from plateaus.errors import BadPoints
from plateaus.geometry.bounds.interval import UNIT, Box, float_down, float_up
from plateaus.geometry.bounds.parts import length
from plateaus.geometry.exact.norms import level
from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.program import Rational
from plateaus.geometry.exact.raster import raster
from plateaus.geometry.exact.roots import Level
from plateaus.geometry.flood import Band, grid_band, over_grid
from plateaus.geometry.lines import INSIDE, OUTSIDE, UNDECIDED, settled


@dataclass(frozen=True, kw_only=True)
class Surface:
    """h_a on a + s e_1 + t e_2 in a window, from rationals or from samples at grid nodes."""

    origin: Tensor
    """a, ``(d,)``."""
    axes: tuple[Tensor, Tensor]
    """e_1, e_2."""
    s: np.ndarray
    t: np.ndarray
    heights: np.ndarray
    """h_a at the nodes as the network computes it, shape ``(len(t), len(s))``."""
    lipschitz: float | None
    enclose: Callable[[np.ndarray], Box]
    """Bounds of h_a at slice points ``(..., 2)``."""
    exact: ExactPlane | None

    @cached_property
    def source(self) -> tuple[int, int]:
        """The node nearest to the anchor, (row, column)."""
        return self._node((0.0, 0.0))

    @cached_property
    def proved(self) -> Box:
        """Bounds of h_a at the nodes."""
        return self.enclose(np.stack(np.meshgrid(self.s, self.t), axis=-1))

    @cached_property
    def merge_heights(self) -> np.ndarray:
        """m(a, .) within the window at the nodes: what a contour picture must show.

        Exact up to float rounding if the slice is exact. Otherwise the minimax of node values over
        4-connected ways, which is a picture and, without a Lipschitz bound, proves nothing.
        """
        if self.exact is not None:
            return raster(self.exact, self.s, self.t)[1]
        return over_grid(self.heights, self.source, connectivity=4)

    @cached_property
    def band(self) -> Band | None:
        """Bounds of the window's merge height at the nodes, if a Lipschitz bound was given."""
        if self.lipschitz is None:
            return None
        steps = [float(np.diff(values).max()) for values in (self.s, self.t)]
        along = tuple(self._rise((s, t)) for s, t in ((steps[0], 0), (0, steps[1])))
        across = max(self._rise((steps[0], sign * steps[1])) for sign in (1, -1))
        low, high = (
            grid_band(h, self.source, along=along, across=across)
            for h in (self.proved.low, self.proved.high)
        )
        return Band(lower=low.lower * (1 - 8 * UNIT), upper=high.upper * (1 + 8 * UNIT))

    def height(self, z: Sequence[Rational]) -> Level | float:
        """h_a at slice coordinates z: exact if the slice is, else as the network computes it."""
        self._inside(z)
        if self.exact is not None:
            return self.exact.height(z)
        middle = self._bounds(z)
        return float(middle.low + middle.high) / 2

    def merge_height(self, z: Sequence[Rational]) -> Level | float:
        """m(a, .) of the window at z: exact, or that of the nearest node and z itself, a
        picture.
        """
        if self.exact is not None:
            self._inside(z)
            return self.exact.merge_height(z)
        return max(self.height(z), float(self.merge_heights[self._node(z)]))

    def contains(self, z: Sequence[Rational], r: Rational | Level) -> bool:
        """Whether the point z lies in the plateau of radius r of a in this window.

        Raises:
            Undecided: the samples do not settle it.
            BadPoints: z lies outside the window.
            BadRadius: r is not positive.
        """
        return settled(self.decide(z, r), "plane")

    def decide(self, z: Sequence[Rational], r: Rational | Level) -> str:
        """The same as a word: inside, outside or undecided."""
        self._inside(z)
        r = level(r)
        if tuple(z) == (0, 0):
            return INSIDE
        if self.exact is not None:
            return INSIDE if self.exact.contains(z, r) else OUTSIDE
        if self._bounds(z).low >= float_up(r):
            return OUTSIDE
        if self.band is None:
            return UNDECIDED
        node = self._node(z)
        if self.band.lower[node] >= float_up(r):
            return OUTSIDE
        # A path may begin or end anywhere in the square of its node: go straight to the node first.
        detour = max(self._away(z, node), self._away((0.0, 0.0), self.source))
        ends = self.proved.high[node], self.proved.high[self.source]
        reached = max(self.band.upper[node], *(h + detour for h in ends))
        return INSIDE if reached * (1 + 8 * UNIT) < float_down(r) else UNDECIDED

    def _bounds(self, z: Sequence[Rational]) -> Box:
        return self.enclose(np.array([float(v) for v in z]))

    def _inside(self, z: Sequence[Rational]) -> None:
        coordinates = tuple(z)
        if len(coordinates) != 2 or not (
            self.s[0] <= z[0] <= self.s[-1] and self.t[0] <= z[1] <= self.t[-1]
        ):
            raise BadPoints("A point lies outside the window of its plane slice: widen the window.")

    def _node(self, z: Sequence[Rational]) -> tuple[int, int]:
        s, t = (float(v) for v in z)
        return int(np.abs(self.t - t).argmin()), int(np.abs(self.s - s).argmin())

    def _away(self, z: Sequence[Rational], node: tuple[int, int]) -> float:
        """How much h_a can change between z and a node."""
        return self._rise((float(z[0]) - self.s[node[1]], float(z[1]) - self.t[node[0]]))

    def _rise(self, step: tuple[float, float]) -> float:
        """How much h_a can change along a step in slice coordinates, rounded up."""
        e1, e2 = (axis.double().cpu().numpy() for axis in self.axes)
        size = abs(step[0]) * abs(e1) + abs(step[1]) * abs(e2)
        moved = abs(step[0] * e1 + step[1] * e2) + 8 * UNIT * size
        return self.lipschitz * float(length(moved[None])[0, 0]) * (1 + 8 * UNIT)
