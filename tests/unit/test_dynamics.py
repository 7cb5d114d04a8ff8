"""Pairs of trajectories and their nulls; each check with a wrong twin."""

import math

import pytest
import torch

from plateaus.errors import BadPoints
from plateaus.measures import dynamics
from plateaus.networks import nulls, toy
from plateaus.networks.network import Network
from plateaus.networks.residual import network

torch.set_num_threads(1)
D = 8


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return network(toy.build(inputs=D, width=D, blocks=5), dtype=torch.float64)[1:]


@pytest.fixture(scope="module")
def ends():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 20, D, generator=generator, dtype=torch.float64)


def affine(*matrices):
    matrices = [torch.as_tensor(m, dtype=torch.float64) for m in matrices]
    blocks = tuple(lambda x, m=m: x @ m.T + 1 for m in matrices)
    return Network(
        blocks=blocks, dims=(len(matrices[0]),) * (len(matrices) + 1), dtype=torch.float64
    )


def test_ratio_and_parts_of_a_known_block():
    # Delta = (2, 0); the update of the difference is (-1, 3): p = -1/2, q = 3/2, c^2 = 1/4 + 9/4.
    found = dynamics.of_pairs(
        affine([[0.5, 0.0], [1.5, 1.0]]), torch.zeros(2), torch.tensor([2.0, 0.0])
    )
    assert found.parallel.item() == pytest.approx(
        -0.5
    ) and found.transverse.item() == pytest.approx(1.5)
    assert found.ratio.item() == pytest.approx(math.sqrt(2.5))
    assert found.alignment.item() == pytest.approx(1 / math.sqrt(10))


def test_contraction_identity_and_its_twins(net, ends):
    found = dynamics.of_pairs(net, *ends)
    c, p, q = found.ratio, found.parallel, found.transverse
    assert dynamics.identity_gap(c, p, q) < 1e-12
    assert dynamics.identity_gap(c, p, torch.zeros_like(q)) > 1e-3  # dropped q
    assert dynamics.identity_gap(c, -p, q) > 1e-3  # sign of the update
    assert dynamics.identity_gap(c[1:], p[:-1], q[:-1]) > 1e-3  # parts of the block before
    assert dynamics.identity_gap(1 / c, p, q) > 1e-3  # Delta_l / Delta_{l+1}


def test_telescoping_and_its_twins(net, ends):
    found = dynamics.of_pairs(net, *ends)
    assert dynamics.telescoping_gap(found.ratio, found.first, found.last) < 1e-12
    assert (
        dynamics.telescoping_gap(found.ratio[:-1], found.first, found.last) > 1e-3
    )  # a block left out
    assert (
        dynamics.telescoping_gap(torch.cat([found.ratio[:1], found.ratio]), found.first, found.last)
        > 1e-3
    )  # one twice
    assert dynamics.telescoping_gap(found.ratio, found.last, found.first) > 1e-3  # ends exchanged
    trace = net.trace(ends[0]), net.trace(ends[1])
    direct = (
        (trace[1][-1] - trace[0][-1]).norm(dim=-1) / (trace[1][0] - trace[0][0]).norm(dim=-1)
    ).log()
    torch.testing.assert_close(found.log_total, direct)


def test_a_broken_computation_would_not_pass_the_assertion(monkeypatch, net, ends):
    monkeypatch.setattr(dynamics, "identity_gap", lambda c, p, q: 1.0)
    with pytest.raises(AssertionError, match="violated"):
        dynamics.of_pairs(net, *ends)


def test_alignment_is_one_for_a_pure_pull_and_does_not_depend_on_the_order(ends, net):
    pull = dynamics.of_pairs(affine(torch.eye(D) * 0.7), *ends)
    torch.testing.assert_close(pull.alignment, torch.ones_like(pull.alignment))
    assert pull.log_total[0].item() == pytest.approx(math.log(0.7))
    push = dynamics.of_pairs(affine(torch.eye(D) * 1.3), *ends)
    torch.testing.assert_close(push.alignment, -torch.ones_like(push.alignment))
    torch.testing.assert_close(
        dynamics.of_pairs(net, *ends).alignment, dynamics.of_pairs(net, *ends.flip(0)).alignment
    )


def test_identical_points_are_refused(net, ends):
    with pytest.raises(BadPoints, match="distinct"):
        dynamics.of_pairs(net, ends[0], ends[0])


def test_gini_of_known_amounts():
    amounts = torch.tensor([[1.0, 1, 1, 1], [0, 0, 0, 1], [1, 2, 3, 4]])
    torch.testing.assert_close(
        dynamics.gini(amounts), torch.tensor([0, 0.75, 0.25], dtype=torch.float64)
    )
    x = torch.rand(7, dtype=torch.float64)
    pairs = (x[:, None] - x).abs().sum() / (
        2 * 49 * x.mean()
    )  # the definition, as the independent reference
    assert dynamics.gini(x).item() == pytest.approx(pairs.item())
    unsorted = ((2 * torch.arange(1, 8) - 8) * x).sum() / (7 * x.sum())
    assert abs(unsorted - pairs) > 1e-3  # the twin that forgets to sort
    assert dynamics.gini(torch.zeros(3)).isnan()


