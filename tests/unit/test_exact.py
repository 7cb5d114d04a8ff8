"""Exact programs, their slices and their conversion from float networks."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
import torch

from plateaus.errors import BadParameter, BadPath, BadPoints, BadRadius, NotPiecewiseLinear
from plateaus.geometry.exact import (
    ExactNetwork,
    ExactPlane,
    ExactSegment,
    Root,
    bars,
    centres,
    exact,
    floating,
    landscape,
    random_wells,
    raster,
    witnesses,
)
from plateaus.geometry.exact.cells import holds
from plateaus.geometry.exact.pieces import vertex
from plateaus.geometry.exact.program import absolute, affine, clamp
from plateaus.networks.interventions import freeze
from plateaus.networks.residual import PlainMLP, ResidualMLP, network


def test_building_blocks_mean_what_they_say():
    assert ExactNetwork.of(*absolute(2), inputs=2)(["-1/3", 2]) == (F(1, 3), 2)
    assert [ExactNetwork.of(*clamp(-1, F(1, 2)), inputs=1)([x])[0] for x in (-3, 0, 3)] == [
        -1,
        0,
        F(1, 2),
    ]


@pytest.mark.parametrize(
    "module",
    [
        PlainMLP((3, 5, 4, 2)),
        PlainMLP((2, 4), activation="identity"),
        ResidualMLP(inputs=3, width=5, blocks=3, normalisation=None),
        ResidualMLP(inputs=2, width=4, blocks=2, normalisation=None, skip=False),
    ],
    ids=["plain", "affine", "residual", "no skip"],
)
def test_converted_networks_agree_with_float64(module):
    net = network(module, dtype=torch.float64)
    program = exact(net)
    assert program.dims[0] == net.dims[0]
    for x in torch.randn(5, net.dims[0], dtype=torch.float64):
        assert torch.allclose(
            torch.tensor([float(v) for v in program(x.tolist())], dtype=torch.float64), net(x)
        )
        assert torch.allclose(floating(program)(x), net(x))
    # A partial network is the same part of the program.
    states = program.trace(x.tolist())
    assert program[1:](states[1]) == states[-1]


def test_a_wrong_branch_would_be_seen():
    """The comparison above can fail: a residual branch without its skip connection gives another
    function.
    """
    torch.manual_seed(0)
    net = network(ResidualMLP(inputs=2, width=4, blocks=1, normalisation=None), dtype=torch.float64)
    program = exact(net)
    stripped = ExactNetwork(
        blocks=tuple(
            block[0].branch if hasattr(block[0], "branch") else block for block in program.blocks
        ),
        inputs=2,
    )
    assert stripped([1.0, 2.0]) != program([1.0, 2.0])


def test_only_piecewise_linear_networks_convert():
    for module in (ResidualMLP(), PlainMLP((2, 3, 1), activation="gelu")):
        with pytest.raises(NotPiecewiseLinear, match="Linear, ReLU and residual"):
            exact(network(module))
    net = network(ResidualMLP(inputs=2, width=4, blocks=2, normalisation=None))
    with pytest.raises(NotPiecewiseLinear):
        exact(freeze(net, "mlp", at=torch.randn(3, 2)))


def test_segment_of_a_trained_size_network_matches_sampling():
    torch.manual_seed(1)
    net = network(ResidualMLP(inputs=2, width=8, blocks=6, normalisation=None), dtype=torch.float64)
    a, b = (
        torch.tensor([-1.0, 0.5], dtype=torch.float64),
        torch.tensor([1.0, -0.25], dtype=torch.float64),
    )
    line = ExactSegment.of(exact(net), a.tolist(), b.tolist())
    t = torch.linspace(0, 1, 4001, dtype=torch.float64)
    h = (net(a + t[:, None] * (b - a)) - net(a)).norm(dim=-1)
    assert float(line.merge_height()) == pytest.approx(h.max().item(), rel=1e-3)
    assert float(line.merge_height()) >= h.max().item() * (1 - 1e-12)
    assert float(line.height(F(1, 4))) == pytest.approx(h[1000].item(), rel=1e-12)
    r = 0.6 * h.max().item()
    changes = int(((h < r).diff() != 0).sum())
    parts = line.intervals(r)
    assert sum(part.exits_low + part.exits_high for part in parts) == changes
    assert all(float(line.height(part.high)) <= r for part in parts)  # L2 ends are rounded inwards


def test_pieces_with_one_map_are_one_piece():
    """A switch that changes nothing is no breakpoint: relu(x) - relu(x) is constant."""
    cancelled = ExactNetwork.of(affine([[1], [1]]), *absolute(2), affine([[1, -1]]), inputs=1)
    assert len(ExactSegment.of(cancelled, [-1], [1]).affine) == 1
    assert len(ExactSegment.of(witnesses.fold(), [-1], [1]).affine) == 2


def test_raster_draws_what_the_plane_computes():
    plane = ExactPlane.of(landscape(), window=((-2, -2), (2, 2)), anchor=(-1, -1))
    s = np.linspace(-2, 2, 9)
    height, merge, cell = raster(plane, s, s)
    for i in range(9):
        for j in range(9):
            z = (F(s[j]), F(s[i]))
            assert height[i, j] == pytest.approx(float(plane.height(z)), abs=1e-9)
            assert merge[i, j] == pytest.approx(float(plane.merge_height(z)), abs=1e-9)
            assert holds(plane.cells[cell[i, j]].region, vertex(z))


def test_landscape_and_its_merge_tree():
    """Wells of designed floors; a's bar never ends, and equal floors do not mean one plateau."""
    net, wells = landscape(), centres()
    assert [net(c)[0] for c in wells] == [0, 0, F(1, 4), F(1, 5), F(3, 8)]
    plane = ExactPlane.of(net, window=((-2, -2), (2, 2)), anchor=wells[0], metric="linf")
    assert [plane.merge_height(c) for c in wells] == [
        0,
        F(209, 192),
        F(87, 88),
        F(63, 80),
        F(33, 40),
    ]
    assert sorted((bar.birth, bar.death) for bar in bars(plane)[1:]) == [
        (0, F(209, 192)),
        (F(1, 5), F(63, 80)),
        (F(1, 4), F(87, 88)),
        (F(3, 8), F(33, 40)),
    ]


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (BadPath, lambda: ExactSegment.of(witnesses.fold(), [1], [1])),
        (BadPath, lambda: ExactSegment.of(witnesses.fold(), [1], [2], window=(1, 2))),
        (BadPath, lambda: ExactSegment.of(witnesses.fold(), [1], [2]).height(3)),
        (BadRadius, lambda: ExactSegment.of(witnesses.fold(), [1], [2]).contains(1, 0)),
        (BadRadius, lambda: ExactSegment.of(witnesses.fold(), [1], [2]).contains(1, float("nan"))),
        (BadParameter, lambda: ExactSegment.of(witnesses.fold(), [1], [2], metric="kl")),
        (BadPoints, lambda: witnesses.fold()([float("nan")])),
        (BadPoints, lambda: witnesses.fold()([1, 2])),
        (BadPath, lambda: ExactPlane.of(witnesses.bump(), window=((0, 0), (0, 1)), anchor=(0, 0))),
        (BadPath, lambda: ExactPlane.of(witnesses.bump(), window=((0, 0), (1, 1)), anchor=(2, 0))),
        (
            BadPath,
            lambda: ExactPlane.of(witnesses.bump(), window=((0, 0), (1, 1)), anchor=(0, 0)).height(
                (5, 5)
            ),
        ),
    ],
)
def test_mistakes_are_named(error, call):
    with pytest.raises(error):
        call()


