"""Certified sets in R^d that separate two points are never higher than what a path achieves; wrong
lower bounds are caught.
"""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
import rich_networks
import torch
from engine import plane_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rich_networks import Case, plane_case
from torch import nn
from twins import slips

from plateaus.errors import BadParameter, BadPoints, BadRadius, Undecided
from plateaus.geometry import separation
from plateaus.geometry.bounds import floor as floors
from plateaus.geometry.bounds.heights import outputs
from plateaus.geometry.bounds.interval import Box, around
from plateaus.geometry.bounds.program import program
from plateaus.geometry.bounds.unbounded import everywhere, ranges
from plateaus.geometry.exact import (
    ExactNetwork,
    floating,
    witnesses,
)
from plateaus.geometry.exact.program import ReLU, absolute, affine, hinges
from plateaus.geometry.metrics import heights
from plateaus.measures.known import gate, wall
from plateaus.networks.network import Network
from plateaus.networks.residual import PlainMLP, ResidualMLP, network

SEEDS = st.integers(0, 10_000)
ACTIVATIONS = ["tanh", "gelu", "relu", "silu"]
HALF_WALL = Case(
    net=ExactNetwork.of(
        *hinges([[1, 0], [-1, 0], [0, -1]], [0, 0, 0], [[-1, -1, -1]], [1]), ReLU(), inputs=2
    ),
    a=(F(-2), F(1)),
    b=(F(2), F(1)),
)
"""relu(1 - |x| - relu(-y)): a wall across x = 0 that ends below y = 0."""


def smooth(seed: int, *, activation: str = "tanh") -> Network:
    torch.manual_seed(seed)
    return network(PlainMLP((3, 5, 4, 2), activation=activation), dtype=torch.float64)


@settings(max_examples=30)
@given(
    SEEDS,
    st.sampled_from(["tanh", "gelu", "relu", "silu"]),
    st.sampled_from(["l1", "l2", "linf", "kl"]),
)
def test_floors_are_below_samples(seed, activation, metric):
    net, rng = smooth(seed, activation=activation), np.random.default_rng(seed)
    steps, a = program(net), rng.normal(size=3)
    low = rng.normal(size=(2, 3))
    region = Box(low=low, high=low + rng.exponential(size=(2, 3)))
    normal = rng.normal(size=3)
    inside = region.low[:, None] + rng.random((2, 400, 3)) * (region.high - region.low)[:, None]
    points = inside.reshape(-1, 3)
    plane = floors.Plane(normal=normal, level=float(normal @ points[0]))
    on = points + (plane.level - points @ normal)[:, None] * normal / (normal @ normal)
    held = ((region.low[:, None] <= on) & (on <= region.high[:, None])).all(-1).any(0)
    for some, only in ((points, None), (on[held], plane)):
        found = floors.floor(
            steps, outputs(steps, around(a)), region, metric, plane=only, budget=400
        )
        seen = heights(net(torch.as_tensor(some)), net(torch.as_tensor(a)), metric)
        assert found.height <= float(seen.min()) + 1e-12


def test_floors_come_close():
    """After some thousand boxes the bound is within a fifth of the lowest sample."""
    for seed in range(4):
        net, a = smooth(seed), np.zeros(3)
        steps = program(net)
        region = Box(low=np.full((1, 3), 0.8), high=np.full((1, 3), 1.6))
        found = floors.floor(steps, outputs(steps, around(a)), region, "l2", budget=3000)
        x = 0.8 + 0.8 * torch.rand(20000, 3, dtype=torch.float64)
        seen = float(heights(net(x), net(torch.zeros(3, dtype=torch.float64))).min())
        assert 0.8 * seen <= found.height <= seen


@settings(max_examples=40)
@given(rich_networks.planes)
def test_certified_sets_are_never_higher_than_a_path(case):
    """m of the window is what a path in it achieves: no separation can prove more."""
    m = float(plane_of(case).merge_height(case.b))
    a, b = ([float(v) for v in x] for x in (case.a, case.b))
    try:
        found = separation.separate(
            floating(case.net), a, b, 0.5 * m + 0.01, metric=case.metric, budget=60
        )
    except Undecided:
        return
    assert found.height <= m * (1 + 1e-9)


@pytest.mark.parametrize("slip", [slips.sampled_floor, slips.half_a_plane])
def test_wrong_floors_are_caught(slip, monkeypatch):
    def breaks() -> bool:
        for case in (HALF_WALL, *map(plane_case, range(40))):
            m = float(plane_of(case).merge_height(case.b))
            a, b = ([float(v) for v in x] for x in (case.a, case.b))
            try:
                found = separation.separate(
                    floating(case.net), a, b, 1.2 * m + 0.01, metric=case.metric, budget=60
                )
            except Undecided:
                continue
            if found.height > m * (1 + 1e-9):
                return True
        return False

    assert not breaks()
    slip(monkeypatch)
    assert breaks()


def test_walls_separate_and_gates_do_not():
    """In 16 dimensions; the positive control is a wall of height 1, the negative one has a gate."""
    a, b = [-2.0] + [0.0] * 15, [2.0] + [0.5] * 15
    found = separation.separate(floating(wall(16)), a, b, 0.999)
    assert found.height >= 0.999 and "hyperplane" in found.statement()
    with pytest.raises(Undecided, match="search a path"):
        separation.separate(floating(gate(4)), [-2.0, 0, 0, 0], [2.0, 0, 0, 0], 0.1, budget=200)


