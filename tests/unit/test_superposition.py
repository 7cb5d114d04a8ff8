"""Sparse features in a stream with room for them and without."""

import numpy as np
import torch
import xarray as xr

from plateaus import evidence
from plateaus.figures import style
from plateaus.figures import superposition as figures
from plateaus.networks.network import Network
from plateaus.studies.superposition import Sparse, around, recovered

torch.set_num_threads(1)


def identity(x):
    return x


def net_of(block):
    """Features as they are, then one block."""
    return Network(blocks=(identity, block), dims=(8, 8, 8), dtype=torch.float64)


def test_features_are_sparse_and_one_is_always_there():
    points = Sparse(features=50, active=0.02).points(4000, 0)
    there = (points.x > 0).sum(1)
    assert there.min() >= 1 and 1.8 < there.float().mean() < 2.1
    presence = Sparse(features=50, active=0.02, target="presence").points(4000, 0)
    assert torch.equal(presence.x, points.x) and set(presence.y.unique().tolist()) == {0.0, 1.0}


def test_what_is_recovered_is_counted():
    x = Sparse(features=8, active=0.2).points(200, 0).x
    assert recovered(net_of(identity), x) == 1
    # The twin that answers about another feature.
    assert recovered(net_of(lambda x: x.roll(1, -1)), x) < 0.6


def test_a_block_that_corrects_errors_is_flat_around_features_and_a_linear_one_is_not():
    fresh = Sparse(features=8, active=0.05).points(80, 0)
    corrects = net_of(lambda x: torch.sigmoid(60 * (x - 0.35)))
    found = [around(net, fresh=fresh, pairs=20) for net in (corrects, net_of(lambda x: 3 * x))]
    flat, linear = (float(f.half_exit.sel(direction="random").median()) for f in found)
    assert flat < 0.7 and abs(linear - 1) < 1e-6


def test_the_gain_is_room_minus_no_room():
    index = np.stack([np.full((2, 5, 1, 3), v) for v in (1.0, 0.4)])
    index[:, 0] = 1.0
    made = xr.Dataset(
        {"half_exit": (("width", "weights", "seed", "direction", "pair"), index),
         "recovered": (("width", "weights", "seed"), np.full((2, 2, 5), 0.9))},
        {"width": [32, 8], "weights": ["untrained", "trained"], "direction": ["random"]},
        attrs={"model": "made"},
    )  # fmt: skip
    found = evidence.half_exit_gained(made)
    assert np.isclose(found["value"], 0.6) and found["control"][0].value == 0
    assert np.isclose(found["control"][1].value, 0.9)
    assert evidence.half_exit_gained(made.assign_coords(width=[8, 32]))["value"] < 0


def test_small_networks_are_trained_and_measured():
    sparse = Sparse(features=8, widths=(8, 4), blocks=2, seeds=(0, 1), samples=500, steps=200,
                    rate=1e-2)  # fmt: skip
    found = sparse.run(sparse.train(), pairs=20)
    assert found.half_exit.dims == ("width", "weights", "seed", "direction", "pair")
    learnt = found.recovered.mean("seed")
    assert float(learnt.sel(width=8, weights="trained")) > 0.8
    assert float(learnt.sel(width=8, weights="untrained")) < 0.5


def test_no_dot_is_outside_its_picture():
    dims = ("width", "weights", "seed", "direction", "pair")
    values = np.full((1, 2, 2, 1, 3), 1.0)
    values[0, 1, 1] = 1.5
    coords = {"width": [4], "weights": ["untrained", "trained"], "direction": ["random"]}
    study = xr.Dataset({"half_exit": (dims, values)}, coords=coords)
    _, ax = style.subplots(1, 1)
    figures.indices({"toy": study}, ax, direction="random")
    dots = np.concatenate([drawn.get_offsets()[:, 1] for drawn in ax.collections])
    low, high = ax.get_ylim()
    assert low == 0 and dots.max() == 1.5 and high > 1.5
    ax.set_ylim(0, 1.2)  # the twin, which cut it off
    assert not dots.max() < ax.get_ylim()[1]
