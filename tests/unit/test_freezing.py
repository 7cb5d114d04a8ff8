"""One sublayer held at a time, and a token before the prompt; each against plain runs."""

import numpy as np
import pytest
import torch

from plateaus.data import prompts
from plateaus.errors import BadParameter, UnsupportedModel
from plateaus.evidence import freezing, paired
from plateaus.experiments import Ends, interpolate, slopes
from plateaus.experiments.freezing import linearised_mlps, one_by_one
from plateaus.networks.network import Network


@pytest.fixture(scope="module")
def pairs():
    ids = torch.randint(3, 200, (2, 6, 7), generator=torch.Generator().manual_seed(0))
    ids[1, :, :-1] = ids[0, :, :-1]
    return prompts.Pairs(a=ids[0], b=ids[1], labels=tuple("abcdef"), source="test")


@pytest.fixture(scope="module")
def bent(save_tiny, tmp_path_factory):
    import plateaus as pl

    return pl.load(save_tiny("gpt2", tmp_path_factory.mktemp("bent"), scale=0.6), device="cpu")


def test_none_held_and_all_held_are_the_plain_runs(bent, pairs):
    ends = Ends.of_prompts(bent, pairs)
    found = one_by_one(ends, steps=9)
    plain = {"readouts": False, "steps": 9}
    np.testing.assert_allclose(found.whole, slopes(interpolate(ends, **plain)), rtol=1e-4)
    for name in ("attention", "mlp"):
        held = slopes(interpolate(ends, frozen=name, **plain))
        np.testing.assert_allclose(found["all"].sel(sublayer=name), held, rtol=1e-4)
    assert abs(found["all"].sel(sublayer="mlp") - found.whole).max() > 0.01, "they differ"


def test_the_last_block_held_is_the_stream_without_its_change(bent, pairs):
    """With one MLP of the last block held, what moves is the stream before it and its attention."""
    ends = Ends.of_prompts(bent, pairs)
    found = one_by_one(ends, steps=9)
    (part,) = ends.parts(9)
    x = part.a[:, None] + torch.linspace(0, 1, 9)[:, None] * (part.b - part.a)[:, None]
    with torch.no_grad():
        for block in part.net.blocks[:-1]:
            x = block(x)
        parts = part.net.blocks[-1].with_parts(x)[1]
    y = x + parts["attention"]  # what is held only adds a constant
    d = (y - y[:, :1]).norm(dim=-1)
    slope = (d.diff(dim=1).abs() * 8 / d[:, -1:]).amax(1)
    last = found.slope.sel(sublayer="mlp").isel(block=-1)
    np.testing.assert_allclose(last, slope, rtol=1e-3)
    first = found.slope.sel(sublayer="mlp").isel(block=0)
    assert not np.allclose(first, slope, rtol=1e-3), "another block would be noticed"


def test_held_at_an_end_is_not_held_at_the_mean_and_both_are_refused_else(bent, pairs):
    ends = Ends.of_prompts(bent, pairs)
    mean, end = (one_by_one(ends, steps=9, held=h, single=False) for h in ("mean", "end"))
    assert "slope" not in mean and not np.allclose(mean["all"], end["all"])
    np.testing.assert_array_equal(mean.whole, end.whole)
    with pytest.raises(BadParameter, match="held at its mean or its end, got 'middle'"):
        one_by_one(ends, held="middle")
    plain = Network(blocks=(lambda x: x,), dims=(3, 3), name="plain")
    with pytest.raises(UnsupportedModel, match="is not made of sublayers"):
        one_by_one(Ends.of_points(plain, torch.zeros(2, 3), torch.ones(2, 3)))


def test_with_linear_mlps_and_attention_held_nothing_bends(bent, pairs):
    ends = Ends.of_prompts(bent, pairs)
    straight = linearised_mlps(ends, steps=9, attention=False)
    np.testing.assert_allclose(straight, 1, atol=1e-3)
    free = linearised_mlps(ends, steps=9)
    assert abs(free - 1).max() > 3e-3, "attention bends what passes"
    held = slopes(interpolate(ends, steps=9, frozen="attention", readouts=False))
    assert abs(held - 1).max() > 3e-3, "and so do MLPs that are not linear"


def test_changes_have_the_sign_of_what_is_lost(bent, pairs):
    found = one_by_one(Ends.of_prompts(bent, pairs), steps=9)
    found["slope"] = found.slope * 0 + found.whole
    found["slope"].loc[{"sublayer": "mlp", "block": 2}] -= 0.5
    assert freezing.change(found, "mlp", 2).value == pytest.approx(-0.5)
    assert freezing.most(found)[0] == 2
    assert freezing.added_up(found, "mlp").value == pytest.approx(-0.5)
    assert freezing.added_up(found, "attention").value == 0
    assert freezing.changes(found)["mlp"].shape == (3, 2)


def test_a_token_is_put_before_a_prompt_once_and_taken_away(gpt2_lm, pairs):
    start = gpt2_lm.tokens.begin()
    behind = prompts.begun(gpt2_lm, pairs, bos=True)
    assert (behind.a[:, 0] == start).all() and torch.equal(behind.b[:, 1:], pairs.b)
    assert torch.equal(prompts.begun(gpt2_lm, behind, bos=True).a, behind.a), "not twice"
    assert torch.equal(prompts.begun(gpt2_lm, behind, bos=False).a, pairs.a)
    assert torch.equal(prompts.begun(gpt2_lm, pairs, bos=False).a, pairs.a)
    asked = prompts.unrelated(gpt2_lm, 3, tokens=5, source="samples", bos=True)
    plain = prompts.unrelated(gpt2_lm, 3, tokens=5, source="samples", bos=False)
    assert torch.equal(prompts.begun(gpt2_lm, plain, bos=True).a, asked.a)


def test_two_conditions_on_the_same_pairs():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300) * 5
    moved = x + 0.5 + 0.01 * rng.standard_normal(300)
    together, apart = paired.gap(moved, x), paired.gap(moved, rng.permutation(x))
    assert together.value == pytest.approx(0.5, abs=0.3) and together.ci[0] > 0
    width = [m.ci[1] - m.ci[0] for m in (together, apart)]
    assert width[0] < width[1] / 3, "pairs that are drawn apart know less"
    assert paired.alike(moved, x).value > 0.99 > paired.alike(moved, rng.permutation(x)).value
