"""Certified answers of sampled slices against exact ones, on networks rich in barriers; and small
slips in certificates, each caught on a pinned example.
"""

from __future__ import annotations

from fractions import Fraction as F
from random import Random

import numpy as np
import pytest
import rich_networks
import torch
from engine import plane_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rich_networks import Case, plane_case
from scipy.special import rel_entr, softmax
from torch import nn
from twins import slips

from plateaus.geometry import inner, metrics
from plateaus.geometry.bounds import ceiling
from plateaus.geometry.exact import ExactNetwork, Root, exact, floating, witnesses
from plateaus.geometry.exact.program import ReLU, absolute, affine, hinges
from plateaus.geometry.height import Height
from plateaus.networks.network import Network

ANSWERS = {"inside": True, "outside": False}


def steepest(case: Case) -> float:
    """A Lipschitz constant of h_a: on each cell |J|_2 <= |J|_F, times what the metric adds."""
    norms = [
        float(Root(sum((F(v, c.denominator) ** 2 for v in c.rows[:, 1:].flat), F(0))))
        for c in plane_of(case).cells
    ]
    return max(norms) * metrics.steepness(case.metric, len(case.net(case.a))) * (1 + 1e-9)


def contradictions(case: Case, *, steps: int = 33) -> tuple[int, int]:
    """Certified answers that exact arithmetic contradicts, and how many there were."""
    h = Height(case.net, [float(v) for v in case.a], metric=case.metric)
    b, c = ([float(v) for v in case.a] for _ in range(2))
    b[0], c[1] = b[0] + 1, c[1] + 1
    window = {"alpha": (-2.0, 2.0), "beta": (-1.5, 2.5)}
    rough = h.plane(b, c, **window, arithmetic="sampled", lipschitz=steepest(case), steps=steps)
    true = h.plane(b, c, **window, arithmetic="exact").exact
    random, wrong, settled = Random(repr(case.a)), 0, 0
    for _ in range(12):
        z = random.randint(-256, 256) / 128, random.randint(-192, 320) / 128
        m = true.merge_height(z)
        for r in (float(case.radius), 1.02 * float(m) + 1e-3, 0.98 * float(m) + 1e-3):
            answer = rough.decide(z, r)
            settled += answer in ANSWERS
            wrong += answer in ANSWERS and ANSWERS[answer] != (m < F(r))
    return wrong, settled


@settings(max_examples=30)
@given(rich_networks.planes)
def test_planes_never_contradict_exact_ones(case):
    assert contradictions(case)[0] == 0


def test_planes_are_decided_often_enough():
    settled = [contradictions(plane_case(seed))[1] for seed in range(12)]
    assert sum(settled) > 0.5 * 36 * len(settled)


@settings(max_examples=30)
@given(rich_networks.lines, st.integers(0, 99))
def test_lines_never_contradict_exact_ones(case, seed):
    assert line_contradictions(case, seed)[0] == 0


def line_contradictions(case: Case, seed: int = 0, *, steps: int = 41) -> tuple[int, int]:
    h = Height(case.net, [float(v) for v in case.a], metric=case.metric)
    ends = {"b": [float(v) for v in case.b], "window": (-1.0, 2.0)}
    true = h.segment(**ends, arithmetic="exact").exact
    slopes = [
        Root(sum((F(v, p.denominator) ** 2 for v in p.rows[:, 1]), F(0))) for p in true.affine
    ]
    length = abs(float(case.b[0] - case.a[0]))
    steep = metrics.steepness(case.metric, len(case.net(case.a)))
    lipschitz = float(max(slopes)) * steep / length * (1 + 1e-9)
    rough = h.segment(**ends, arithmetic="sampled", lipschitz=lipschitz, steps=steps)
    random, wrong, settled = Random(seed), 0, 0
    for t in [random.randint(-128, 256) / 128 for _ in range(12)]:
        m = true.merge_height(t)
        for r in (float(case.radius), 1.02 * float(m) + 1e-3, 0.98 * float(m) + 1e-3):
            answer = rough.decide(t, r)
            settled += answer in ANSWERS
            wrong += answer in ANSWERS and ANSWERS[answer] != (m < F(r))
    return wrong, settled


def test_lines_are_decided_often_enough():
    found = [line_contradictions(rich_networks.line_case(seed))[1] for seed in range(12)]
    assert sum(found) > 0.5 * 36 * len(found)


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.1, 30))
def test_divergences_are_those_of_the_library(seed, outputs, size):
    """KL(softmax c | softmax y) in nats: from the anchor's prediction to the point's."""
    c, y = size * np.random.default_rng(seed).normal(size=(2, outputs))
    true = rel_entr(softmax(c), softmax(y)).sum()
    found = metrics.heights(torch.tensor(y), torch.tensor(c), "kl")
    assert float(found) == pytest.approx(true, rel=1e-9, abs=1e-12)


# --- pinned examples

