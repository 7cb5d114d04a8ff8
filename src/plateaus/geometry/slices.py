"""What a slice knows about a plateau: the component of a on a line or plane, and how sure that is.

Three answers are possible. "inside" and "outside" are exact (rational arithmetic), or certified by
samples: one height >= r on the segment between proves an exit of a line; a Lipschitz bound proves
the rest outside a band. Everything else is "undecided", and the operator ``in`` then raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadPoints, Undecided
from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.raster import raster
from plateaus.geometry.exact.segment import ExactSegment
from plateaus.geometry.flood import Band, along_line, grid_band, line_band, over_grid

INSIDE, OUTSIDE, UNDECIDED = "inside", "outside", "undecided"


def _decide(answer: str, what: str) -> bool:
    if answer == UNDECIDED:
        raise Undecided(
            f"Whether the point lies in the plateau of this {what} is not decided by its samples: "
            "give a Lipschitz bound, take more steps, or use a network with an exact form."
        )
    return answer == INSIDE


@dataclass(frozen=True, kw_only=True)
class SegmentSlice:
    """h_a on the line a + alpha (b - a), and the part of it that belongs to the plateau of a on
    that line.
    """

    start: Tensor
    end: Tensor
    radius: float
    alpha: np.ndarray
    """Sampled positions, shape ``(steps,)``; alpha = 0 is the anchor and always among them."""
    heights: np.ndarray
    """h_a at ``alpha``, float64."""
    lipschitz: float | None
    exact: ExactSegment | None

    @cached_property
    def source(self) -> int:
        """Index of the anchor in ``alpha``."""
        return int(np.flatnonzero(self.alpha == 0)[0])

    @cached_property
    def merge_heights(self) -> np.ndarray:
        """Sampled m_seg(a, .), shape ``(steps,)``: a lower bound of the true one."""
        return along_line(self.heights, self.source)

    @cached_property
    def band(self) -> Band | None:
        """Bounds of m_seg at the samples, if a Lipschitz bound was given."""
        if self.lipschitz is None:
            return None
        length = float((self.end - self.start).double().norm())
        return line_band(
            self.heights, self.source, rise=self.lipschitz * length * np.diff(self.alpha)
        )

    @cached_property
    def component(self) -> np.ndarray:
        """Samples in the plateau of a on this line as far as samples show: boolean, shape
        ``(steps,)``.
        """
        return self.merge_heights < self.radius

    @cached_property
    def exits(self) -> tuple[float | None, float | None]:
        """Where the line leaves the plateau below and above alpha = 0; None where the window ends
        first.

        Exact if the slice is; otherwise by linear interpolation of h_a between neighbouring
        samples.
        """
        if self.exact is not None:
            part = self.exact.component(self.radius)
            return (
                float(part.low) if part.exits_low else None,
                float(part.high) if part.exits_high else None,
            )
        return self._exit(-1), self._exit(1)

    def half_exit_index(self, direction: int = 1) -> float | None:
        """phi = h_a half-way to the exit, divided by r / 2: 1 for affine maps, near 0 on a plateau.

        None if the window ends before the exit.
        """
        exit_at = self.exits[1 if direction > 0 else 0]
        if exit_at is None:
            return None
        if self.exact is not None:
            height = float(self.exact.height(exit_at / 2)) ** (1 / self.exact.metric.power)
        else:
            height = float(np.interp(exit_at / 2, self.alpha, self.heights))
        return height / (self.radius / 2)

    def membership(self, alpha: float) -> str:
        """Does the point at ``alpha`` lie in the plateau of a on this line: inside, outside or
        undecided.
        """
        if not self.alpha[0] <= alpha <= self.alpha[-1]:
            raise BadPoints(
                f"alpha = {alpha} lies outside the window of this slice: widen the window."
            )
        if self.exact is not None:
            return INSIDE if self.exact.contains(alpha, self.radius) else OUTSIDE
        between = (self.alpha >= min(alpha, 0)) & (self.alpha <= max(alpha, 0))
        if (self.heights[between] >= self.radius).any():
            return OUTSIDE
        if self.band is None:
            return UNDECIDED
        # The next sample beyond alpha: what is joined up to there is joined up to alpha.
        beyond = (
            np.searchsorted(self.alpha, alpha)
            if alpha >= 0
            else np.searchsorted(self.alpha, alpha, "right") - 1
        )
        return INSIDE if self.band.upper[beyond] < self.radius else UNDECIDED

    def verdict(self, alpha: float) -> str:
        """The same question for P_r(a) in the whole space: a slice can prove "inside", a height >=
        r "outside".
        """
        if self.exact is not None:
            too_high = self.exact.height(alpha) >= self.exact.metric.threshold(
                Fraction(self.radius)
            )
        else:
            at = np.flatnonzero(self.alpha == alpha)
            too_high = bool(len(at)) and self.heights[at[0]] >= self.radius
        if too_high:
            return OUTSIDE
        return INSIDE if self.membership(alpha) == INSIDE else UNDECIDED

    def __contains__(self, x: Tensor) -> bool:
        """Whether the point x of this line lies in the plateau of a on it.

        Raises:
            Undecided: the samples do not settle it.
            BadPoints: x does not lie on the line.
        """
        return _decide(self.membership(self._locate(x)), "segment")

    def _locate(self, x: Tensor) -> float:
        x = torch.as_tensor(x).to(self.start)
        for at, end in ((0.0, self.start), (1.0, self.end)):
            if torch.equal(x, end):
                return at
        (alpha,) = _coordinates(x, self.start, self.end - self.start)
        return alpha

    def _exit(self, direction: int) -> float | None:
        i = self.source
        while 0 <= i + direction < len(self.alpha):
            low, high = self.heights[i], self.heights[i + direction]
            if high >= self.radius:
                share = (self.radius - low) / (high - low)
                return float(self.alpha[i] + share * (self.alpha[i + direction] - self.alpha[i]))
            i += direction
        return None


@dataclass(frozen=True, kw_only=True)
class PlaneSlice:
    """h_a on a plane through a, its merge height and the plateau of a in the window."""

    origin: Tensor
    axes: tuple[Tensor, Tensor]
    radius: float
    s: np.ndarray
    t: np.ndarray
    heights: np.ndarray
    """h_a at the nodes, shape ``(len(t), len(s))``."""
    lipschitz: float | None
    exact: ExactPlane | None

    @cached_property
    def source(self) -> tuple[int, int]:
        """The node nearest to the anchor, (row, column)."""
        return self._node((0.0, 0.0))

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
        rises = tuple(self.lipschitz * step for step in self._spacing)
        return grid_band(self.heights, self.source, along=rises, across=float(np.hypot(*rises)))

    @cached_property
    def component(self) -> np.ndarray:
        """Nodes in the plateau of a as far as the picture shows: boolean, ``(len(t), len(s))``."""
        return self.merge_heights < self.radius

    def membership(self, x: Tensor) -> str:
        """Does the point x of the plane lie in the plateau of a in this window: inside, outside or
        undecided.
        """
        z = self._locate(x)
        if self.exact is not None:
            return INSIDE if self.exact.contains(z, self.radius) else OUTSIDE
        if self.band is None:
            return UNDECIDED
        node = self._node(z)
        if self.band.lower[node] >= self.radius:
            return OUTSIDE
        # A path may begin or end anywhere in the square of its node: go straight to the node first.
        detour = max(self._away(z, node), self._away((0.0, 0.0), self.source))
        reached = max(
            self.band.upper[node], self.heights[node] + detour, self.heights[self.source] + detour
        )
        return INSIDE if reached < self.radius else UNDECIDED

    def __contains__(self, x: Tensor) -> bool:
        """As ``membership``, but undecided raises ``Undecided``."""
        return _decide(self.membership(x), "plane")

    @property
    def _spacing(self) -> tuple[float, float]:
        return tuple(
            float(axis.double().norm()) * float(values[1] - values[0])
            for axis, values in zip(self.axes, (self.s, self.t), strict=True)
        )

    def _node(self, z: tuple[float, float]) -> tuple[int, int]:
        return int(np.abs(self.t - z[1]).argmin()), int(np.abs(self.s - z[0]).argmin())

    def _away(self, z: tuple[float, float], node: tuple[int, int]) -> float:
        """How much h_a can change between z and a node."""
        lengths = [float(axis.double().norm()) for axis in self.axes]
        offset = (z[0] - self.s[node[1]]) * lengths[0], (z[1] - self.t[node[0]]) * lengths[1]
        return self.lipschitz * float(np.hypot(*offset))

    def _locate(self, x: Tensor) -> tuple[float, float]:
        x = torch.as_tensor(x).to(self.origin)
        z = _coordinates(x, self.origin, *self.axes)
        if not (self.s[0] <= z[0] <= self.s[-1] and self.t[0] <= z[1] <= self.t[-1]):
            raise BadPoints("A point lies outside the window of its plane slice: widen the window.")
        return z


def _coordinates(x: Tensor, origin: Tensor, *axes: Tensor) -> tuple[float, ...]:
    """Slice coordinates of x, refused if x is not on the slice. The axes are orthogonal."""
    offset = (x - origin).double()
    axes = tuple(axis.double() for axis in axes)
    z = [float(offset @ axis / (axis @ axis)) for axis in axes]
    rest = offset - sum(v * axis for v, axis in zip(z, axes, strict=True))
    scale = max(float(axis.norm()) for axis in axes)
    if float(rest.norm()) > 1e-5 * scale:
        raise BadPoints(
            f"A point lies {float(rest.norm()):.3g} off its slice: a slice answers only for its "
            "points."
        )
    return tuple(z)
