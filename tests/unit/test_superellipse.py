"""Exponents of responses that are known; the twin that looks along sums alone is wrong."""

import numpy as np
import pytest
import torch

from plateaus.experiments import Ends, superellipse, targets
from plateaus.networks.network import Network

D, PAIRS = 6, 3
CORNERS = ("axis", "axis", "axis")


@pytest.fixture(autouse=True)
def axes(monkeypatch):
    """Targets along the second, third and fourth axis; base points lie along the first."""
    point = torch.eye(D, dtype=torch.float64)
    monkeypatch.setitem(targets.KINDS, "axis", lambda ends, i: point[[i + 1] * len(ends)])


def inverse(norm, **options):
    """Of a network whose prediction depends on that norm of coordinates 2 to 4 alone."""

    def readout(x):
        y = 8 * norm(x[..., 1:4])
        return torch.stack([y, -y], -1)

    net = Network(
        blocks=(lambda x: x,), dims=(D, D), readout=readout, readouts={"logits": readout},
        name="known", dtype=torch.float64,
    )  # fmt: skip
    a = torch.eye(D, dtype=torch.float64)[[0] * PAIRS]
    return superellipse.edges(Ends.of_points(net, a, a.flip(1)), CORNERS, steps=181, **options)


@pytest.mark.parametrize("p", [1.0, 2.0, 4.0])
def test_the_exponent_of_a_known_norm_is_found(p):
    found = inverse(lambda y: y.abs().pow(p).sum(-1).pow(1 / p))
    np.testing.assert_allclose(found.inverse, 1 / p, atol=0.02)
    assert list(found.edge.values) == ["0-1", "0-2", "1-2"]


def test_a_box_has_none_and_corners_of_unequal_reach_count_by_their_own():
    box = inverse(lambda y: (y * torch.tensor([1.0, 2.0, 3.0])).abs().amax(-1))
    np.testing.assert_allclose(box.inverse, 0, atol=0.02)


def test_directions_that_overlap_are_no_exponent_but_for_the_twin_that_looks_along_sums():
    """A quadratic response with cross terms is a quadratic response."""
    form = torch.tensor([[1.0, 0.8, -0.5], [0.0, 0.6, 0.3], [0.0, 0.0, 0.7]], dtype=torch.float64)
    found = inverse(lambda y: (y @ form.T).norm(dim=-1))
    np.testing.assert_allclose(found.inverse, 0.5, atol=0.02)
    assert np.abs(np.log2(found.plus) - 0.5).max() > 0.1


def test_a_way_that_is_felt_later_backwards_is_no_exponent():
    found = inverse(lambda y: (y.relu() - 0.4 * (-y).relu()).norm(dim=-1))
    np.testing.assert_allclose(found.inverse, 0.5, atol=0.02)
    # The twin that steps as far back as forth: N(a u - b v) would be (1 + 0.4^2)^(1/2).
    assert abs(np.log2((2 + 1.16) / 2) / 2 - 0.5) > 0.15


def test_what_is_not_felt_has_no_exponent_unless_the_level_is_its_own():
    weak = {"norm": lambda y: 0.01 * y.norm(dim=-1)}
    assert np.isnan(inverse(**weak).inverse).all()
    # Half of KL at 90 degrees lies at 45, where angles are not lengths any more.
    np.testing.assert_allclose(inverse(**weak, level=None).inverse, 0.5, atol=0.02)
    diamond = inverse(lambda y: 0.01 * y.abs().sum(-1), level=None)
    assert (diamond.inverse > 0.75).all(), "another exponent would be seen there"
