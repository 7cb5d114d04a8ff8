"""Folding and leaving: what the depth law says on witnesses, random curves and a small network."""

from __future__ import annotations

from fractions import Fraction as F
from random import Random

import numpy as np
import pytest
import torch

from plateaus.errors import BadPoints
from plateaus.experiments import depth
from plateaus.figures import geometry as draw
from plateaus.figures import style
from plateaus.geometry.exact import ExactNetwork, ExactPlane, ExactSegment, exact, witnesses
from plateaus.geometry.exact.program import affine, hinges
from plateaus.geometry.inner import peak
from plateaus.measures import plateaus
from plateaus.networks.residual import ResidualMLP, network


def test_an_injective_block_can_remove_a_barrier():
    """The old sentence, "only a block that folds or collapses", refuted by x -> (x, 0)."""
    net = witnesses.lifted_bump()
    before = ExactSegment.of(net, [-2], [2], metric="linf").merge_height()
    behind = ExactPlane.of(net[1:], window=((-2, -2), (2, 2)), anchor=(-2, 0), metric="linf")
    assert before == 1 and behind.merge_height((2, 0)) == 0


def graph(rng: Random) -> ExactNetwork:
    """x -> (x, phi(x)), an embedding of the line, phi piecewise linear."""
    shifts, weights = ([F(rng.randint(-8, 8), 4) for _ in range(3)] for _ in range(2))
    return ExactNetwork.of(
        *hinges([[1], [-1]] + [[1]] * 3, [0, 0, *shifts], [[1, -1, 0, 0, 0], [0, 0, *weights]]),
        inputs=1,
        name="graph",
    )


def test_barriers_before_an_embedding_are_those_inside_its_image():
    """m^(0) on the line, exactly, equals the highest point of the only way inside the image; and
    ways outside are lower in a good part of the cases.
    """
    lower, rng = 0, Random(0)
    tail = witnesses.bump()
    for _ in range(40):
        g = graph(rng)
        a, b = F(-2), F(2)
        line = ExactSegment.of(
            ExactNetwork(blocks=(*g.blocks, *tail.blocks), inputs=1), [a], [b], metric="linf"
        )
        bends = ExactSegment.of(g, [a], [b], metric="linf").breakpoints
        image = [g([a + t * (b - a)]) for t in bends]
        inside = peak(tail, image[0], image)
        assert line.merge_height() == inside
        window = ((-9, -40), (9, 40))
        plane = ExactPlane.of(tail, window=window, anchor=image[0], metric="linf")
        around = plane.merge_height(image[-1])
        assert around <= inside
        lower += around < inside
    assert lower >= 8


def test_folding_loses_inside_the_image():
    """For |x| the way inside the image is shorter than the way before it: no equality."""
    net = witnesses.detour()
    before = ExactSegment.of(net, [-4], [2], metric="linf").merge_height()
    inside = ExactSegment.of(net[1:], [4, 0], [2, 0], metric="linf").merge_height()
    assert (before, inside) == (2, 1)


def test_signs_of_the_last_matrix_average_to_an_identity():
    before, update, plus, minus = depth.both_signs(50, 1).T
    assert (plus + minus == 2 * (before + update)).all()
    assert (plus < before).any()  # one sign alone may contract
    assert (plus + minus != 2 * before).any()  # the wrong identity


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(3)
    module = ResidualMLP(blocks=1, width=5, normalisation=None)
    for p in module.parameters():
        p.data *= 3
    return network(module, dtype=torch.float64)


def test_paths_behind_the_encoder_are_proved_and_never_above_the_plane(small):
    anchor = torch.tensor([0.75, -0.25], dtype=torch.float64)
    found = depth.barriers(small, anchor, half_width=1.0, grid=9, margin=3, least=0.0)
    assert found.sizes["node"] == 81 and (found.merge_height >= found.height).all()
    ceiling = depth.behind(small, found.isel(node=slice(0, 12)), block=1)
    net, centre = exact(small), exact(small)([F(v) for v in anchor.tolist()])
    for k in range(12):
        x = [F(float(v)) for v in (found.x1[k], found.x2[k])]
        end = max(abs(u - v) for u, v in zip(net(x), centre, strict=True))
        assert float(end) <= ceiling[k]  # no path ends below its end


def test_a_network_without_barriers_is_said_to_have_none(small):
    anchor = torch.tensor([0.75, -0.25], dtype=torch.float64)
    found = depth.barriers(small, anchor, half_width=1.0, grid=3, margin=3, least=9.0)
    with pytest.raises(BadPoints, match="No node of the square .* has a barrier for"):
        depth.behind(small, found, block=1)


def test_the_trade_off_holds_along_a_kink():
    """Where the gradient does not exist the one-sided derivative along the segment decides."""
    there, back = (
        ExactSegment.of(witnesses.crease(), *ends, metric="linf")
        for ends in (([0, 0], [1, 0]), ([1, 0], [0, 0]))
    )
    assert plateaus.trade_off(there, back, F(1, 4)) == (1, 1)
    steep = ExactNetwork.of(affine([[3, 0]]), inputs=2)
    ways = [ExactSegment.of(steep, *e, metric="linf") for e in (([0, 0], [1, 0]), ([1, 0], [0, 0]))]
    assert plateaus.trade_off(*ways, F(1)) == (1, 1)


def test_barriers_are_drawn_in_their_order():
    ax = draw.barriers(np.array([3.0, 1.0]), np.array([0.5, 0.1]), style.subplots()[1])
    assert ax.lines[0].get_ydata().tolist() == [1, 3] and ax.lines[1].get_ydata()[0] == 0.1
