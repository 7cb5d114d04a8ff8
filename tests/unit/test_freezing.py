"""One sublayer held at a time, and a token before the prompt; each against plain runs."""

import numpy as np
import pytest
import torch

from plateaus.data import prompts
from plateaus.errors import BadParameter, UnsupportedModel
from plateaus.evidence import freezing, paired
from plateaus.experiments import Ends, interpolate, slopes
from plateaus.experiments.freezing import heads_one_by_one, linearised_mlps, one_by_one
from plateaus.measures.statistics import measured
from plateaus.networks.network import Network


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


@pytest.mark.parametrize("kind", ["gpt2", "pythia", "llama", "gemma2", "opt"])
def test_all_heads_held_are_the_attention_held(kind, pairs, save_tiny, tmp_path):
    import plateaus as pl

    lm = pl.load(save_tiny(kind, tmp_path), device="cpu")
    (part,) = Ends.of_prompts(lm, pairs).parts(9)
    x = torch.lerp(part.a[:, None], part.b[:, None], torch.linspace(0, 1, 9)[:, None])
    block = part.net.blocks[0]
    every, whole = block.heads(x), block.with_parts(x)[1]["attention"]
    assert every.shape == (6, 9, 4, 8)
    at = every[:, :1]
    one = block.freeze("heads", at)(x)
    assert torch.allclose(one, block.freeze("attention", whole[:, :1])(x), atol=1e-5)
    assert not torch.allclose(one, block(x), atol=1e-5)
    assert torch.equal(block.freeze("heads", every)(x), block(x)), "held at what they are"


def test_one_head_held_is_its_part_held_before_the_projection(bent, pairs):
    """Against a hook on the library's own projection; another head would be noticed."""
    ends = Ends.of_prompts(bent, pairs)
    found = heads_one_by_one(ends, steps=9)
    np.testing.assert_allclose(found.whole, one_by_one(ends, steps=9).whole, rtol=1e-5)
    (part,) = ends.parts(9)
    x = torch.lerp(part.a[:, None], part.b[:, None], torch.linspace(0, 1, 9)[:, None])

    def hold(_module, args):
        z = args[0].clone()
        z[..., 8:16] = z[..., 8:16].mean(1, keepdim=True)
        return (z,)

    with torch.no_grad():
        x = part.net.blocks[0](x)
        projection = part.net.blocks[1].layer.attn.o.original_component
        handle = projection.register_forward_pre_hook(hold)
        x = part.net.blocks[1](x)
        handle.remove()
        for block in part.net.blocks[2:]:
            x = block(x)
    d = (x - x[:, :1]).norm(dim=-1)
    slope = (d.diff(dim=1).abs() * 8 / d[:, -1:]).amax(1)
    held = found.slope.isel(block=1)
    np.testing.assert_allclose(held.sel(sublayer=1), slope, rtol=1e-3)
    assert not np.allclose(held.sel(sublayer=2), slope, rtol=1e-3)


def test_the_head_that_moves_most_is_measured_on_pairs_that_did_not_choose_it(bent, pairs):
    found = heads_one_by_one(Ends.of_prompts(bent, pairs), steps=9)
    found["slope"] = found.slope * 0 + found.whole
    found["slope"].loc[{"sublayer": 3, "block": 2}] += 0.5
    assert freezing.head(found)[:2] == (2, 3)
    assert freezing.head(found)[2].value == pytest.approx(0.5) and freezing.head(found)[2].n == 3
    assert freezing.seen(found) == (1, 8)
    held = one_by_one(Ends.of_prompts(bent, pairs), steps=9).sel(sublayer=["mlp"])
    held["slope"] = held.slope * 0 + held.whole
    held["slope"].loc[{"block": 1}] -= 0.25
    assert freezing.further(held, found).value == pytest.approx(-0.75)
    assert freezing.further(found, held).n == 3, "over pairs that chose neither"
    chance = found.copy(deep=True)
    chance["slope"].loc[{"sublayer": 3, "block": 2, "pair": list(found.pair.values[1::2])}] -= 0.5
    assert freezing.head(chance)[2].value == pytest.approx(0, abs=1e-6), "chosen by chance"


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
    whole = float(found.whole.median())
    assert freezing.left_over(found, "mlp").value == pytest.approx(whole - 1.5)
    assert freezing.left_over(found, "attention").value == pytest.approx(whole - 1)
    assert freezing.changes(found)["mlp"].shape == (3, 2)
    assert freezing.head(found.sel(sublayer=["mlp"]))[:2] == (2, "mlp")
    assert freezing.head(found.sel(sublayer=["mlp"]))[2].value == pytest.approx(-0.5)


def test_resamples_taken_at_once_are_those_taken_one_by_one(bent, pairs):
    found = one_by_one(Ends.of_prompts(bent, pairs), steps=9)
    one, whole = found.slope.sel(sublayer="mlp", block=2).values, found.whole.values

    def alone(x, y):
        return np.median(x) - np.median(y)

    assert paired.gap(one, whole) == measured(one, whole, statistic=alone)
    assert paired.gap(one, whole).ci != measured(one, whole[::-1], statistic=alone).ci

    def total(*values):
        return sum(alone(v, values[-1]) for v in values[:-1])

    every = found.slope.sel(sublayer="mlp").transpose("block", "pair").values
    slow = measured(*every, whole, statistic=total)
    assert freezing.added_up(found, "mlp").ci == pytest.approx(slow.ci, rel=1e-5)
    assert freezing.added_up(found, "mlp").ci != pytest.approx(
        measured(*every[:1], whole, statistic=total).ci, rel=1e-3
    ), "one block is not all"


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
