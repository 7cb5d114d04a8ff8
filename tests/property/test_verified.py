"""Float64 bounds of merge heights hold the exact value, and are tight or say that they are not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
import rich_networks
import torch
from engine import segment_of
from hypothesis import given
from rich_networks import Case, line_case, plane_case

from plateaus.errors import BadPath, Undecided
from plateaus.geometry import verified
from plateaus.geometry.bounds import parts
from plateaus.geometry.exact import ExactNetwork, ExactSegment, exact, witnesses
from plateaus.geometry.exact.program import ReLU, affine
from plateaus.networks.residual import ResidualMLP, network


def compare(case) -> tuple[verified.MergeBounds, float]:
    truth = float(segment_of(case).merge_height())
    return verified.merge_bounds(case.net, case.a, case.b, metric=case.metric), truth


@given(rich_networks.planes)
def test_bounds_hold_on_planes(case):
    bounds, truth = compare(case)
    assert bounds.lower <= truth * (1 + 1e-15) and truth <= bounds.upper * (1 + 1e-15)


@given(rich_networks.lines)
def test_bounds_hold_on_lines(case):
    bounds, truth = compare(case)
    assert bounds.lower <= truth * (1 + 1e-15) and truth <= bounds.upper * (1 + 1e-15)


def test_bounds_are_tight_on_nearly_all():
    found = [compare(make(seed)) for make in (plane_case, line_case) for seed in range(60)]
    assert np.mean([b.upper - b.lower <= 1e-7 * max(truth, 1e-3) for b, truth in found]) > 0.95


def test_bounds_decide_a_deep_network():
    torch.manual_seed(0)
    net = network(ResidualMLP(blocks=12, width=16, normalisation=None))
    a, b = [-0.9, -0.3], [0.8, 0.4]
    truth = float(ExactSegment.of(exact(net), a, b).merge_height())
    bounds = verified.merge_bounds(net, a, b)
    assert bounds.lower <= truth <= bounds.upper <= truth * (1 + 1e-6)
    assert bounds.contains(1.01 * truth) and not bounds.contains(0.99 * truth)


def test_undecided_is_said():
    bounds = verified.MergeBounds(lower=0.9, upper=1.1, parts=1)
    with pytest.raises(Undecided, match="between"):
        bounds.contains(1)
    assert bounds.contains(F(12, 10)) and not bounds.contains(F(9, 10))
    with pytest.raises(BadPath):
        verified.merge_bounds(witnesses.fold(), [1], [1])


def scaled(*factors: float) -> ExactNetwork:
    """x times one factor after the other."""
    return ExactNetwork.of(*[affine([[f]]) for f in factors], inputs=1)


def cancelled(layers: int = 0) -> ExactNetwork:
    """relu(x - 1), whose hidden value 10^17 + x is rounded to 10^17: the gate seems shut for x < 8.

    Before the gate the hidden value is divided by 10^8 ``layers`` times, and multiplied after it.
    """
    small = F(1, 10 ** (8 * layers))
    shrink, grow = [affine([[F(1, 10**8)]])] * layers, [affine([[10**8]])] * layers
    gate = affine([[1]], [-(10**17 + 1) * small]), ReLU()
    return ExactNetwork.of(affine([[1]], [10**17]), *shrink, *gate, *grow, inputs=1)


VANISHING = Case(net=cancelled(21), a=(F(0),), b=(F(3),))
"""After 21 layers of 1e-8 the rounding errors are so small that their squares vanish."""


@pytest.mark.parametrize("metric", ["l1", "l2", "linf"])
def test_what_vanishes_on_the_way_is_not_forgotten(metric):
    bounds, truth = compare(replace(VANISHING, metric=metric))
    assert truth == 2 and bounds.lower <= 2 <= bounds.upper


def test_lengths_that_forget_small_numbers_are_caught(monkeypatch):
    """The wrong twin: the library's norm, whose squares vanish."""
    monkeypatch.setattr(parts, "length", lambda y: np.linalg.norm(y, axis=1, keepdims=True))
    monkeypatch.setattr(parts, "TINY", 0.0)
    assert compare(VANISHING)[0].upper < 0.1


@pytest.mark.parametrize("factors", [[1e200, 1e200], [1e200, 1e200, 1e-200, 1e-200], [10**400]])
def test_what_overflows_is_undecided(factors):
    with pytest.raises(Undecided, match="too large for float64"):
        verified.merge_bounds(scaled(*factors), [0], [1])


def test_a_gate_is_doubted_by_what_rounding_did_to_it(monkeypatch):
    case = Case(net=cancelled(), a=(F(0),), b=(F(3),), metric="linf")
    bounds, truth = compare(case)
    assert truth == 2 and bounds.lower <= 2 <= bounds.upper
    honest = parts._relu
    monkeypatch.setattr(parts, "_relu", lambda x, w: honest(replace(x, error=0 * x.error), w))
    assert compare(case)[0].upper < 2  # the twin that trusts its values


def test_radii_are_compared_exactly():
    bounds = verified.MergeBounds(lower=1.0, upper=1.0, parts=1)
    assert bounds.contains(1 + F(1, 10**30)) and not bounds.contains(F(1))
    assert not bounds.contains(1 - F(1, 10**30))


def test_a_gate_taken_for_open_is_caught(monkeypatch):
    """The wrong twin: every doubtful gate passes its slope."""
    honest = parts._relu

    def careless(x, width):
        y = honest(x, width)
        return replace(
            y,
            slope=np.where(y.slope == 0, 0, x.slope),
            spread=0 * y.spread,
            spread_ball=0 * y.spread_ball,
        )

    monkeypatch.setattr(parts, "_relu", careless)
    found = [compare(line_case(seed)) for seed in range(40)]
    assert any(not b.lower <= truth <= b.upper * (1 + 1e-12) for b, truth in found)
