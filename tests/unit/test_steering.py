"""Doses of steering on networks whose plateaus and predictions are known; with wrong twins."""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.stats import spearmanr

from plateaus.errors import BadPrompt
from plateaus.evidence import steered as reached
from plateaus.evidence import steering as judged
from plateaus.experiments import Ends, steering
from plateaus.networks.dictionary import Dictionary
from plateaus.networks.network import Network

D, PAIRS = 6, 12


def network(block, logits):
    """Read after its only block, by a norm that does nothing, as logits."""
    return Network(
        blocks=(block,), dims=(D, D), name="known", dtype=torch.float64,
        readouts={"normed": lambda x: x, "logits": logits},
    )  # fmt: skip


def two(x):
    """The first token leads by 1 until the first coordinate has grown by 1."""
    return torch.stack([torch.ones_like(x[..., 0]), x[..., 0]], -1)


def steered(block, logits=two, steps=200, **named):
    a = torch.zeros(PAIRS, D, dtype=torch.float64)
    a[:, 1] = 2.0  # a median activation is 2 long, so that 4 is added at most
    ends = Ends.of_points(network(block, logits), a, a + 1)
    unit = torch.eye(D, dtype=torch.float64)[0]
    return steering.steer(ends, named or {"once": unit, "long": 2 * unit}, steps=steps)


def test_a_straight_network_leaves_at_a_quarter_and_changes_where_its_gradient_says():
    found = steered(lambda x: x)
    assert found.attrs["length"] == 4
    assert np.allclose(found.exit, [1.0, 0.5]) and np.allclose(found.flip, [1.0, 0.5], atol=1e-6)
    assert np.allclose(found.gradient, found.flip) and np.allclose(found.largest, [4, 2])


def test_a_wall_is_the_exit_and_the_change_and_no_gradient_sees_it():
    found = steered(lambda x: 9 * torch.sigmoid(40 * (x - 2.5)))
    assert np.allclose(found.exit[:, 0], 2.5, atol=0.05)
    assert np.allclose(found.flip[:, 0], 2.5, atol=0.1)
    assert not (np.abs(found.gradient[:, 0] - 2.5) < 1).any()
    assert found.same[0, 0, 0] and not found.same[0, 0, -1]


def test_a_prediction_that_never_changes_has_no_dose():
    back = -torch.eye(D, dtype=torch.float64)[0]
    found = steered(lambda x: x, back=back)
    assert np.isnan(found.flip).all() and np.isnan(found.gradient).all()
    assert found.same.all() and np.allclose(found.exit, 1.0)
    assert judged.rank(found)["value"] is None


def test_the_first_token_to_overtake_is_the_one_that_counts():
    logits = torch.tensor([[3.0, 2.0, 0.0, 1.0]])
    slopes = torch.tensor([[1.0, 2.0, 7.0, 0.0]])
    assert steering.straight_change(logits, slopes).item() == 0.5  # the third, not the second
    assert steering.straight_change(logits, -slopes).isnan().sum() == 0
    assert steering.straight_change(logits, torch.zeros(1, 4)).isnan().all()


def doses(flip, exit, gradient, norm):
    shape = ("pair", "vector")
    data = {"flip": (shape, flip), "exit": (shape, exit), "gradient": (shape, gradient)}
    return xr.Dataset(data | {"norm": ("vector", norm)}, attrs={"model": "known"})


def made(times, noise, seed=0):
    """Changes at ``times`` the exit; a gradient that knows nothing."""
    rng = np.random.default_rng(seed)
    out = np.exp(rng.standard_normal((60, 4)))
    flip = times * out * np.exp(noise * rng.standard_normal(out.shape))
    gradient = np.exp(rng.standard_normal(out.shape))
    return doses(flip, out, gradient, np.array([1.0, 2.0, 3.0, 4.0]))


def test_rank_and_ratio_tell_an_exit_that_is_the_change_from_one_that_is_not():
    good, late, noise = made(1.0, 0.1), made(1.6, 0.1), made(1.0, 4.0)
    close, loose = judged.rank(good), judged.rank(noise)
    assert close["ci"][0] > 0.9 and abs(close["control"][0].value) < 0.3
    assert loose["ci"][1] < 0.7
    assert 0.95 < judged.ratio(good)["value"] < 1.05 < 1.5 < judged.ratio(late)["ci"][0]
    assert judged.share_between(good) > 0.9 > 0.1 > judged.share_between(late)


def test_another_exit_is_that_of_another_vector_and_not_of_another_prompt():
    out = np.array([1.0, 2.0, 4.0, 8.0]) * np.exp(np.random.default_rng(0).random((60, 1)))
    row = judged.ratio(doses(out, out, out, np.ones(4)))
    assert row["value"] == 1 and row["control"][0].value == pytest.approx(0.5)


