"""Decoys beside mates: what is made to attract is seen, and nothing else is."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus import evidence
from plateaus.data import toy as data
from plateaus.data.pairs import Pairs
from plateaus.errors import BadPoints, TrainingError
from plateaus.experiments import Ends, decoys, power
from plateaus.networks import toy
from plateaus.networks.network import Network
from plateaus.networks.residual import network

torch.set_num_threads(1)
D, PAIRS, BLOCKS = 12, 30, 4


def of_blocks(*blocks, d=D):
    return Network(blocks=blocks, dims=(d,) * (len(blocks) + 1), dtype=torch.float64)


@pytest.fixture(scope="module")
def points():
    """Real activations far apart, each with a mate that is near."""
    drawn = torch.from_numpy(np.random.default_rng(0).standard_normal((2, PAIRS, D)))
    return 20 * drawn[0], 20 * drawn[0] + drawn[1]


def medians(net, points, **options):
    found = decoys.follow(Ends.of_points(net, *points), **options)
    return float(decoys.excess(found).median("pair").sel(network="trained"))


def test_a_decoy_is_as_far_off_as_the_mate_and_along_that_of_another(points):
    a, b = points
    away, own = decoys.beside(a, b) - a, b - a
    torch.testing.assert_close(away.norm(dim=-1), own.norm(dim=-1))
    unit = own / own.norm(dim=-1, keepdim=True)
    cos = (away / away.norm(dim=-1, keepdim=True)) @ unit.T
    which = cos.argmax(-1)
    assert cos.amax(-1) == pytest.approx(torch.ones(PAIRS).double())
    assert (which != torch.arange(PAIRS)).all()
    assert (away * own).sum(-1).abs().max() < 0.2 * (own.norm(dim=-1) ** 2).min()
    for few in ((a[:1], b[:1]), (a, a)):
        with pytest.raises(BadPoints, match="two or more"):
            decoys.beside(*few)


@pytest.mark.parametrize("pull", [0.05, 0.1, 0.2])
def test_a_pull_is_seen_at_its_strength(points, pull):
    """Where nothing else happens, decoys come closer by the pull in every block, and mates stay."""
    still = of_blocks(*BLOCKS * [lambda x: 1 * x])
    found = decoys.follow(power.attracting(Ends.of_points(still, *points), pull)).log_total
    assert found.sel(to="decoy").values == pytest.approx(BLOCKS * math.log(1 - pull))
    assert found.sel(to="mate").values == pytest.approx(0, abs=1e-12)


def test_what_is_no_attraction_is_not_seen(points):
    """Growth, boundaries between plateaus and affine maps leave it at zero; log c sees growth."""
    mixing = torch.from_numpy(np.random.default_rng(1).standard_normal((D, D))) / D**0.5
    steps = lambda x: x + 50 * torch.floor(x[..., :1] / 40).clamp(-1, 1)  # noqa: E731
    for block in (lambda x: 3 * x, steps):
        assert medians(of_blocks(block), points) == pytest.approx(0, abs=1e-9)
    assert abs(medians(of_blocks(lambda x: x @ mixing.T + 1), points)) < 0.1
    grown = decoys.follow(Ends.of_points(of_blocks(lambda x: 3 * x), *points)).log_total
    assert float(grown.median()) == pytest.approx(math.log(3))  # the twin
    # Contraction in all of space, to which real activations are nothing special.
    assert medians(of_blocks(lambda x: 0.5 * x), points) == pytest.approx(0, abs=1e-9)


def test_the_study_has_its_nulls_and_its_positive_controls_in_the_order_of_the_rule():
    torch.manual_seed(0)
    nets = [network(toy.build(width=D, blocks=4), dtype=torch.float64) for _ in range(2)]
    a, b = data.mates(data.spiral(samples=200), 20)
    ends, before = (Ends.of_inputs(net, a, b, block=2) for net in nets)
    found = decoys.study(ends, before)
    names = ["trained", "linearised", "sign-flipped", "untrained"]
    assert found.network.values.tolist() == [*names, *(f"pulled by {s}" for s in (0.05, 0.1, 0.2))]
    alone = decoys.follow(before).log_total.sel(network="trained")
    np.testing.assert_array_equal(found.log_total.sel(network="untrained"), alone)
    of = evidence.decoys(found)
    expected = [
        float(decoys.excess(found).sel(network=n).median())
        for n in ("trained", "untrained", "linearised", "sign-flipped", "pulled by 0.1")
    ]
    assert [of["value"], *(c.value for c in of["control"])] == pytest.approx(expected)
    assert expected[-1] < expected[0]
    several = found.expand_dims(training=["one", "two", "three"]).assign_attrs(model="made")
    over = evidence.decoys_over_trainings(several)
    assert over["n"] == 3 and over["value"] == pytest.approx(expected[0])


def test_the_interval_is_over_words_where_many_mates_have_the_same():
    """Ninety activations of one pair of words and ten of another: two things were seen."""
    values = np.r_[np.full(90, -1.0), np.full(10, 1.0)]
    networks = ["trained", "untrained", "linearised", "sign-flipped", "pulled by 0.1"]
    total = np.stack([np.zeros(100), values])[None].repeat(5, 0)
    found = xr.Dataset(
        {"log_total": (("network", "to", "pair"), total)},
        coords={"network": networks, "to": ["mate", "decoy"]},
        attrs={"model": "made"},
    )
    of_words = evidence.decoys(found.assign(words=("pair", (values > 0).astype(int))))
    assert of_words["value"] == -1 and of_words["ci"] == (-1, 1) and of_words["n"] == 100
    assert evidence.decoys(found)["ci"] == (-1, -1)  # the twin: each activation for itself
    ids = (
        torch.tensor([[5, 1], [5, 2], [5, 1], [5, 3]]),
        torch.tensor([[5, 2], [5, 1], [5, 3], [5, 1]]),
    )
    pairs = Pairs(a=ids[0], b=ids[1], labels=("w", "x", "y", "z"), source="made")
    assert decoys.words(pairs).tolist() == [0, 0, 1, 1]


def test_mates_are_the_nearest_of_their_class():
    points = data.spiral(samples=100, noise=0.2)
    a, b = data.mates(points, 30)
    for x, y in zip(a, b, strict=True):
        k, j = (int((points.x == z).all(-1).nonzero()) for z in (x, y))
        same = (points.clean == points.clean[k]).nonzero()[:, 0]
        away = (points.x[same] - x).norm(dim=-1)
        assert (
            k != j
            and j in same
            and float((y - x).norm()) == pytest.approx(float(away.sort()[0][1]))
        )
    with pytest.raises(TrainingError, match="more samples"):
        data.mates(points, 101)
    with pytest.raises(TrainingError, match="spiral"):
        data.mates(data.folded_wave(samples=10), 2)
