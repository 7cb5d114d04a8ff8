"""Proofs of outside, counted: what single closed sets separate, and what they must not."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
import torch

from plateaus.errors import Undecided
from plateaus.geometry import separation
from plateaus.geometry.metrics import heights
from plateaus.measures import walls
from plateaus.measures.known import gate, gate_at


def test_walls_are_told_from_gates():
    found = walls.examples().set_index(network="network")
    assert found.separated.values.tolist() == [True, True, False]
    assert found.by.values.tolist()[:2] == ["a hyperplane", "a level set of what enters block 1"]


def test_both_ends_of_the_wells_have_no_height():
    net, ends = walls.normalised_wells(16), walls._well_ends(16)
    a, b = (torch.as_tensor(x) for x in ends)
    middle = torch.cat([torch.zeros(1), torch.randn(15)]).double()
    middle[1:] -= middle[1:].mean()
    assert float(heights(net(b), net(a), "linf")) < 1e-5
    assert float(heights(net(middle), net(a), "linf")) == pytest.approx(0.5, abs=1e-5)


def test_cuts_are_tight_and_sets_prove_less_and_less():
    found = walls.reached(count=2)
    assert (found.cut == 1).all()
    counts = found.proved.sum("well").values
    assert counts.tolist() == [1, 1, 0]  # radii are counted from h_a(b), not from zero


def test_rational_networks_are_followed_in_floats():
    """Weights like 1/15 are no floats; heights hold all the same, and a gate stays open."""
    net, a = gate(16), [-2.0] + [0.0] * 15
    away = [0.0] + [4.0 + float(c) for c in gate_at(16)[1:]]
    own = separation.separate(net, a, away, F(39, 10), metric="linf")
    assert own.by == "b itself" and own.height == pytest.approx(4, abs=1e-9) and own.height <= 4
    with pytest.raises(Undecided):
        separation.separate(net, a, [2.0] + [0.0] * 15, 0.1, metric="linf", budget=100)
