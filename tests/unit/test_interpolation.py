"""The interpolation experiment on tiny models: batches, reversal, frozen sublayers, prompts that
cannot be served.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plateaus.data import prompts
from plateaus.errors import BadParameter, BadPrompt
from plateaus.measures import interpolation, statistics


@pytest.fixture(scope="module")
def pairs():
    ids = torch.randint(3, 200, (2, 6, 7), generator=torch.Generator().manual_seed(0))
    ids[1, :, :-1] = ids[0, :, :-1]
    return prompts.Pairs(a=ids[0], b=ids[1], labels=tuple("abcdef"), source="test")


def test_every_architecture_runs(tiny_lm, pairs):
    result = interpolation.interpolate(tiny_lm, pairs, steps=5)
    assert dict(result.distance.sizes) == {"pair": 6, "readout": 5, "alpha": 5}
    assert (
        np.isfinite(result.distance).all() and (result.relative_distance.isel(alpha=-1) == 1).all()
    )


def test_batches_do_not_change_results(gpt2_lm, pairs, monkeypatch):
    whole = interpolation.interpolate(gpt2_lm, pairs, steps=9)
    monkeypatch.setattr(
        interpolation, "AT_ONCE", 2 * 9 * gpt2_lm.bridge.cfg.d_vocab
    )  # two pairs at a time
    split = interpolation.interpolate(gpt2_lm, pairs, steps=9)
    np.testing.assert_allclose(split.distance, whole.distance, rtol=1e-4)


def test_exchanging_a_and_b_mirrors_rho_when_the_context_is_shared(gpt2_lm, pairs):
    swapped = prompts.Pairs(a=pairs.b, b=pairs.a, labels=pairs.labels, source="test")
    there, back = (
        interpolation.interpolate(gpt2_lm, p, steps=9).relative_distance.values
        for p in (pairs, swapped)
    )
    np.testing.assert_allclose(back[..., ::-1], 1 - there, atol=1e-4)


def test_both_frozen_is_the_identity_curve_and_one_frozen_is_not(gpt2_lm, pairs):
    stream = {"readout": "block 2"}
    alpha = np.linspace(0, 1, 9)
    both = interpolation.interpolate(gpt2_lm, pairs, steps=9, frozen="both frozen").distance.sel(
        stream
    )
    np.testing.assert_allclose(both, np.broadcast_to(alpha, both.shape), atol=1e-4)
    mlp = interpolation.interpolate(gpt2_lm, pairs, steps=9, frozen="MLPs frozen").distance.sel(
        stream
    )
    assert np.abs(mlp - alpha).max() > 1e-3


def test_the_end_point_is_the_clean_run_of_b_only_in_a_shared_context(gpt2_lm, pairs):
    """d(1) is measured from A to B in A's context."""
    end = gpt2_lm.at(pairs.a[:, :-1]).reading("logits")
    clean = gpt2_lm.clean_run(pairs.b)[1]
    x = gpt2_lm.at(pairs.b[:, :-1]).embed(pairs.b[:, -1:])
    np.testing.assert_allclose(end(x)[:, 0], clean, atol=1e-4)
    other = prompts.Pairs(a=pairs.a.flip(0), b=pairs.b, labels=pairs.labels, source="test")
    assert not np.allclose(gpt2_lm.at(other.a[:, :-1]).reading("logits")(x)[:, 0], clean, atol=1e-2)


def test_parameters_are_checked(gpt2_lm, pairs):
    with pytest.raises(BadParameter, match="segment, slerp"):
        interpolation.interpolate(gpt2_lm, pairs, path="spline")
    with pytest.raises(BadParameter, match="blocks 0 to 2"):
        interpolation.interpolate(gpt2_lm, pairs, patch=3)


def test_published_pairs_are_served_or_reported(gpt2_lm):
    served, skipped = prompts.named(gpt2_lm)
    assert not served and set(skipped) == set(prompts.NAMED)
    assert all("no token" in reason for reason in skipped.values())
    with pytest.raises(BadPrompt, match="same token"):
        prompts.pair(gpt2_lm, "w3 w4", " w5", " w5")


def test_sampled_pairs_are_reproducible_and_distinct(gpt2_lm):
    first, again = (prompts.unrelated(gpt2_lm, 8, tokens=5, seed=1) for _ in range(2))
    assert torch.equal(first.a, again.a) and first.source == "samples"
    assert not torch.equal(first.a, prompts.unrelated(gpt2_lm, 8, tokens=5, seed=2).a)
    shared = prompts.sharing_context(gpt2_lm, 8, tokens=5)
    assert (
        torch.equal(shared.a[:, :-1], shared.b[:, :-1])
        and (shared.a[:, -1] != shared.b[:, -1]).all()
    )


def test_prompts_from_a_directory(gpt2_lm, tmp_path):
    words = " ".join(f"w{3 + i % 50}" for i in range(8000))
    (tmp_path / "val.txt").write_text(words)
    assert len(prompts.unrelated(gpt2_lm, 1, tokens=5, source=str(tmp_path))) == 1
    with pytest.raises(BadPrompt, match="ask for fewer"):
        prompts.unrelated(gpt2_lm, 50, tokens=5, source=str(tmp_path))
    with pytest.raises(BadParameter, match="no directory"):
        prompts.unrelated(gpt2_lm, 1, source=str(tmp_path / "none"))


def test_bootstrap_intervals_cover_and_pair():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(100):
        value, low, high = statistics.interval(rng.normal(1, 1, 60), seed=seed, resamples=300)
        assert low <= value <= high
        hits += low <= 1 <= high
    assert 88 <= hits <= 100
    shared = rng.normal(0, 10, 80)
    paired = statistics.interval(
        shared + 1, shared, statistic=lambda a, b: float(np.mean(a - b)), resamples=300
    )
    assert (
        abs(paired[2] - paired[1]) < 1e-6 < abs(paired[0])
    )  # resampled apart, the interval would be about 6 wide
    assert statistics.interval(np.array([1.0, np.nan, 1.0, 1.0]))[0] == 1
