"""What the study behind the chapters on dynamics keeps; on toys that are trained for a moment."""

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus import evidence
from plateaus.data import prompts
from plateaus.experiments import Ends, decoys, extents, gaps, pulls, trajectories
from plateaus.networks.load import load
from plateaus.studies import attraction, dynamics
from plateaus.studies.contraction import Toys

torch.set_num_threads(1)
TOYS = Toys(seeds=(0, 1), samples=600, epochs=1, lines=5, few=3, checkpoints=(1,))


@pytest.fixture(scope="module")
def states():
    return list(dynamics.of_toys(TOYS, ["no-skip"]))


def test_a_state_is_what_its_network_gives(states):
    assert [(s.model.item(), s.seed.item(), s.step.item()) for s in states] == [
        ("no-skip", seed, step) for step in (0, 1, 2) for seed in (0, 1)
    ]
    trained = TOYS.train("no-skip").networks(step=1)[1]
    ends = TOYS.ends(trained, 1)
    total = gaps.of_lines(trajectories.follow(ends, steps=21))
    one = states[3].isel(state=0)
    np.testing.assert_allclose(one.total.transpose(*total.dims), total)
    reached = extents.reach(TOYS.ends(trained, 1, 3), steps=21)
    np.testing.assert_allclose(one.grew, reached.grows)
    assert not np.allclose(states[2].total, states[3].total)  # the twin: another seed's
    assert not np.allclose(states[1].total, states[3].total)  # another step's


def test_what_is_kept_of_models_has_the_measures_of_attraction():
    lm = load("laboratory-3l", dtype=torch.float64)
    kept = attraction.study(["laboratory-3l"] * 2, few=8, many=8).assign_attrs(model="made")
    at = [kept.beside.sel(given=n) for n in ("trained", "untrained")]
    assert np.array_equal(*at[0]) and not np.array_equal(*at[1])  # another draw of the weights
    mates = prompts.sharing_context(lm, 8, meaning="similar")
    ends = Ends.of_prompts(lm, mates), Ends.of_prompts(lm.step_zero(0), mates)
    expected = decoys.study(*ends).log_total
    one = attraction.beside(kept.isel(training=0))
    np.testing.assert_array_equal(one.log_total.sel(network=expected.network), expected)
    assert evidence.decoys(one)["n"] == 8
    of = evidence.attraction(kept.isel(training=0))
    assert of["n"] == 8 and of["control"][1].value == pytest.approx(
        float(pulls.gap(kept.made).median())
    )


def test_models_and_states_stand_side_by_side(states):
    made = [
        xr.Dataset(
            {"grows": (("training", "pair"), np.ones((1, k)))},
            coords={"training": [f"m{k}"], "pair": range(k)},
        )
        for k in (2, 4)
    ]
    found = dynamics.joined(made, states)
    assert found.sizes["training"] == 2 and found.sizes["state"] == 6
    assert int(found.grows.isnull().sum()) == 2
    assert found.total.sizes["line"] == 5 and found.gained.sizes["apart"] == 3
    assert found.model.dims == ("state",)


def test_overlaps_are_medians_of_each_training():
    values = np.array([[[0.7, 0.9, 0.8], [0.5, 0.4, 0.6]], [[0.6, 0.6, 0.6], [0.5, 0.5, 0.5]]])
    found = xr.Dataset(
        {
            "overlap": (("training", "weights", "plane", "share"), values[..., None]),
            "shifted": (("training", "weights", "plane", "share"), 0.5 * values[..., None]),
        },
        coords={"weights": ["trained", "untrained"], "share": [0.25]},
        attrs={"model": "made"},
    )
    of = evidence.overlap_over_trainings(found)
    assert of["n"] == 2 and of["value"] == pytest.approx(0.7)
    assert [c.value for c in of["control"]] == pytest.approx([0.35, 0.5])