def double_well_behind(first: nn.Module, width: int) -> Network:
    """||n| - 1| of the first coordinate of an inner state: f(a) = f(b) on two sides of a pass."""
    wells = floating(witnesses.double_well()).blocks[0]
    pick = nn.Linear(width, 1, bias=False, dtype=torch.float64)
    pick.weight.data = torch.eye(width, dtype=torch.float64)[:1]
    blocks = (
        first.double().requires_grad_(False),
        nn.Sequential(pick, wells).requires_grad_(False),
    )
    return Network(blocks=blocks, dims=(width, width, 1), dtype=torch.float64, name="wells behind")


@pytest.mark.parametrize("kind", ["mixed", "normalised"])
def test_a_level_set_of_an_inner_block_separates_where_no_height_does(kind):
    """Eight inputs, h_a(b) = 0, and every path passes the middle of the inner coordinate."""
    torch.manual_seed(0)
    first = nn.Linear(8, 8) if kind == "mixed" else nn.LayerNorm(8)
    net = double_well_behind(first, 8)
    x = torch.randn(4000, 8, dtype=torch.float64)
    inner, h = net.states(x, 1)[:, 0], net(x)[:, 0]
    a, b = (x[torch.argmin(h + 9 * (sign * inner < 0.5))] for sign in (1, -1))
    assert float(heights(net(b), net(a))) < 0.1
    found = separation.separate(net, a, b, 0.6)
    assert found.height >= 0.6 and "block 1" in found.by
    t = torch.linspace(0, 1, 20001, dtype=torch.float64)[:, None]
    assert float(heights(net(a + t * (b - a)), net(a)).max()) >= found.height  # as any path must


@settings(max_examples=30)
@given(SEEDS, st.sampled_from(ACTIVATIONS), st.booleans())
def test_ranges_hold_everything(seed, activation, norm):
    torch.manual_seed(seed)
    module = ResidualMLP(
        inputs=3,
        width=4,
        blocks=1,
        outputs=2,
        depth=1,
        activation=activation,
        normalisation="layernorm" if norm else None,
    )
    net = network(module, dtype=torch.float64)
    box = everywhere(3)
    box.low[0, 0], box.high[0, 1] = -1.0, 2.0
    reached = ranges(program(net), box)
    x = 30 * torch.randn(500, 3, dtype=torch.float64)
    x[:, 0], x[:, 1] = x[:, 0].clamp_min(-1), x[:, 1].clamp_max(2)
    y = net(x).numpy()
    assert (reached.low <= y).all() and (y <= reached.high).all()
    assert not np.isnan(reached.low).any() and not np.isnan(reached.high).any()
    head = ranges(program(net[:1]), box)  # an affine map of all of R^3 has no bound
    assert np.isinf(head.low).all() and np.isinf(head.high).all()


@pytest.mark.parametrize(
    "error, call",
    [
        (BadPoints, lambda net, a, b: separation.moat(net, a, b, 9.0)),
        (BadParameter, lambda net, a, b: separation.moat(net, a, b, -1.0)),
        (BadParameter, lambda net, a, b: separation.moat(net, a, b, 1.0, metric="cosine")),
        (BadPoints, lambda net, a, b: separation.level_set(net, a, b, [1, 0, 0], 9.0)),
        (BadPoints, lambda net, a, b: separation.level_set(net, a, b, [1, 0], 0.5)),
        (BadPoints, lambda net, a, b: separation.level_set(net, a, b, [0, 0, 0], 0.5)),
        (BadParameter, lambda net, a, b: separation.level_set(net, a, b, [1, 0, 0], 0.5, block=7)),
        (BadParameter, lambda net, a, b: separation.level_set(net, a, b, [1, 0, 0], float("nan"))),
        (BadPoints, lambda net, a, b: separation.separate(net, a[:2], b, 1.0)),
        (BadRadius, lambda net, a, b: separation.separate(net, a, b, 0)),
        (BadParameter, lambda net, a, b: separation.separate(net, a, b, 1.0, levels=0)),
    ],
)
def test_what_separates_nothing_says_so(error, call):
    with pytest.raises(error):
        call(smooth(0), [0.0, 0.0, 0.0], [1.0, 1.0, 1.0])


def test_states_of_inner_blocks_are_those_that_can_be():
    """relu(1 - 2|u| - relu(|v| - 1)) of u, v = tanh: the wall ends where no state reaches."""
    wall_with_ends = ExactNetwork.of(
        *absolute(2),
        affine([[2, 0], [0, 1]], [0, -1]),
        ReLU(),
        affine([[-1, -1]], [1]),
        ReLU(),
        inputs=2,
    )
    (behind,) = floating(wall_with_ends).blocks
    net = Network(blocks=(nn.Tanh(), behind), dims=(2, 2, 1), dtype=torch.float64, name="tanh")
    a, b = [-1.0, 0.0], [1.0, 0.0]
    found = separation.level_set(net, a, b, [1, 0], 0, block=1, goal=0.99)
    assert found.height >= 0.99