def test_spacing_stays_equal_under_affine_maps_and_not_under_a_plateau(net, ends):
    line = torch.lerp(
        ends[0, :1], ends[1, :1], torch.linspace(0, 1, 30, dtype=torch.float64)[:, None]
    )
    assert dynamics.spacing_gini(line) < 1e-12
    assert dynamics.spacing_gini(affine(torch.randn(D, D)).trace(line)[-1]) < 1e-9
    step = torch.sigmoid(200 * (torch.linspace(0, 1, 30, dtype=torch.float64)[:, None] - 0.5))
    assert dynamics.spacing_gini(step) > 0.9
    assert dynamics.spacing_gini(net.trace(line)[-1]) > 0.01


def test_chord_position_of_a_bent_line():
    line = torch.tensor([[0.0, 0], [1, 5], [4, 0]])
    torch.testing.assert_close(
        dynamics.chord_position(line), torch.tensor([0, 0.25, 1], dtype=torch.float64)
    )


def test_matched_points_have_the_mean_and_covariance_of_the_real_ones():
    generator = torch.Generator().manual_seed(0)
    mix = torch.randn(3, D, generator=generator, dtype=torch.float64)
    real = torch.randn(50, 3, generator=generator, dtype=torch.float64) @ mix + 2
    drawn = dynamics.matched(real, 100_000, seed=0)
    torch.testing.assert_close(drawn.mean(0), real.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), real.T.cov(), atol=0.15, rtol=0.02)
    # The twin: isotropic points of the same norm are spread over all D dimensions, not over three.
    isotropic = torch.randn_like(drawn)
    assert (
        torch.linalg.matrix_rank(drawn.T.cov(), atol=1e-6)
        == 3
        < torch.linalg.matrix_rank(isotropic.T.cov(), atol=1e-6)
    )


def test_linearisation_is_tangent_and_affine(net, ends):
    a = ends[0, 0]
    straight = nulls.linearised(net, at=a)
    torch.testing.assert_close(straight(a[None]), net(a[None]))
    near = a + 1e-6 * torch.randn(5, D, dtype=torch.float64)
    assert (straight(near) - net(near)).norm() < 1e-3 * (net(near) - net(a[None])).norm()
    x, y = ends
    torch.testing.assert_close(
        straight.trace((x + y) / 2)[-1], (straight.trace(x)[-1] + straight.trace(y)[-1]) / 2
    )
    jacobian, v = torch.autograd.functional.jacobian(net.blocks[0], a), y[:4]
    torch.testing.assert_close(nulls.jvp(net.blocks[0], a[None], v), v @ jacobian.T)
    assert not torch.allclose(
        nulls.jvp(net.blocks[0], a[None], v), v @ jacobian, atol=1e-3
    )  # the transposed twin


def test_linearisation_at_several_points_at_once(net, ends):
    several = nulls.linearised(net, at=ends[0, :3])
    points = ends[1, :12].reshape(3, 4, D)
    for k in range(3):
        torch.testing.assert_close(
            several.trace(points)[-1][k], nulls.linearised(net, at=ends[0, k]).trace(points[k])[-1]
        )


def test_sign_flip_turns_every_update(net, ends):
    flipped, x = nulls.sign_flipped(net), ends[0]
    torch.testing.assert_close(flipped.blocks[0](x) - x, -(net.blocks[0](x) - x))
    # Twice flipped is the network again; flipping the whole block instead of the branch is not.
    torch.testing.assert_close(nulls.sign_flipped(flipped)(x), net(x))
    assert not torch.allclose(flipped.blocks[0](x), -net.blocks[0](x))


def test_real_activations_attract_where_they_are_made_to(net, ends):
    real, x = ends
    pulled = nulls.attracting(net, real=real, strength=0.25)
    torch.testing.assert_close(pulled.trace(real)[-1], net.trace(real)[-1])
    a = real[torch.cdist(x, real).argmin(-1)]
    once = nulls.attracting(net[:1], real=real, strength=0.25)
    torch.testing.assert_close(
        once.trace(x)[-1] - net[:1].trace(a)[-1],
        0.75 * (net[:1].trace(x)[-1] - net[:1].trace(a)[-1]),
    )
    # At strength zero it is the network itself; each point has its own anchor.
    still = nulls.attracting(net, real=real, strength=0)
    torch.testing.assert_close(still.trace(x)[-1], net.trace(x)[-1])
    several = nulls.attracting(net, real=real.expand(3, -1, -1), strength=0.25)
    points = x[:12].reshape(3, 4, D)
    torch.testing.assert_close(several.trace(points)[-1].reshape(12, D), pulled.trace(x[:12])[-1])
