"""The height h_a(x) = D(f(a), f(x)): how far the output has moved from that of the anchor a."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPath, NotPiecewiseLinear
from plateaus.geometry import checks, paths
from plateaus.geometry.arithmetic import chosen
from plateaus.geometry.bounds.heights import assumed_rounding, height_bounds
from plateaus.geometry.bounds.interval import Box, affine, around
from plateaus.geometry.checks import not_negative
from plateaus.geometry.exact.convert import exact, floating
from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.program import ExactNetwork, point
from plateaus.geometry.exact.segment import ExactSegment
from plateaus.geometry.lines import Line
from plateaus.geometry.metrics import check_metric, heights
from plateaus.geometry.proofs import followed
from plateaus.geometry.surfaces import Surface
from plateaus.geometry.verified import MergeBounds, merge_bounds
from plateaus.networks.network import Network


@dataclass(frozen=True)
class Height:
    """h_a of a network f at an anchor a, in a metric: ``h(x)`` for points, ``h.segment`` and
    ``h.plane`` for what a slice shows of it.

    Nothing here knows a radius: ``Plateau`` adds one.

    Raises:
        BadPoints: the anchor has the wrong dimension or is not finite.
        BadPath: more than one anchor.
        BadParameter: unknown metric.
    """

    network: Network | ExactNetwork
    anchor: Tensor
    """a, shape ``(d,)``; anything that converts to a tensor is accepted."""
    metric: str = field(default="l2", kw_only=True)
    """ "l1", "l2" or "linf" of the output, or "kl", which reads f(x) as logits and counts nats."""

    def __post_init__(self) -> None:
        if not isinstance(self.network, Network | ExactNetwork):
            raise BadParameter(
                f"A height is of a network, got {str(self.network)[:80]}: give a Network; a "
                "language model is one at a prompt, lm.at(prompt)."
            )
        check_metric(self.metric)
        object.__setattr__(self, "anchor", self.point(self.anchor, "anchor"))

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
        with torch.no_grad():
            return self.floating(self.anchor)

    def __call__(self, x: Tensor) -> Tensor:
        """h_a(x) in float64; points ``(..., d)`` give ``(...)``."""
        with torch.no_grad():
            return heights(self.floating(checks.tensor(x)), self.centre, self.metric)

    def bounds(
        self, coordinates: np.ndarray, axes: tuple[Tensor, ...], rounding: float | None = None
    ) -> Box:
        """Bounds of h_a at the points a + sum_k coordinates_k axes_k; ``(..., k)`` to ``(...)``.

        Proved by interval arithmetic if it can follow the network. Otherwise heights are computed
        and widened by ``rounding``; None assumes ``bounds.heights.ASSUMED_ULPS`` units in the last
        place of the largest output, which holds for networks without heavy cancellation.
        """
        origin, directions = (x.double().cpu().numpy() for x in (self.anchor, torch.stack(axes)))
        points = affine(directions.T, origin, around(coordinates))
        steps = followed(self.floating)
        if steps is not None:
            return height_bounds(steps, points, origin, self.metric)
        middle = torch.as_tensor((points.low + points.high) / 2).to(self.anchor)
        with torch.no_grad():
            y = self.floating(middle)
        h = heights(y, self.centre, self.metric).cpu().numpy()
        if rounding is None:
            rounding = assumed_rounding(y, self.centre, self.metric)
        return Box(low=np.maximum(h - rounding, 0), high=h + rounding)

    def segment(
        self,
        b: Tensor,
        *,
        steps: int = 201,
        window: tuple[float, float] = (0.0, 1.0),
        lipschitz: float | None = None,
        rounding: float | None = None,
        arithmetic: str = "auto",
    ) -> Line:
        """h_a on the line from a through b; alpha = 0 is a, alpha = 1 is b.

        Args:
            window: the range of alpha; it must contain 0.
            lipschitz: a bound on |h_a(x) - h_a(y)| / |x - y|_2 along the slice, which turns samples
                into certificates.
            rounding: see ``bounds``.
            arithmetic: "exact" computes the slice over the rationals, "bounded" bounds its merge
                heights in float64 (piecewise-linear networks only), "sampled" evaluates ``steps``
                points, "auto" takes the first of these that is possible and cheap.

        Raises:
            BadPath: identical end points, or a window without alpha = 0.
            NotPiecewiseLinear: "exact" or "bounded" of another network.
        """
        b = self.point(b, "second end")
        low, high = checks.window(window, "segment", "alpha = 0")
        paths.segment(self.anchor, b, steps=2)  # refuses identical end points
        alpha = np.linspace(low, high, checks.steps(steps))
        # The anchor is always a sample: the component must start somewhere.
        alpha = np.union1d(alpha[np.abs(alpha) > 1e-12], [0.0])
        direction = b - self.anchor
        points = self.anchor + torch.as_tensor(alpha).to(self.anchor)[:, None] * direction
        mode = chosen(arithmetic, self.metric, self.network, self.rational)
        solved = None
        if mode == "exact":
            ends = self.anchor.tolist(), b.tolist()
            solved = ExactSegment.of(self.rational, *ends, metric=self.metric, window=(low, high))
        return Line(
            start=self.anchor,
            end=b,
            alpha=alpha,
            heights=self(points).cpu().numpy(),
            lipschitz=_optional(lipschitz, "A Lipschitz bound"),
            enclose=partial(
                self.bounds, axes=(direction,), rounding=_optional(rounding, "A bound on rounding")
            ),
            bounded=self._bounded(b) if mode == "bounded" else None,
            exact=solved,
        )

    def plane(
        self,
        b: Tensor,
        c: Tensor,
        *,
        steps: int = 97,
        alpha: tuple[float, float] = (-0.25, 1.25),
        beta: tuple[float, float] = (-0.25, 1.25),
        lipschitz: float | None = None,
        rounding: float | None = None,
        arithmetic: str = "auto",
    ) -> Surface:
        """h_a on a + alpha (b - a) + beta (c - p), p the projection of c on the line ab (Janiak et
        al.).

        Arguments as in ``segment``; the window must contain a, at (0, 0). With the default window
        and 97 steps a, b and the foot of c are nodes.
        """
        b, c = self.point(b, "second point"), self.point(c, "third point")
        alpha, beta = (checks.window(w, "plane", "(0, 0)") for w in (alpha, beta))
        e1, e2 = paths.plane_axes(self.anchor, b, c)
        s, t = (np.linspace(*w, checks.steps(steps)) for w in (alpha, beta))
        points = (
            self.anchor
            + torch.as_tensor(s).to(self.anchor)[None, :, None] * e1
            + torch.as_tensor(t).to(self.anchor)[:, None, None] * e2
        )
        solved = None
        if chosen(arithmetic, self.metric, self.network, self.rational) == "exact":
            solved = ExactPlane.of(
                self.rational,
                window=((alpha[0], beta[0]), (alpha[1], beta[1])),
                anchor=(0, 0),
                metric=self.metric,
                chart_origin=self.anchor.tolist(),
                axes=(e1.tolist(), e2.tolist()),
            )
        return Surface(
            origin=self.anchor,
            axes=(e1, e2),
            s=s,
            t=t,
            heights=self(points).cpu().numpy(),
            lipschitz=_optional(lipschitz, "A Lipschitz bound"),
            enclose=partial(
                self.bounds, axes=(e1, e2), rounding=_optional(rounding, "A bound on rounding")
            ),
            exact=solved,
        )

    def point(self, x: Tensor, name: str) -> Tensor:
        """One point on the network's device, of its dtype.

        Raises:
            BadPoints: wrong dimension or not finite.
            BadPath: more than one point.
        """
        x = self.floating.check(checks.tensor(x))
        if x.ndim != 1:
            raise BadPath(
                f"A height and its slices are spanned by single points, got shape "
                f"{tuple(x.shape)} for the {name}: give one point."
            )
        return x

    def _bounded(self, b: Tensor) -> Callable[[float], MergeBounds]:
        """Bounds of m_seg between a and the point at alpha, both taken as rationals."""
        a, b = (point(x.tolist()) for x in (self.anchor, b))

        def bounds(alpha: float) -> MergeBounds:
            x = tuple(u + Fraction(alpha) * (v - u) for u, v in zip(a, b, strict=True))
            return merge_bounds(self.network, a, x, metric=self.metric)

        return bounds


def _optional(value: float | None, name: str) -> float | None:
    return None if value is None else not_negative(value, name)
