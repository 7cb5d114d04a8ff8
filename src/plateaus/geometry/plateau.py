"""Definition 3.1, repaired: P_r(a) is the component of {x : h_a(x) < r} that contains a."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from plateaus.errors import BadPath, BadRadius
from plateaus.geometry.exact.norms import radius
from plateaus.geometry.exact.program import ExactNetwork
from plateaus.geometry.height import Height
from plateaus.geometry.slices import PlaneSlice, SegmentSlice
from plateaus.networks.network import Network


@dataclass(frozen=True)
class Plateau:
    """P_r(a) of a network f: all points that a path joins to a without h_a ever reaching r.

    ``h_a(x)`` is the distance of f(x) from f(a) in the chosen metric; "kl" reads f(x) as logits.
    P_r(a) is open and path-connected. It lives in R^d and is examined on slices: what lies in the
    plateau *of a slice* lies in P_r(a); a point outside the slice's plateau may still be in P_r(a)
    by a detour, unless its own height is at least r.

    Raises:
        BadRadius: the radius is not a finite positive number.
        BadPoints: the anchor has the wrong dimension or is not finite.
        BadParameter: unknown metric.
    """

    network: Network | ExactNetwork
    anchor: Tensor
    """a, shape ``(d,)``; anything that converts to a tensor is accepted."""
    radius: float | Fraction = field(kw_only=True)
    """r, in the units of the output space (nats for "kl")."""
    metric: str = field(default="l2", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.radius, Real) or isinstance(self.radius, bool):
            raise BadRadius(
                f"A plateau needs a number r > 0 as its radius, got {self.radius!r}: give a "
                "distance in output space."
            )
        radius(self.radius)
        object.__setattr__(self, "anchor", self.height.anchor)

    @cached_property
    def height(self) -> Height:
        """h_a: call it on points ``(..., d)``."""
        return Height(self.network, self.anchor, metric=self.metric)

    def segment(self, a: Tensor, b: Tensor, **options: Any) -> SegmentSlice:
        """The slice along the line from a through b; alpha = 0 is a, alpha = 1 is b.

        Args:
            options: as in ``Height.segment``.

        Raises:
            BadPath: identical end points, or a is not the anchor of this plateau.
        """
        self._from_anchor(a, "segment")
        return SegmentSlice(**vars(self.height.segment(b, **options)), radius=self.radius)

    def plane(self, a: Tensor, b: Tensor, c: Tensor, **options: Any) -> PlaneSlice:
        """The slice a + alpha (b - a) + beta (c - p), p the projection of c on the line ab (Janiak
        et al.).

        Args:
            options: as in ``Height.plane``.

        Raises:
            BadPath: three points on one line, or a is not the anchor of this plateau.
        """
        self._from_anchor(a, "plane")
        return PlaneSlice(**vars(self.height.plane(b, c, **options)), radius=self.radius)

    def _from_anchor(self, a: Tensor, what: str) -> None:
        if not torch.equal(self.height.point(a, "first end"), self.anchor):
            raise BadPath(
                f"A {what} slice must begin at the anchor of its plateau: pass the same point a "
                "first."
            )
