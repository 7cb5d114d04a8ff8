"""Certified inner radii: balls around an activation that provably lie in its plateau.

If an upper bound U(rho) of h_a on the closed ball of radius rho is below r, the being
connected, lies in P_r(a). Bisecting rho gives a radius; how large it is depends on the bound alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from plateaus.errors import BadParameter, BadPoints
from plateaus.geometry.bounds import linear, propagate
from plateaus.geometry.bounds.interval import Box, around_by, norm_up, raise_, root_up
from plateaus.geometry.bounds.lipschitz import lipschitz
from plateaus.geometry.bounds.program import Program, exact, points, program
from plateaus.geometry.checks import not_negative, whole
from plateaus.geometry.exact.norms import radius as checked_radius
from plateaus.geometry.exact.program import ExactNetwork
from plateaus.networks.network import Network

METHODS = ("product", "interval", "jacobian", "linear")
BALLS = ("linf", "l2")
METRICS = ("l1", "l2", "linf")
LARGEST = 2**20
"""Radii beyond this are not told apart."""


@dataclass(frozen=True, kw_only=True)
class InnerRadius:
    """B_value(a) lies in P_r(a): proved, not sampled."""

    value: Fraction | float
    method: str
    ball: str
    """The norm that ``value`` is measured in."""
    exact: bool
    """True: rational arithmetic. False: float64, rounded outwards."""


def ceiling(
    network: Network | ExactNetwork,
    a: Sequence,
    rho,
    *,
    method: str = "jacobian",
    metric: str = "linf",
    norm: str = "linf",
):
    """An upper bound of h_a on the closed ball of radius rho.

    Args:
        a: ``(d,)``; rationals stay rational for an ``ExactNetwork``.
        method: "product" of Lipschitz constants, "interval" propagation, "jacobian" intervals, or
            "linear" relaxation.
        metric: the norm of the output space; h_a is measured in it.
        norm: the norm of the ball. Interval propagation knows boxes only and encloses an "l2" ball
            in one.

    Raises:
        BadParameter: an unknown method, metric or norm.
        NotCertifiable: a part of the network that no bound is known for.
    """
    return _Bound.of(network, a, method, metric, norm).ceiling(rho)


def inner_radius(
    network: Network | ExactNetwork,
    a: Sequence,
    r,
    *,
    method: str = "jacobian",
    metric: str = "linf",
    norm: str = "linf",
    digits: int = 12,
) -> InnerRadius:
    """The largest radius, up to a relative 2^-digits, whose ball this bound proves to lie in
    P_r(a).

    Radii beyond ``LARGEST`` are reported as ``LARGEST``. Raises as ``ceiling``, and BadRadius for
    r.
    """
    r, digits = checked_radius(r), whole(digits, "digits", least=1)
    bound = _Bound.of(network, a, method, metric, norm)
    low, high = bound.start(r), None
    for _ in range(60 + digits):
        if low >= LARGEST or (high is not None and (high - low) * 2**digits <= high):
            break
        middle = 2 * low if high is None else (low + high) / 2
        if bound.proves(middle, r):
            low = middle
        else:
            high = middle
    return InnerRadius(
        value=min(low, bound.number(LARGEST)), method=method, ball=norm, exact=bound.rationals
    )


@dataclass(frozen=True, kw_only=True)
class _Bound:
    steps: Program
    a: np.ndarray
    rationals: bool
    method: str
    metric: str
    norm: str

    @classmethod
    def of(cls, network, a, method: str, metric: str, norm: str) -> _Bound:
        for given, accepted, what in (
            (method, METHODS, "method"),
            (metric, METRICS, "metric"),
            (norm, BALLS, "norm"),
        ):
            if given not in accepted:
                raise BadParameter(
                    f"The {what} of a certified radius is one of {', '.join(accepted)}, not "
                    f"{given!r}."
                )
        steps = program(network)
        rationals = exact(steps) if isinstance(network, ExactNetwork) else False
        a = points(a.tolist() if hasattr(a, "tolist") else a, rationals=rationals)
        if len(a) != network.dims[0]:
            raise BadPoints(
                f"{network.name} takes points of dimension {network.dims[0]}, got {len(a)} "
                "coordinates for the centre of a ball."
            )
        return cls(
            steps=steps,
            a=a,
            rationals=rationals,
            method=method,
            metric=metric,
            norm=norm,
        )

    def number(self, x):
        return Fraction(x) if self.rationals else float(x)

    def proves(self, rho, r: Fraction) -> bool:
        """Whether h_a < r on the whole closed ball."""
        found = self.ceiling(rho)
        return bool(np.isfinite(float(found))) and Fraction(found) < r

    def start(self, r: Fraction):
        """A positive radius that the method proves: the product's, which the other bounds do not
        fall much below.
        """
        rho = (
            self.number(r)
            * (self.number(1) - self.number(2) ** -20)
            / max(self._constant, self.number(2) ** -20)
        )
        while not self.proves(rho, r):
            rho = rho / 4
            if rho < 2.0**-300:
                return self.number(0)
        return rho

    def ceiling(self, rho):
        rho = self.number(not_negative(rho, "The radius of a ball"))
        if self.method == "product":
            return raise_(self._constant * rho)
        return norm_up(self._deviations(rho), self.metric)

    @cached_property
    def _constant(self):
        """A Lipschitz constant from the norm of the ball to the metric: |y|_metric <= factor
        |y|_norm for outputs y.
        """
        c = len(self._centre.low)
        square = {("l1", "linf"): c * c, ("l2", "linf"): c, ("l1", "l2"): c}.get(
            (self.metric, self.norm), 1
        )
        return raise_(root_up(self.number(square)) * lipschitz(self.steps, self.norm))

    @cached_property
    def _centre(self) -> Box:
        """A box that holds f(a): a point over the rationals."""
        return propagate.states(self.steps, Box(low=self.a, high=self.a))

    def _deviations(self, rho) -> np.ndarray:
        """Upper bounds of |f_i(x) - f_i(a)|."""
        domain = around_by(self.a, rho)
        if self.method == "interval":
            out, centre = propagate.states(self.steps, domain), self._centre
            return np.maximum(np.maximum(out.high - centre.low, centre.high - out.low), 0)
        if self.method == "linear":
            return linear.deviations(
                self.steps, linear.Ball(centre=self.a, rho=rho, norm=self.norm), self._centre
            )
        _, rows = propagate.jacobians(self.steps, domain, propagate.identity(len(self.a), self.a))
        dual = "l1" if self.norm == "linf" else "l2"
        reach = [raise_(norm_up(column, dual) * rho) for column in rows.reach.T]
        return np.array(reach, dtype=self.a.dtype)
