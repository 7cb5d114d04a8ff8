"""Exponents, their frames and their ridges on maps that are known; with wrong twins."""

import math

import numpy as np
import pytest
import torch

from plateaus.errors import BadPoints
from plateaus.experiments import Ends
from plateaus.experiments import exponents as experiment
from plateaus.measures import exponents
from plateaus.networks import toy
from plateaus.networks.network import Network
from plateaus.networks.residual import network

torch.set_num_threads(1)


def of_blocks(*blocks, d=2):
    return Network(blocks=blocks, dims=(d,) * (len(blocks) + 1), dtype=torch.float64)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return network(toy.build("gelu", inputs=5, width=5, blocks=3), dtype=torch.float64)[1:]


def test_pushed_frames_are_the_jacobian(net):
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(1)).double()
    frame = exponents.frame(*torch.randn(2, 5, generator=torch.Generator().manual_seed(2)))
    torch.testing.assert_close(frame @ frame.T, torch.eye(2).double())
    images = exponents.pushed(net, x, frame)
    for point, found in zip(x, images, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda z: net.trace(z)[-1], point)
        torch.testing.assert_close(found, frame @ jacobian.T)
        assert not torch.allclose(found, frame @ jacobian)  # transposed
        full = torch.linalg.svdvals(jacobian).log() / 3
        of_plane = exponents.exponents(found, 3)
        assert of_plane[0] <= full[0] + 1e-12 and of_plane[1] >= full[-1] - 1e-12


def test_log_volumes_of_blocks_add_up(net):
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(3)).double()
    spectra = exponents.spectra(net, x)
    whole = torch.stack([torch.autograd.functional.jacobian(lambda z: net.trace(z)[-1], p)
                         for p in x])  # fmt: skip
    volume = torch.linalg.slogdet(whole)[1]
    torch.testing.assert_close(spectra.sum((0, 2)), volume, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(spectra[1:].sum((0, 2)), volume)  # a block left out
    top = torch.linalg.svdvals(whole).log()[:, 0]
    assert (top <= spectra[..., 0].sum(0) + 1e-12).all()


def test_dependent_directions_are_refused():
    with pytest.raises(BadPoints, match="dependent"):
        exponents.frame(torch.ones(3), 2 * torch.ones(3))


def test_linear_maps_have_one_exponent_everywhere(net):
    double = of_blocks(lambda x: 2 * x, lambda x: 2 * x)
    a, b, c = torch.tensor([[0.0, 0], [1, 0], [0, 1]]).double()
    found = experiment.plane(double, a, b, c, steps=13)
    np.testing.assert_allclose(found.exponent, math.log(2), atol=1e-12)
    flat = network(toy.build("linear", inputs=5, width=5, blocks=3), dtype=torch.float64)[1:]
    ends = torch.randn(3, 5, generator=torch.Generator().manual_seed(4)).double()
    there = experiment.plane(flat, *ends, steps=13).exponent
    assert float(there.max() - there.min()) < 1e-12
    here = experiment.plane(net, *ends, steps=13).exponent
    assert float(here.max() - here.min()) > 1e-3


def test_edge_and_overlap_on_a_wall():
    inside = np.zeros((12, 12), dtype=bool)
    inside[:, :4] = True
    edge = exponents.edge(inside)
    assert edge[:, 3:5].all() and edge.sum() == 24
    wall = np.where(edge, 1.0, 0.0)
    assert exponents.overlap(wall, edge) == 1
    assert exponents.overlap(-wall, edge) == 0
    assert exponents.overlap(np.ones((12, 12)), edge) == 0.5
    assert exponents.overlap(wall, exponents.shifted(edge)) < 0.5
    assert math.isnan(exponents.overlap(wall, np.zeros_like(edge)))


def test_ridges_and_boundaries_meet_on_a_wall_and_not_in_the_counterexamples():
    a, b, c = torch.tensor([[0.0, 0], [1, 0], [0, 1]]).double()
    wall = of_blocks(lambda x: x + 5 * torch.sigmoid(40 * (x - 0.5)) * torch.tensor([1.0, 0]))
    pairs = Ends.of_points(wall, a[None].repeat(2, 1), torch.stack([b, b + 0.01 * c]))
    planes = experiment.planes(pairs, 1, steps=31)
    swept = experiment.sweep(planes, [0.25, 0.75])
    assert (swept.overlap > 0.9).all() and (swept.shifted < 0.6).all()
    same = experiment.sweep(experiment.planes(
        Ends.of_points(of_blocks(lambda x: 1 * x), pairs.a, pairs.b), 1), [0.25])  # fmt: skip
    assert float(same.boundary[0, 0]) > 0 and float(same.overlap[0, 0]) == 0.5  # no ridge
    tent = lambda x: 2 * x.relu() - 4 * (x - 0.5).relu() + 2 * (x - 1).relu()  # noqa: E731
    line = of_blocks(*5 * [tent], lambda x: x / 10, d=1)
    pushed = exponents.pushed(line, torch.linspace(0.01, 0.99, 40)[:, None], torch.eye(1))
    largest = float(exponents.exponents(pushed, len(line)).max())
    assert largest == pytest.approx(math.log(2**5 / 10) / 6)
    y = line(torch.linspace(-1, 2, 500)[:, None].double())
    assert float(y.max() - y.min()) <= 0.1 + 1e-12  # all of R is one plateau for r > 1/10


def test_ridges_of_a_known_field():
    at = np.linspace(-1, 1, 31)
    x, y = np.meshgrid(at, at)
    crest = x - 0.3 * y - 0.1
    found = exponents.ridges(-(crest**2))
    assert found.sum() > 20
    assert abs(crest[found]).max() < 0.06  # within a spacing of the crest
    assert not exponents.ridges(crest**2).any()  # a valley
    assert not exponents.ridges(x).any() and not exponents.ridges(np.ones_like(x)).any()
    twin = exponents.ridges(-(crest**2).T) & found  # axes exchanged
    assert twin.sum() < 0.3 * found.sum()
    assert exponents.widened(found).sum() > 2 * found.sum()


def test_a_boundary_lies_on_a_ridge_or_it_does_not():
    a, b, c = torch.tensor([[0.0, 0], [1, 0], [0, 1]]).double()
    first = torch.tensor([1.0, 0])
    wall = of_blocks(lambda x: x + 5 * torch.sigmoid(12 * (x - 0.5)) * first)
    pairs = Ends.of_points(wall, a[None].repeat(2, 1), torch.stack([b, b + 0.01 * c]))
    planes = experiment.planes(pairs, 1, steps=41)
    swept = experiment.sweep(planes, [0.5]).isel(plane=0, share=0)
    assert float(swept.on_ridge) > 0.9 > 0.5 > float(swept.shifted_on_ridge)
    assert 0.03 < float(swept.ridge) < 0.2
