"""Landscapes of networks on the plane: components, merge heights, classes; with wrong twins."""

import torch

from plateaus.experiments import landscape
from plateaus.measures import plateaus
from plateaus.networks import toy
from plateaus.networks.network import Network
from plateaus.networks.residual import network

D = 6


def test_a_landscape_nests_and_the_ball_recipe_errs_behind_a_ridge():
    def ridge(x):  # h = 0 on both sides of a wall of height 1 along x1 = 0
        return torch.clamp(1 - 5 * (x[..., :1] - 0.0).abs(), 0, 1)

    net = Network(blocks=(ridge,), dims=(2, 1), dtype=torch.float64)
    field = landscape.landscape(net, torch.tensor([-0.5, 0.0]), resolution=41)
    found = landscape.within(field, [0.5, 0.25, 0.75, 1.5])
    assert plateaus.nesting_violations(found) == plateaus.disagreements(found) == 0
    assert plateaus.recipe_errors(found) > 100
    sizes = found.inside.sum(["x1", "x2"]).values.tolist()
    assert found.radius.values.tolist() == [0.25, 0.5, 0.75, 1.5] and sizes == sorted(sizes)
    # Twins: merge heights that forget the ridge disagree with the components; reversed radii
    # violate nesting.
    forgetful = landscape.within(field.assign(merge_height=field.height), [0.5])
    assert plateaus.disagreements(forgetful) > 100
    backwards = found.assign(inside=(found.inside.dims, found.inside.values[::-1]))
    assert plateaus.nesting_violations(backwards) > 0


def test_classes_are_those_with_the_largest_logit():
    torch.manual_seed(0)
    net = network(toy.build(width=D, blocks=2), dtype=torch.float64)
    named = landscape.classes(net, resolution=11)
    x = torch.tensor([float(named.x1[3]), float(named.x2[7])], dtype=torch.float64)
    assert int(named[7, 3]) == int(net(x).argmax())