def test_random_wells_have_barriers():
    """Most of their other wells lie behind a pass; the first has floor 0, so that f = h there."""
    behind = []
    for seed in range(10):
        wells = random_wells(seed)
        plane = ExactPlane.of(
            landscape(wells), window=((-2, -2), (2, 2)), anchor=wells[0][:2], metric="linf"
        )
        behind += [plane.merge_height(w[:2]) > plane.height(w[:2]) for w in wells[1:]]
        assert random_wells(seed) == wells
    assert sum(behind) > len(behind) / 2


def test_roots_are_compared_exactly_and_read_as_numbers():
    """Euclidean heights: no rounding decides, however near or small they are."""
    two, one = Root(F(2)), Root(F(1))
    assert one == 1 and one == F(1) and hash(one) == hash(1) and str(one) == "1"
    assert two != 2**0.5 and two > F(665857, 470833) and two < F(665857, 470832)
    assert sorted([two, 1, F(3, 2), one, -1, 1.4]) == [-1, 1, one, 1.4, two, F(3, 2)]
    assert two < float("inf") and two > float("-inf") and not two < float("nan")
    assert 2 * two == Root(F(8)) and two / 2 == Root(F(1, 2)) and str(two) == "√(2)"
    assert float(two) == pytest.approx(2**0.5, rel=1e-15) and f"{two:.3f}" == "1.414"
    assert two - 1 == pytest.approx(2**0.5 - 1) and 2 - two == pytest.approx(2 - 2**0.5)
    assert float(Root(F(1, 10**400))) == pytest.approx(1e-200)  # its square is no float
    assert (two == "2") is False
    with pytest.raises(TypeError):
        two < "3"  # noqa: B015


def test_euclidean_heights_are_heights_not_squares():
    """|(3, 4)| = 5, on lines, planes and in the merge tree."""
    net = ExactNetwork.of(affine([[3, 0], [4, 0]]), inputs=2)
    line = ExactSegment.of(net, [0, 0], [1, 0])
    plane = ExactPlane.of(net, window=((-1, -1), (1, 1)), anchor=(0, 0))
    assert line.height(1) == line.merge_height() == plane.merge_height((1, 0)) == 5
    assert line.contains(1, 6) and not line.contains(1, 5) and plane.contains((1, 0), F(501, 100))
    small = ExactNetwork.of(affine([[F(1, 10**170)]]), inputs=1)
    assert float(ExactSegment.of(small, [0], [1]).merge_height()) == 1e-170


def test_a_euclidean_interval_has_a_low_end_of_its_own():
    line = ExactSegment.of(witnesses.identity(), [0], [1], metric="l2", window=(-2, 2)).component(
        F(1, 2)
    )
    assert (line.low, line.high) == (F(-1, 2), F(1, 2)) and line.exits_low and line.exits_high
