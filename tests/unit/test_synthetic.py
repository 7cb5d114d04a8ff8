"""Activations put together from features, on networks and dictionaries that are known."""

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus import evidence
from plateaus.errors import BadParameter
from plateaus.evidence import synthetic as judged
from plateaus.experiments import Ends, synthetic, targets
from plateaus.networks.dictionary import Dictionary
from plateaus.networks.network import Network

D, F, PAIRS = 8, 40, 30


@pytest.fixture(scope="module")
def dictionary():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(F, D, generator=generator, dtype=torch.float64)
    features = features / features.norm(dim=-1, keepdim=True)
    zeros = torch.zeros(F, dtype=torch.float64), torch.zeros(D, dtype=torch.float64)
    return Dictionary(W_enc=features.T, b_enc=zeros[0], W_dec=features, b_dec=zeros[1], k=4)


@pytest.fixture(scope="module")
def real():
    return torch.randn(PAIRS, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("structured", [True, False])
def test_sparsity_activity_and_norm_are_those_of_the_real_one(dictionary, real, structured):
    made, z, new = synthetic.composed(dictionary, real, structured=structured, seed=0)
    torch.testing.assert_close(z.sort().values, new.sort().values)
    torch.testing.assert_close(made.norm(dim=-1), real.norm(dim=-1))
    assert not torch.equal(z, new)


def test_only_the_structured_ones_keep_the_cosines(dictionary, real):
    off = {}
    for structured in (True, False):
        _, z, new = synthetic.composed(dictionary, real, structured=structured, seed=0)
        off[structured] = synthetic.cosine_error(dictionary, z, new)
        assert synthetic.cosine_error(dictionary, z, z) == 0
    assert off[True] < 0.1 < 0.25 < off[False]


def step_at(where):
    """A network whose output jumps where the way along the first axis has reached ``where``."""

    def block(x):
        return torch.sigmoid(200 * (x - where))

    return Network(blocks=(block,), dims=(D, D), name="known", dtype=torch.float64)


def test_the_steepest_step_and_the_length_are_where_the_wall_stands():
    a = torch.zeros(4, D, dtype=torch.float64)
    b = torch.zeros(4, D, dtype=torch.float64)
    b[:, 0] = 9
    found = synthetic.walk(Ends.of_points(step_at(0.305), a, b), steps=100, length=1.0)
    assert np.allclose(synthetic.steepest(found), 30.5)
    assert np.allclose(synthetic.plateau_length(found, 0.5), 30.5, atol=0.2)
    assert (synthetic.plateau_length(found, 99.0) == 100).all()
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(BadParameter, match="radius must be above 0"):
            synthetic.plateau_length(found, wrong)
    # The twin that lets the target's distance decide how far is walked sees the wall early.
    twin = synthetic.walk(Ends.of_points(step_at(0.305), a, b), steps=100, length=9.0)
    assert synthetic.steepest(twin).max() < 5


def test_walks_have_one_length_and_the_targets_of_other_pairs(dictionary, real):
    net = Network(blocks=(lambda x: x,), dims=(D, D), name="known", dtype=torch.float64)
    ends = Ends.of_points(net, real, real.flip(0) + 1)
    ways = [f"real, towards {kind}" for kind in ("real", "random", "structured")]
    found = synthetic.walks(ends, dictionary, ways, steps=10)
    length = float(real.norm(dim=-1).median())
    for result in found.values():
        assert np.allclose(result.distance[:, -1], length)
    with pytest.raises(BadParameter, match="structured, baseline, rebuilt, elsewhere, got 'wrong'"):
        synthetic.moved(ends, dictionary, base="real", toward="wrong")
    kept = synthetic.summary({"known": found}, {"known": length / 2})
    assert np.allclose(kept.length, 50) and kept.steepest.shape == (1, 3, PAIRS)


def test_real_targets_are_those_of_other_pairs_and_a_plateau_ends_at_a_quarter(dictionary, real):
    net = Network(blocks=(lambda x: 3 * x,), dims=(D, D), name="known", dtype=torch.float64)
    ends = Ends.of_points(net, real, real.flip(0) + 1)
    turned = synthetic.moved(ends, dictionary, base="real", toward="real")
    assert torch.equal(turned.a, ends.a)
    assert (turned.b != ends.b).any(1).sum() > PAIRS / 2
    assert {*map(tuple, turned.b.tolist())} == {*map(tuple, ends.b.tolist())}
    whole = 3 * (ends.a - targets.real(ends, 1)).norm(dim=-1).median()
    assert synthetic.radius(ends) == pytest.approx(float(whole) / 4)


def walked(middle, spread=3.0, count=120, seed=0):
    """Curves that rise most at ``middle`` plus chance."""
    at = middle + spread * np.random.default_rng(seed).standard_normal((count, 1))
    step = np.linspace(0, 100, 101)
    distance = 1 / (1 + np.exp(-(step - at))) - 1 / (1 + np.exp(at))
    return xr.Dataset(
        {"distance": (("pair", "step"), distance)},
        coords={"step": step},
        attrs={"model": "known", "steps": 100},
    )


def test_the_share_is_one_for_real_directions_and_zero_for_random_ones():
    real, random, far = walked(40), walked(60, seed=1), walked(90, seed=2)
    like = evidence.share_of_difference(walked(41, seed=3), random, real, far)
    assert 0.8 < like["value"] < 1.1 and like["control"][1].ci[0] > 5
    assert like["control"][0].ci[1] < 0.2
    unlike = evidence.share_of_difference(walked(60, seed=3), random, real, far)
    assert abs(unlike["value"]) < 0.2
    same = evidence.share_of_difference(real, real, real, far)
    assert np.isfinite(same["value"]) and same["control"][1].value == 0


def test_the_length_ratio_tells_long_plateaus_from_equal_ones():
    long, short = walked(60), walked(30, seed=1)
    found = evidence.length_ratio(long, short, short, walked(30, seed=2), radius=0.5, radius_0=0.5)
    assert abs(found["value"] - 2) < 0.1 and abs(found["control"][0].value - 1) < 0.1


def test_kolmogorov_smirnov_beside_the_mean():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(200), 3 * rng.standard_normal(200)
    assert judged.kolmogorov(x, x)[0] == 0 and judged.kolmogorov(x, y)[1] < 0.01


def test_the_table_holds_each_kind_against_the_real_one(dictionary, real):
    net = Network(blocks=(lambda x: x,), dims=(D, D), name="known", dtype=torch.float64)
    ends = Ends.of_points(net, real, real.flip(0) + 1)
    found = synthetic.walks(ends, dictionary, steps=10)
    table = judged.beside(synthetic.summary({"known": found}, {"known": 0.5}))
    assert table.published["steepest", "real, towards real"] == "51.65 ± 7.42"
    assert "KS" not in table.known["steepest", "real, towards real"]
    assert "KS 0.00" in table.known["length", "random, towards random"]


def test_rebuilt_points_are_what_the_dictionary_keeps(dictionary, real):
    ends = Ends.of_points(step_at(0.3), real, real.flip(0) + 1)
    made = synthetic.moved(ends, dictionary, base="rebuilt", toward="random").a
    kept = dictionary.decode(dictionary.encode(real))
    assert torch.allclose(torch.cosine_similarity(made, kept), torch.ones(PAIRS).double())
    torch.testing.assert_close(made.norm(dim=-1), real.norm(dim=-1))
    assert synthetic.quality(dictionary, real)["cosine error, baseline"] > 0.2


def test_points_from_elsewhere_are_other_prompts_and_as_long_as_what_they_replace(dictionary, real):
    ends = Ends.of_points(step_at(0.3), real, 2 * real.flip(0))
    made = synthetic.moved(ends, dictionary, base="elsewhere", toward="random").a
    torch.testing.assert_close(made.norm(dim=-1), real.norm(dim=-1))
    cosine = torch.nn.functional.cosine_similarity(made[:, None], ends.b[None], dim=-1)
    assert torch.allclose(cosine.amax(1), torch.ones(PAIRS).double())
    assert sorted(cosine.argmax(1).tolist()) == list(range(PAIRS))
    # The twin that leaves every point at home is told from it.
    assert not torch.allclose(made, synthetic.points(ends, "real", dictionary, 0, of=real))
