"""Certificates against exact geometry on networks rich in barriers; every comparison is between
rationals.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from statistics import median
from types import SimpleNamespace

import pytest
import rich_networks
import torch
from engine import plane_of, segment_of
from hypothesis import example, given, settings
from rich_networks import Case, plane_case

from plateaus.errors import BadParameter
from plateaus.geometry import inner
from plateaus.geometry.bounds import METHODS, Box, ceiling, inner_radius, propagate
from plateaus.geometry.bounds import radius as radius_module
from plateaus.geometry.exact import ExactNetwork, floating, witnesses
from plateaus.geometry.exact.program import hinges
from plateaus.geometry.minimax import certify, search

CONE = ExactNetwork.of(
    *hinges([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4, [[1, 1, 1, 1]]), inputs=2
)
EDGE_ON = Case(
    net=ExactNetwork.of(*hinges([[1, 0], [0, 1], [0, -1]], [0, 0, 0], [[1, 0, 0]]), inputs=2),
    a=(F(0), F(0)),
    b=(F(2), F(0)),
)
"""relu(x): the nearest point of {h >= 1} lies inside an edge of the window, at no vertex."""


def in_norm(case: Case, metric: str = "linf") -> Case:
    return replace(case, metric=metric)


def radius_is_sharp(case: Case, inner_radius_=inner.exact_inner_radius) -> None:
    """h_a reaches r on the closed ball of the exact radius, and nowhere on a slightly smaller
    one.
    """
    d = inner_radius_(case.net, case.a, case.radius)
    if d is not None:
        assert inner.highest(case.net, case.a, d) == case.radius
        assert inner.highest(case.net, case.a, d * F(999, 1000)) < case.radius


@given(rich_networks.planes)
@example(EDGE_ON)
def test_exact_radius_is_sharp(case):
    radius_is_sharp(case)


def test_corners_alone_are_caught():
    """A twin that looks at the corners of {h >= r} and not at its edges finds too large a
    radius.
    """

    def from_corners(net, a, r):
        plane = inner._around(net, a, F(4), "linf")
        corners = [
            inner.coordinates(v)
            for cell in plane.cells
            for v in cell.region
            if plane.metric(cell.at(v)) >= r
        ]
        return min(max(abs(x - u) for x, u in zip(z, a, strict=True)) for z in corners)

    radius_is_sharp(EDGE_ON)
    with pytest.raises(AssertionError):
        radius_is_sharp(EDGE_ON, from_corners)


@given(rich_networks.planes)
@pytest.mark.parametrize("method", METHODS)
def test_ceilings_are_above_the_truth(method, case):
    """U(rho) >= sup of h_a over the square of half-width rho."""
    for rho in (F(1, 8), F(1)):
        bound = ceiling(case.net, case.a, rho, method=method, metric=case.metric)
        assert bound >= inner.highest(case.net, case.a, rho, metric=case.metric)


@settings(max_examples=24)
@given(rich_networks.planes)
def test_certified_radii_are_inside(case):
    exact = inner.exact_inner_radius(case.net, case.a, case.radius)
    for method in METHODS:
        found = inner_radius(case.net, case.a, case.radius, method=method, digits=5)
        assert found.exact and found.value > 0
        assert exact is None or found.value < exact


@settings(max_examples=24)
@given(rich_networks.planes)
def test_euclidean_radii_are_inside(case):
    exact = inner.exact_inner_radius(case.net, case.a, case.radius, ball="l2")
    for method in METHODS:
        found = inner_radius(case.net, case.a, case.radius, method=method, norm="l2", digits=5)
        assert exact is None or found.value < exact


def at_the_centre(steps, box, matrix):
    """The Jacobian at the anchor alone."""
    middle = (box.low + box.high) / 2
    return propagate.jacobians(steps, Box(low=middle, high=middle), matrix)


def two_corners(steps, box):
    """The images of the lowest and the highest corner."""
    low, high = (propagate.states(steps, Box(low=x, high=x)).low for x in (box.low, box.high))
    return Box(low=low, high=high)


@pytest.mark.parametrize(
    "method, attribute, wrong",
    [
        ("jacobian", "jacobians", at_the_centre),
        ("interval", "states", two_corners),
    ],
)
def test_wrong_bounds_are_caught(method, attribute, wrong, monkeypatch):
    """Both fall below the truth on some rich network, where the right bound does not."""

    def breaks() -> bool:
        cases = [in_norm(plane_case(seed)) for seed in range(30)]
        return any(
            ceiling(c.net, c.a, F(1), method=method) < inner.highest(c.net, c.a, F(1))
            for c in cases
        )

    right = {
        "states": propagate.states,
        "jacobians": propagate.jacobians,
        "identity": propagate.identity,
    }
    assert not breaks()
    monkeypatch.setattr(radius_module, "propagate", SimpleNamespace(**{**right, attribute: wrong}))
    assert breaks()


def test_better_bounds_are_better():
    """On fifty networks the medians of certified / exact keep the order that the chapter
    reports.
    """
    shares = {method: [] for method in METHODS}
    for seed in range(50):
        case = in_norm(plane_case(seed))
        exact = inner.exact_inner_radius(case.net, case.a, case.radius)
        if exact is not None:
            for method in METHODS:
                shares[method].append(
                    inner_radius(case.net, case.a, case.radius, method=method, digits=6).value
                    / exact
                )
    product, interval, jacobian, relaxed = (median(shares[m]) for m in METHODS)
    assert product < F(1, 4) < interval < F(9, 10) < min(jacobian, relaxed) < 1


@given(rich_networks.planes)
def test_no_path_is_lower_than_the_merge_height(case):
    """A certified path inside the window is never lower than the window's exact m(a, b)."""
    found = searched(case, steps=25, nodes=13, restarts=2)
    if float(found.nodes.abs().max()) <= 4:
        true = plane_of(case).merge_height(case.b)
        assert float(found.ceilings) >= true * (1 - F(1, 10**12))


def test_search_is_powerful():
    """Of twenty known detours (m at least 5 % below the segment) most are found almost entirely: at
    least 90 % of the difference.
    """
    gained, seed = [], 0
    while len(gained) < 20:
        case, seed = plane_case(seed), seed + 1
        m, straight = (
            float(v) for v in (plane_of(case).merge_height(case.b), segment_of(case).merge_height())
        )
        if m < 0.95 * straight:
            gained.append((straight - float(searched(case).ceilings)) / (straight - m) >= 0.9)
    assert sum(gained) >= 17


def test_a_search_that_does_not_move_is_caught(monkeypatch):
    """The twin without gradients: random bows alone do not pass the bent sheet."""
    case = Case(net=witnesses.bent_sheet(), a=(F(0), F(1)), b=(F(0), F(-1)))
    assert float(searched(case).ceilings) < 2.2
    monkeypatch.setattr("plateaus.geometry.descent.descend", lambda height, paths, **_: paths)
    assert float(searched(case).ceilings) > 2.5


def searched(case: Case, **options):
    options = {"steps": 150, "nodes": 33, "restarts": 6, "bow": 0.5, **options}
    a, b = (torch.tensor([[float(v) for v in x]], dtype=torch.float64) for x in (case.a, case.b))
    return certify(
        search(floating(case.net), a, b, metric=case.metric, **options),
        case.net,
        a,
        metric=case.metric,
    )


def test_exact_radius_refuses_other_metrics():
    with pytest.raises(BadParameter):
        inner.exact_inner_radius(CONE, (0, 0), 1, ball="l1")