def test_prompts_are_resampled_whole_and_holes_are_left_out():
    found = made(1.0, 0.3)
    values = found.flip.values.copy()
    values[0], values[1, :2] = np.nan, np.nan
    some = judged.rank(found.assign(flip=(("pair", "vector"), values)))
    assert some["n"] == 59 and some["value"] > 0.8
    # The twin with every row four times over, as if vectors were prompts, is too sure of itself.
    many = judged.in_lengths(found.isel(pair=np.repeat(np.arange(60), 4)))
    assert np.ptp(many.ci) < 0.7 * np.ptp(judged.in_lengths(found).ci)


def test_a_correlation_that_is_length_alone_vanishes_in_lengths():
    rng = np.random.default_rng(0)
    norm = np.array([1.0, 4.0, 16.0, 64.0])
    flip, out = (np.exp(0.3 * rng.standard_normal((120, 4))) / norm for _ in range(2))
    found = doses(flip, out, flip, norm)
    assert judged.rank(found)["value"] > 0.9 and abs(judged.in_lengths(found).value) < 0.2


def test_equal_lengths_are_ties_whatever_their_last_bits():
    rng = np.random.default_rng(1)
    norm = np.array([0.3, 0.7, 1.1, 1.3])
    flip = rng.integers(1, 4, (60, 4)) / 7 / norm  # three lengths only
    found = doses(flip, np.exp(rng.standard_normal((60, 4))), flip, norm)
    noisy = found.assign(flip=found.flip * (1 + 1e-12 * rng.standard_normal((60, 4))))
    assert judged.in_lengths(noisy) == judged.in_lengths(found)
    exact, off = (
        judged.spearman((x.flip.values * norm).ravel(), x.exit.values.ravel())
        for x in (found, noisy)
    )
    assert abs(exact - off) > 1e-4  # the twin that takes lengths as they are ranks the noise


def test_the_rank_correlation_is_the_library_s_also_with_ties():
    rng = np.random.default_rng(0)
    for x, y in (rng.random((2, 50)), rng.integers(0, 5, (2, 50))):
        assert np.isclose(judged.spearman(x, y), spearmanr(x, y).statistic)
    assert judged.spearman(np.ones(5), np.arange(5)) == 0


def test_vectors_made_equally_long_are_ties():
    found = doses(*np.ones((3, 1, 2)), norm=np.array([2.8639226, 2.8639231]))
    assert len(set(judged.foretellers(found)["norm"][0])) == 1


def test_each_vector_has_its_own_correlation():
    found = made(1.0, 0.1).assign_coords(vector=["a", "b", "c", "d"])
    flip = found.flip.values.copy()
    flip[:, 3] = np.random.default_rng(5).permutation(flip[:, 3])
    table = judged.by_vector(found.assign(flip=(("pair", "vector"), flip)))
    values = {name: float(words.split()[0]) for name, words in table.items()}
    assert values["a"] > 0.9 and abs(values["d"]) < 0.3


def test_a_rule_is_tried_on_prompts_that_it_was_not_fitted_on():
    table = judged.rules(made(1.5, 0.05))
    assert abs(float(table.loc["exit", "constant"]) - 1.5) < 0.05
    assert float(table.loc["exit", "wrong by a factor of"].split()[0]) < 1.1
    right = table["within 1.5"].astype(float)
    assert right["exit"] > 0.95 > 0.6 > right["gradient"]
    known = made(2.0, 0.0)
    tried = np.where(np.arange(60) % 2, 1.5, 1.0)[:, None]  # there the constant is 3
    table = judged.rules(known.assign(flip=known.flip * tried))
    assert table.loc["exit", "constant"] == "2.00"  # the twin fitted on all prompts takes 2.45
    assert table.loc["exit", "wrong by a factor of"].startswith("1.50")


def test_the_difference_of_correlations_is_that_of_the_same_prompts():
    found = made(1.0, 0.3)
    rank = judged.rank(found)
    more = judged.beyond(found, "norm")
    assert more.value == pytest.approx(rank["value"] - rank["control"][0].value)
    assert more.ci[0] > 0 and judged.beyond(found, "exit").ci == (0, 0)
    apart = rank["ci"][1] - rank["ci"][0] + np.ptp(rank["control"][0].ci)
    assert np.ptp(more.ci) < apart  # the twin that resamples the two on their own


def test_pairs_that_never_change_count_where_they_are_put():
    found = made(1.0, 0.1)
    flip, out = found.flip.values.copy(), found.exit.values
    early, late = out < np.quantile(out, 0.2), out > np.quantile(out, 0.8)
    far = xr.DataArray([2 * float(out.max())] * 4, dims="vector")
    for which, low, high in ((early, -1.0, 0.5), (late, 0.9, 1.0)):
        holes = found.assign(flip=(("pair", "vector"), np.where(which, np.nan, flip)), largest=far)
        assert judged.rank(holes)["value"] > 0.9  # left out, they cost nothing
        for last in (False, True):
            assert low < judged.all_counted(holes, last=last).value < high
    none_lacks = found.assign(largest=far)
    assert judged.all_counted(none_lacks, last=True).value == judged.rank(found)["value"]


