"""Definition 3.1, repaired: P_r(a) is the component of {x : h_a(x) < r} that contains a."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPath, NotPiecewiseLinear
from plateaus.geometry import paths
from plateaus.geometry.exact.convert import exact, floating
from plateaus.geometry.exact.norms import radius
from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.program import Affine, ExactNetwork, Residual, Step
from plateaus.geometry.exact.segment import ExactSegment
from plateaus.geometry.metrics import check_metric, heights
from plateaus.geometry.slices import PlaneSlice, SegmentSlice
from plateaus.networks.network import Network

EXACT_UNITS = 1000
"""Networks with more units than this are not sliced exactly unless asked: it may take minutes."""


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
    radius: float = field(kw_only=True)
    """r, in the units of the output space (nats for "kl")."""
    metric: str = field(default="l2", kw_only=True)

    def __post_init__(self) -> None:
        check_metric(self.metric)
        radius(self.radius)
        object.__setattr__(self, "anchor", self.floating.check(_tensor(self.anchor)))
        if self.anchor.ndim != 1:
            raise BadPath(
                f"A plateau has one anchor, got shape {tuple(self.anchor.shape)}: give one point."
            )

    @cached_property
    def floating(self) -> Network:
        """f in floating point."""
        return floating(self.network) if isinstance(self.network, ExactNetwork) else self.network

    @cached_property
    def rational(self) -> ExactNetwork | None:
        """f over the rationals, if it is piecewise linear."""
        if isinstance(self.network, ExactNetwork):
            return self.network
        try:
            return exact(self.network)
        except NotPiecewiseLinear:
            return None

    @cached_property
    def centre(self) -> Tensor:
        """f(a), shape ``(c,)``."""
        return self.floating(self.anchor)

    def height(self, x: Tensor) -> Tensor:
        """h_a(x) in float64; points ``(..., d)`` give ``(...)``."""
        with torch.no_grad():
            return heights(self.floating(_tensor(x)), self.centre, self.metric)

    def segment(
        self,
        a: Tensor,
        b: Tensor,
        *,
        steps: int = 201,
        window: tuple[float, float] = (0.0, 1.0),
        lipschitz: float | None = None,
        arithmetic: str = "auto",
    ) -> SegmentSlice:
        """The slice along the line from a through b; alpha = 0 is a, alpha = 1 is b.

        Args:
            window: the range of alpha; it must contain 0.
            lipschitz: a bound on |h_a(x) - h_a(y)| / |x - y|_2 along the slice, which turns samples
                into certificates.
            arithmetic: "exact" computes the slice over the rationals, "sampled" evaluates ``steps``
                points, "auto" is exact where that is possible and cheap.

        Raises:
            BadPath: identical end points, or a is not the anchor of this plateau.
        """
        a, b = self._point(a, "first end"), self._point(b, "second end")
        if not torch.equal(a, self.anchor):
            raise BadPath(
                "A segment slice must begin at the anchor of its plateau: pass the same point a "
                "first."
            )
        low, high = window
        if not (low <= 0 <= high and low < high):
            raise BadPath(
                f"The window {window} of a segment must have a length and contain alpha = 0, where "
                "a lies."
            )
        if steps < 2:
            raise BadPath(
                f"A path needs a whole number of at least 2 steps, got {steps!r}: give steps=50, "
                "say."
            )
        paths.segment(a, b, steps=2)  # refuses identical end points
        alpha = np.linspace(low, high, steps)
        # The anchor is always a sample: the component must start somewhere.
        alpha = np.union1d(alpha[np.abs(alpha) > 1e-12], [0.0])
        points = a + torch.as_tensor(alpha).to(a)[:, None] * (b - a)
        solved = None
        if self._exactly(arithmetic):
            solved = ExactSegment.of(
                self.rational, a.tolist(), b.tolist(), metric=self.metric, window=window
            )
        return SegmentSlice(
            start=a,
            end=b,
            radius=float(self.radius),
            alpha=alpha,
            heights=self.height(points).cpu().numpy(),
            lipschitz=_bound(lipschitz),
            exact=solved,
        )

    def plane(
        self,
        a: Tensor,
        b: Tensor,
        c: Tensor,
        *,
        steps: int = 101,
        alpha: tuple[float, float] = (-0.25, 1.25),
        beta: tuple[float, float] = (-0.25, 1.25),
        lipschitz: float | None = None,
        arithmetic: str = "auto",
    ) -> PlaneSlice:
        """The slice a + alpha (b - a) + beta (c - p), p the projection of c on the line ab (Janiak
        et al.).

        Arguments as in ``segment``; the window must contain a, at (0, 0).
        """
        a, b, c = (self._point(x, name) for x, name in ((a, "a"), (b, "b"), (c, "c")))
        if not torch.equal(a, self.anchor):
            raise BadPath(
                "A plane slice must begin at the anchor of its plateau: pass the same point a "
                "first."
            )
        if not (
            alpha[0] <= 0 <= alpha[1]
            and beta[0] <= 0 <= beta[1]
            and alpha[0] < alpha[1]
            and beta[0] < beta[1]
        ):
            raise BadPath(
                f"The window {alpha} x {beta} of a plane must have an area and contain (0, 0), "
                "where a lies."
            )
        e1, e2 = paths.plane_axes(a, b, c)
        s, t = np.linspace(*alpha, steps), np.linspace(*beta, steps)
        points = (
            a
            + torch.as_tensor(s).to(a)[None, :, None] * e1
            + torch.as_tensor(t).to(a)[:, None, None] * e2
        )
        solved = None
        if self._exactly(arithmetic):
            solved = ExactPlane.of(
                self.rational,
                window=((alpha[0], beta[0]), (alpha[1], beta[1])),
                anchor=(0, 0),
                metric=self.metric,
                chart_origin=a.tolist(),
                axes=(e1.tolist(), e2.tolist()),
            )
        return PlaneSlice(
            origin=a,
            axes=(e1, e2),
            radius=float(self.radius),
            s=s,
            t=t,
            heights=self.height(points).cpu().numpy(),
            lipschitz=_bound(lipschitz),
            exact=solved,
        )

    def _exactly(self, arithmetic: str) -> bool:
        if arithmetic not in ("auto", "exact", "sampled"):
            raise BadParameter(
                f"Slices are auto, exact or sampled, not {arithmetic!r}: choose one of these."
            )
        if arithmetic == "sampled":
            return False
        if arithmetic == "exact":
            if self.metric == "kl":
                raise BadParameter(
                    "Exact slices exist in l1, l2 and linf, not in kl: use arithmetic='sampled'."
                )
            if self.rational is None:
                exact(self.network)  # raises, naming the block
            return True
        return (
            self.metric != "kl"
            and self.rational is not None
            and _units(self.rational.steps) <= EXACT_UNITS
        )

    def _point(self, x: Tensor, name: str) -> Tensor:
        x = self.floating.check(_tensor(x))
        if x.ndim != 1:
            raise BadPath(
                f"A slice is spanned by single points, got shape {tuple(x.shape)} for its {name}."
            )
        return x


def _tensor(x: Tensor) -> Tensor:
    return x if isinstance(x, Tensor) else torch.tensor([float(v) for v in x], dtype=torch.float64)


def _units(steps: tuple[Step, ...]) -> int:
    """Output coordinates of all affine steps: a measure of what exact slicing costs."""
    return sum(
        len(step.bias)
        if isinstance(step, Affine)
        else _units(step.branch)
        if isinstance(step, Residual)
        else 0
        for step in steps
    )


def _bound(lipschitz: float | None) -> float | None:
    if lipschitz is not None and not (math.isfinite(lipschitz) and lipschitz >= 0):
        raise BadParameter(
            f"A Lipschitz bound is a finite number >= 0, got {lipschitz!r}: give None if none is "
            "known."
        )
    return lipschitz
