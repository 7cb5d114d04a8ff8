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
from rich_networks import line_case, plane_case

from plateaus.errors import BadPath, Undecided
from plateaus.geometry import verified
from plateaus.geometry.exact import ExactSegment, exact, witnesses
from plateaus.geometry.exact.norms import norm
from plateaus.networks.residual import ResidualMLP, network


def compare(case) -> tuple[verified.MergeBounds, float]:
    truth = float(segment_of(case).merge_height()) ** (1 / norm(case.metric).power)
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
    truth = float(ExactSegment.of(exact(net), a, b).merge_height()) ** 0.5
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


def test_a_gate_taken_for_open_is_caught(monkeypatch):
    """The wrong twin: every doubtful gate passes its slope."""
    honest = verified._relu

    def careless(x, width):
        y = honest(x, width)
        return replace(
            y,
            slope=np.where(y.slope == 0, 0, x.slope),
            spread=0 * y.spread,
            spread_ball=0 * y.spread_ball,
        )

    monkeypatch.setattr(verified, "_relu", careless)
    found = [compare(line_case(seed)) for seed in range(40)]
    assert any(not b.lower <= truth <= b.upper * (1 + 1e-12) for b, truth in found)