def test_rules_are_compared_on_prompts_and_tried_on_vectors_that_they_have_not_seen():
    found = made(1.5, 0.05)
    better = judged.factors(found, "exit", "norm")
    assert better.ci[1] < 1 and judged.factors(found, "exit", "exit").ci == (1, 1)
    assert judged.factors(found, "norm", "exit").value == pytest.approx(1 / better.value)
    assert judged.unseen(found, "exit") < 1.1
    odd = found.flip.values * np.array([1, 1, 1, 4.0])  # one vector keeps to another constant
    odd = found.assign(flip=(("pair", "vector"), odd))
    share = float(judged.rules(odd).loc["exit", "wrong by a factor of"].split()[0])
    assert judged.unseen(odd, "exit") >= share - 0.01


def three(x):
    """The third token leads between 1 and 2 of the first coordinate, the second from there on."""
    x = x[..., 0]
    return torch.stack([torch.ones_like(x), 3 * x - 4, x], -1)


NAMED = {
    "once": steering.Origin("made", 1),
    "back": steering.Origin("made", 2),
    "random 2": steering.Origin("drawn", None),
}


def test_a_vector_reaches_its_own_token_or_it_only_breaks_the_prediction():
    unit = torch.eye(D, dtype=torch.float64)
    found = steered(lambda x: x, three, once=unit[0], back=-unit[0], **{"random 2": unit[2]})
    assert reached.on_top(found, "once", 1).value == reached.on_top(found, "once", 2).value == 1
    assert reached.on_top(found, "back", 2).value == reached.on_top(found, "random 2", 1).value == 0
    own = reached.towards(found, NAMED)
    assert list(own.vector.values) == ["once", "back"]
    assert np.allclose(own.flip[:, 0], 2.0, atol=0.03)  # the twin that takes any change says 1
    assert np.allclose(found.flip[:, 0], 1.0, atol=0.03) and np.isnan(own.flip[:, 1]).all()
    already = NAMED | {"once": steering.Origin("made", 0)}
    assert np.isnan(reached.towards(found, already).flip).all()


def test_vectors_come_from_means_features_and_chance(gpt2_lm):
    ids = torch.randint(0, gpt2_lm.vocabulary, (60, 5), generator=torch.Generator().manual_seed(0))
    states, logits = gpt2_lm.clean_run(ids)
    d = gpt2_lm.d
    features = torch.randn(4 * d, d, generator=torch.Generator().manual_seed(1))
    parts = {"W_enc": features.T, "b_enc": torch.zeros(4 * d), "W_dec": features}
    sparse = Dictionary(**parts, b_dec=states[1].mean(0), k=6)
    found = steering.vectors(gpt2_lm, ids, sparse, seed=0)
    top = logits.argmax(-1)
    first = top == top.mode().values
    x = states[1]
    torch.testing.assert_close(found["means 1"], x[first].mean(0) - x[~first].mean(0))
    torch.testing.assert_close(found["random 1"].norm(), found["means 1"].norm())
    assert list(found) == [f"{k} {i}" for k in ("means", "feature", "random") for i in (1, 2)]
    z = sparse.encode(x)
    share, size = (z > 0).double().mean(0), z.sum(0) / (z > 0).sum(0)
    strongest = torch.where((share >= 0.05) & (share <= 0.5), size, 0).argmax()
    torch.testing.assert_close(found["feature 1"], size[strongest] * features[strongest])
    said = steering.origins(gpt2_lm, ids, sparse)
    assert list(said) == list(found) and said["random 1"].token is None
    assert said["means 1"].token == top.mode().values and said["means 1"].token != (
        said["means 2"].token
    )
    on = z[:, strongest] > 0
    gained = {int(t): (top[on] == t).double().mean() - (top[~on] == t).double().mean() for t in top}
    assert gained[said["feature 1"].token] == max(gained.values())
    assert said["feature 1"].words.startswith(f"number {int(strongest)}, active on ")
    everywhere = torch.zeros(4 * d).index_fill(0, torch.tensor([7]), 1e3)  # no word about a prompt
    always = Dictionary(**{**parts, "b_enc": everywhere}, b_dec=states[1].mean(0), k=6)
    v = steering.vectors(gpt2_lm, ids, always)["feature 1"]
    assert torch.cosine_similarity(v, features[7], dim=0) < 0.99
    with pytest.raises(BadPrompt, match="different tokens"):
        steering.vectors(gpt2_lm, ids[:1], sparse)
    nothing = Dictionary(**{**parts, "b_enc": torch.full((4 * d,), -1e9)}, b_dec=x[0], k=6)
    with pytest.raises(BadPrompt, match="0 features"):
        steering.vectors(gpt2_lm, ids, nothing)
