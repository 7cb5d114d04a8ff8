"""The penalty on bending of toy networks, what it trains and what P3 makes of it."""

from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from plateaus import evidence
from plateaus.data import tasks, toy
from plateaus.networks.residual import ResidualMLP
from plateaus.studies import Setting, Study, bending
from plateaus.training.toy import Case, Recipe, train_many
from plateaus.training.toy.bending import Bending

torch.set_num_threads(1)


class Made(nn.Module):
    """A network of one block that is given."""

    def __init__(self, block):
        super().__init__()
        self.encoder, self.blocks = nn.Identity(), [block]


def bent(block, *, places=2001) -> float:
    """The penalty on paths between points that alternate between 0 and 1."""
    x = (torch.arange(places - 1) % 2).double()[:, None]
    return float(Bending(Made(block))(x, torch.linspace(0, 1, places)[:-1].double()))


def test_a_straight_path_costs_nothing_and_a_jump_half_way_a_twelfth():
    assert bent(lambda y: 3 * y - 1) < 1e-20
    assert bent(lambda y: (y > 0.5).double()) == pytest.approx(1 / 12, rel=1e-2)
    assert bent(lambda y: 7 * (y > 0.5).double()) == pytest.approx(1 / 12, rel=1e-2)
    # Nearer to an end a jump bends more; a wave that is whole on the way is no plateau, but bends.
    assert bent(lambda y: (y > 0.9).double()) > 0.2
    assert bent(lambda y: y + torch.sin(2 * torch.pi * y)) == pytest.approx(1 / 2, rel=1e-2)


def build(inputs=2, outputs=2):
    return ResidualMLP(inputs=inputs, outputs=outputs, width=6, blocks=2)


RECIPE = Recipe(batch=32, rate=1e-2, seeds=(3, 4))
SPIRAL = toy.spiral(samples=128)


def weights(trained, lane=1):
    return torch.cat([p.detach().flatten() for p in trained.module(lane).parameters()])


def test_each_network_has_its_own_weight_and_none_of_zero():
    more = toy.ToyData(x=torch.rand(64, 5), y=torch.arange(64) % 3, clean=torch.arange(64) % 3,
                       classes=3)  # fmt: skip
    cases = {
        "plain": Case(build=build, data=SPIRAL),
        "zero": Case(build=build, data=SPIRAL, bending=0.0),
        "bent": Case(build=build, data=SPIRAL, bending=10.0),
        "wider": Case(build=partial(build, inputs=5, outputs=3), data=more, bending=1.0),
    }
    together = train_many(cases, RECIPE, steps=12)
    for name, case in cases.items():
        alone = train_many({name: case}, RECIPE, steps=12)[name]
        torch.testing.assert_close(weights(together[name]), weights(alone))
    torch.testing.assert_close(weights(together["plain"]), weights(together["zero"]))
    assert not torch.allclose(weights(together["plain"]), weights(together["bent"]), atol=1e-3)


def test_the_penalty_makes_paths_straighter_and_its_negative_makes_them_bend():
    cases = {str(w): Case(build=build, data=SPIRAL, bending=w) for w in (-1.0, 0.0, 10.0)}
    done = train_many(cases, RECIPE, steps=60)
    part = torch.rand(128, generator=torch.Generator().manual_seed(0)).double()
    x = SPIRAL.x.double()
    with torch.no_grad():
        found = [float(Bending(done[name].module(0).double())(x, part)) for name in cases]
    assert found[0] > 1.5 * found[1] > 1.5 * 1.5 * found[2]


def test_the_study_measures_the_loss_on_points_that_were_kept_from_training():
    found = bending.study(tasks=("spiral",), seeds=(0, 1), steps=2, pairs=4)
    loss = found.loss.sel(task="spiral", penalty="weight 10")
    assert loss.dims == ("weights", "seed") and found.slope.sizes["pair"] == 4
    held, kept = tasks.task("spiral").test, tasks.task("spiral").train
    settings = {"one": Setting(bending=10.0, steps=2)}
    (_, trained, _), *_ = Study(settings=settings, seeds=(0, 1)).trained()
    net = trained.module(1)
    right, wrong = (
        float(nn.functional.cross_entropy(net(d.x.to(net.encoder.weight.dtype)), d.clean).detach())
        for d in (held, kept)
    )
    assert float(loss.sel(weights="trained", seed=1)) == pytest.approx(right, rel=1e-6)
    assert abs(right - wrong) > 1e-4


def made(slopes, losses=(0.1, 0.1, 0.1)) -> xr.Dataset:
    """Slopes and losses after training, by penalty; five seeds, three pairs. Untrained: 2 and 1."""
    seeds, names = 1 + 0.01 * np.arange(5), ("without", "weight 0", "weight 10")
    slope = np.stack([np.full((3, 5), 2.0), np.outer(slopes, seeds)], axis=1)
    loss = np.stack([np.full((3, 5), 1.0), np.outer(losses, seeds)], axis=1)
    dims, coords = ("penalty", "weights", "seed"), {"penalty": list(names)}
    return xr.Dataset(
        {
            "slope": ((*dims, "pair"), slope[..., None] * np.ones(3)),
            "loss": (dims, loss),
        },
        coords | {"weights": ["untrained", "trained"]},
        attrs={"model": "made"},
    )


def test_the_rule_sees_what_the_penalty_removes_and_what_it_costs():
    found = evidence.slope_removed(made((9.0, 9.0, 1.0)))
    assert found["value"] == pytest.approx(1, abs=0.05) and found["n"] == 5
    assert found["control"][0].value == 0 and found["control"][1].value == pytest.approx(9.18)
    # A penalty that does nothing, one that a weight of zero does as well, one that overdoes it.
    assert evidence.slope_removed(made((9.0, 9.0, 9.0)))["value"] == 0
    assert evidence.slope_removed(made((9.0, 1.0, 1.0)))["control"][0].value > 0.9
    assert evidence.slope_removed(made((9.0, 9.0, 0.5)))["value"] > 1
    kept = evidence.loss_kept(made((9.0, 9.0, 1.0), losses=(0.1, 0.1, 0.102)))
    assert kept["value"] == pytest.approx(1.02) and kept["control"][0].value > 9
    assert evidence.loss_kept(made((9.0, 9.0, 1.0), losses=(0.1, 0.1, 0.2)))["value"] == 2
    assert evidence.loss_kept(made((9.0, 9.0, 1.0), losses=(1, 1, 1)))["control"][0].value < 1.01
