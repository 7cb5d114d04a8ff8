"""What a slice knows about one plateau: the part of P_r(a) on a line or plane, and how sure that
is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadPoints
from plateaus.geometry import checks
from plateaus.geometry.lines import INSIDE, OUTSIDE, UNDECIDED, Line, settled
from plateaus.geometry.surfaces import Surface


@dataclass(frozen=True, kw_only=True)
class SegmentSlice(Line):
    """The plateau of radius r of a on a line."""

    radius: float | Fraction

    @cached_property
    def inside(self) -> np.ndarray:
        """Samples in the plateau of a on this line as far as samples show: boolean, shape
        ``(steps,)``.
        """
        return self.merge_heights < float(self.radius)

    @cached_property
    def exits(self) -> tuple[float | None, float | None]:
        """Where the line leaves the plateau below and above alpha = 0; None where the window ends
        first. Exact or a picture, as ``component``.
        """
        part = self.component(self.radius)
        return (
            float(part.low) if part.exits_low else None,
            float(part.high) if part.exits_high else None,
        )

    def half_exit_index(self, direction: int = 1) -> float | None:
        """phi = h_a half-way to the exit, divided by r / 2: 1 for affine maps, near 0 on a plateau.

        None if the window ends before the exit.
        """
        exit_at = self.exits[1 if direction > 0 else 0]
        if exit_at is None:
            return None
        if self.exact is not None:
            height = float(self.exact.height(exit_at / 2))
        else:
            height = float(np.interp(exit_at / 2, self.alpha, self.heights))
        return height / (float(self.radius) / 2)

    def membership(self, alpha: float) -> str:
        """Does the point at ``alpha`` lie in the plateau of a on this line: inside, outside or
        undecided.
        """
        return self.decide(alpha, self.radius)

    def verdict(self, alpha: float) -> str:
        """The same question for P_r(a) in the whole space: a slice can prove "inside", a height >=
        r "outside".
        """
        if self.membership(alpha) == INSIDE:
            return INSIDE
        return OUTSIDE if self.too_high(alpha, self.radius) else UNDECIDED

    def __contains__(self, x: Tensor) -> bool:
        """Whether the point x of this line lies in the plateau of a on it.

        Raises:
            Undecided: the samples do not settle it.
            BadPoints: x does not lie on the line.
        """
        return settled(self.membership(self._locate(x)), "segment")

    def _locate(self, x: Tensor) -> float:
        x = checks.tensor(x).to(self.start)
        for at, end in ((0.0, self.start), (1.0, self.end)):
            if torch.equal(x, end):
                return at
        (alpha,) = _coordinates(x, self.start, self.end - self.start)
        return alpha


@dataclass(frozen=True, kw_only=True)
class PlaneSlice(Surface):
    """The plateau of radius r of a in a window of a plane."""

    radius: float | Fraction

    @cached_property
    def inside(self) -> np.ndarray:
        """Nodes in the plateau of a as far as the picture shows: boolean, ``(len(t), len(s))``."""
        return self.merge_heights < float(self.radius)

    def membership(self, x: Tensor) -> str:
        """Does the point x of the plane lie in the plateau of a in this window: inside, outside or
        undecided.
        """
        return self.decide(self._locate(x), self.radius)

    def __contains__(self, x: Tensor) -> bool:
        """As ``membership``, but undecided raises ``Undecided``."""
        return settled(self.membership(x), "plane")

    def _locate(self, x: Tensor) -> tuple[float, float]:
        x = checks.tensor(x).to(self.origin)
        if torch.equal(x, self.origin):
            return 0.0, 0.0
        return _coordinates(x, self.origin, *self.axes)


def _coordinates(x: Tensor, origin: Tensor, *axes: Tensor) -> tuple[float, ...]:
    """Slice coordinates of x, refused if x is not on the slice. The axes are orthogonal."""
    offset = (x - origin).double()
    axes = tuple(axis.double() for axis in axes)
    z = [float(offset @ axis / (axis @ axis)) for axis in axes]
    rest = offset - sum(v * axis for v, axis in zip(z, axes, strict=True))
    scale = max(float(axis.norm()) for axis in axes)
    if not float(rest.norm()) <= 1e-5 * scale:
        raise BadPoints(
            f"A point lies {float(rest.norm()):.3g} off its slice: a slice answers only for its "
            "points."
        )
    return tuple(z)