POCKET = ExactNetwork.of(
    *[affine([[1, 0], [0, 1]], [F(-1, 2), F(-1, 2)]), *absolute(2)],
    *hinges([[F(7, 10)] * 2, [F(-7, 10)] * 2], [F(-1, 20), F(1, 20)], [[-1, -1]], [F(13, 20)]),
    ReLU(),
    inputs=2,
)
"""A ring of height 0.65 around a pocket of height 0.6 in the middle of a grid's square, and zero at
its corners; 1-Lipschitz.
"""
TWO_SIDES = ExactNetwork.of(
    affine([[1, 0], [1, 1]], [F(-1, 20), F(-19, 20)]), ReLU(), inputs=2, name="two sides"
)
"""{h >= 1} is x >= 1.05 or x + y >= 1.95: the nearest point, at 1.05, lies outside the unit square,
another one, at 1.379, inside it.
"""


def readout_counts() -> None:
    layer, head = (nn.Linear(1, 1).double().requires_grad_(False) for _ in range(2))
    for part, factor in ((layer, 1.0), (head, 100.0)):
        part.weight.fill_(factor)
        part.bias.zero_()
    net = Network(blocks=(layer,), dims=(1, 1), readout=head, dtype=torch.float64)
    assert ceiling(net, [0.0], 1.0) >= 100 and exact(net)([1]) == (100,)


def nearest_point_beyond_the_window() -> None:
    assert inner.exact_inner_radius(TWO_SIDES, [0, 0], 1, ball="l2") == F(21, 20)
    assert inner.exact_inner_radius(TWO_SIDES, [0, 0], 1) == F(39, 40)


def divergence_has_a_direction() -> None:
    c, y = torch.tensor([3.0, 1.0]).log(), torch.zeros(2)
    true = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert float(metrics.heights(y, c, "kl")) == pytest.approx(true, rel=1e-6)


def on_grid(net: ExactNetwork, a, b, *, half: float, steps: int, lipschitz: float):
    """The square of that half-width around the origin, a grid of steps x steps nodes."""
    h, (x, y) = Height(net, [float(v) for v in a], metric="linf"), (float(v) for v in a)
    window = {"alpha": (-half - x, half - x), "beta": (-half - y, half - y), "steps": steps}
    plane = h.plane([x + 1, y], [x, y + 1], **window, arithmetic="sampled", lipschitz=lipschitz)
    return plane, (b[0] - x, b[1] - y)


def diagonals_are_longer_than_sides() -> None:
    """m = 0 along the valley's floor, and 1/2 across the ridge."""
    options = {"half": 1.0, "steps": 5, "lipschitz": 2**0.5 * (1 + 1e-12)}
    valley, z = on_grid(witnesses.valley(), (-1, -1), (1, 1), **options)
    assert valley.band.lower[valley._node(z)] <= 0
    ridge, z = on_grid(witnesses.ridge(), (-1, 1), (1, -1), **options)
    assert ridge.band.upper[ridge._node(z)] >= 0.5


def pockets_are_not_their_corners() -> None:
    plane, z = on_grid(POCKET, (0, 0), (0.5, 0.5), half=1.0, steps=3, lipschitz=1.0)
    assert plane.decide(z, 0.62) != "inside" and float(plane.height(z)) < 0.62


def samples_have_crests_between_them() -> None:
    """relu(1 - 8 |x - 1/8|): a tooth between the samples 0 and 1/4."""
    line = Height(witnesses.gate(), [-1.0], metric="linf").segment(
        [1.0], window=(0, 1), steps=9, arithmetic="sampled", lipschitz=8.0
    )
    assert line.decide(0.75, 0.9) != "inside"


def what_lies_behind_is_joined_through_the_anchor() -> None:
    h = Height(witnesses.double_well(), [-1.0], metric="linf")
    line = h.segment([-3.0], window=(-1, 1), steps=41, arithmetic="sampled", lipschitz=1.0)
    assert line.decide(-0.1, 0.5) == "inside" and line.decide(-1, 0.5) == "outside"
    assert line.band.lower[0] == pytest.approx(1) and line.band.lower[line.source - 1] < 0.2


SLIPS = {
    slips.no_readout: readout_counts,
    slips.no_readout_over_the_rationals: readout_counts,
    slips.wide_window: nearest_point_beyond_the_window,
    slips.reversed_divergence: divergence_has_a_direction,
    slips.short_diagonal: diagonals_are_longer_than_sides,
    slips.no_detour: pockets_are_not_their_corners,
    slips.no_crest: samples_have_crests_between_them,
    slips.one_way_line: what_lies_behind_is_joined_through_the_anchor,
}


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.__name__)
def test_a_slip_is_caught(slip, monkeypatch):
    SLIPS[slip]()
    slip(monkeypatch)
    with pytest.raises(AssertionError):
        SLIPS[slip]()


def test_the_pocket_is_what_it_is_said_to_be():
    """The example of the detour: 1-Lipschitz, a ring above r = 0.62 around a point below it."""
    net = floating(POCKET)
    x = torch.rand(2000, 2, 2, dtype=torch.float64) * 2 - 1
    rise = (net(x[:, 0]) - net(x[:, 1])).abs()[:, 0]
    assert (rise <= (x[:, 0] - x[:, 1]).norm(dim=-1) + 1e-12).all()
    assert POCKET([F(1, 2), F(1, 2)]) == (F(3, 5),) and POCKET([0, 0]) == POCKET([0, 1]) == (0,)
    assert POCKET([F(1, 2) + F(1, 14), F(1, 2)]) == (F(13, 20),)
