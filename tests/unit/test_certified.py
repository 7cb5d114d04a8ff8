"""Paths through an embedded language model, proved and not sampled."""

from __future__ import annotations

import pytest
import torch

import plateaus as pl
from plateaus.geometry.bounds.chain import maps
from plateaus.geometry.bounds.program import program
from plateaus.geometry.bounds.tube import bulges
from plateaus.geometry.certified import certify_path
from plateaus.geometry.metrics import heights, steepness
from plateaus.networks.explicit import explicit


@pytest.fixture(scope="module")
def ends():
    """The laboratory model with six blocks, and two activations that enter block 1."""
    net = pl.load("laboratory-6l", device="cpu").at("Jane heard the cat purr . Jane was not")
    return net, *net.states(torch.tensor([5, 40]), block=1).double()


@pytest.mark.parametrize(
    "reading, metric, options",
    [("stream", "l2", {"tolerance": 0.02}), ("logits", "kl", {"below": 1e-3})],
)
def test_a_piece_of_a_segment_is_proved(ends, reading, metric, options):
    net, a, b = ends
    net = net[1:].reading(reading)
    plain = explicit(net).reading(reading)
    nodes = torch.stack([a, a + 0.02 * (b - a)])
    path = certify_path(plain, nodes, metric=metric, pieces=12, **options)
    dense = nodes[0] + torch.linspace(0, 1, 200, dtype=torch.float64)[:, None] * (nodes[1] - a)
    highest = float(heights(plain(dense), plain(a), metric).max())
    assert highest <= path.ceiling < options.get("below", 1.03 * highest)
    assert len(path.lengths) < 100
    # The model itself, in float32, is this map up to rounding.
    near = heights(net(dense), net(a), metric).max()
    assert float(near) == pytest.approx(highest, rel=1e-2, abs=1e-4)


def test_a_piece_is_no_lower_than_its_ends_and_all_of_its_bulge(ends):
    net, a, b = ends
    plain = explicit(net[3:]).reading("logits")
    nodes = torch.stack([a, a + 0.001 * (b - a)])
    path = certify_path(plain, nodes, metric="kl", pieces=1, budget=1)
    tube = bulges(maps(program(plain)), nodes[:1].numpy(), nodes[1:].numpy())
    bulge = float(tube.bulge[0])
    assert path.ceiling >= path.highest + steepness("kl", 2) * bulge
    assert 0 < bulge < 1  # of a length at which it can be told from nothing
