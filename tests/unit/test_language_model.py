"""Language models at a prompt, for every architecture: the fast evaluation is the model's own."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

import plateaus as pl
from plateaus.errors import BadParameter, BadPoints, BadPrompt
from plateaus.networks import prefix as prefix_module
from plateaus.networks import prompt as prompt_module

TOLERANCE = 1e-5


def relative(x, y) -> float:
    return ((x - y).norm() / y.norm()).item()


@pytest.fixture(scope="module")
def ids():
    return torch.randint(3, 200, (3, 9), generator=torch.Generator().manual_seed(1))


def patched_full_prompt(lm, ids, x, block):
    """The naive reference: the whole prompt, hooks on the bridge, one point at a time."""
    seen = {}

    def patch(stream, hook):
        stream[:, -1] = x
        return stream

    def record(stream, hook):
        seen["stream"] = stream[:, -1].clone()

    last = f"blocks.{len(lm) - 1}.hook_out"
    with torch.no_grad():
        logits = lm.bridge.run_with_hooks(
            ids[None], fwd_hooks=[(f"blocks.{block}.hook_in", patch), (last, record)]
        )
    return seen["stream"][0], logits[0, -1]


def test_blocks_run_once_for_a_prefix(gpt2_lm, ids):
    runs, inner = [], gpt2_lm.bridge.blocks[1].original_component.mlp
    with inner.register_forward_hook(lambda *_: runs.append(True)):
        gpt2_lm.at(ids[:, :-1])
        assert len(runs) == 1  # the second call is noted, not run
        gpt2_lm.at(ids[:, :0])
        assert len(runs) == 2  # no prefix has run: the one call is noted while it runs


def test_logits_equal_those_of_the_raw_library(tiny_folder, tiny_lm, ids):
    """Plain transformers on whole prompts, against one token after a prefix, several side by side.

    The prompts are longer than the windows of those architectures that have one.
    """
    from transformers import AutoModelForCausalLM

    raw = AutoModelForCausalLM.from_pretrained(tiny_folder, attn_implementation="eager").eval()
    with torch.no_grad():
        assert relative(tiny_lm.bridge(ids), raw(ids).logits) < TOLERANCE
        whole = torch.cat([ids[:1, :-1].expand(3, -1), ids[:, -1:]], dim=1)
        expected = raw(whole, output_hidden_states=True)
    net = tiny_lm.at(ids[0, :-1])
    x0 = net.embed(ids[:, -1])
    assert relative(net.reading("logits")(x0), expected.logits[:, -1]) < TOLERANCE
    for ours, theirs in zip(net.trace(x0)[:-1], expected.hidden_states[:-1], strict=True):
        assert relative(ours, theirs[:, -1]) < TOLERANCE


def test_points_stand_side_by_side_wherever_the_architecture_lets_them(tiny_lm):
    alone = {"gpt_neo"}  # its blocks hide keys by how many queries there are
    kind = tiny_lm.bridge.original_model.config.model_type
    assert tiny_lm.side_by_side == (1 if kind in alone else prompt_module.SIDE_BY_SIDE)


def test_patched_end_points_equal_clean_runs(tiny_lm, ids):
    states, logits = tiny_lm.clean_run(ids)
    net = tiny_lm.at(ids[:, :-1])
    x0 = net.embed(ids[:, -1:])
    for x, clean in zip(net.trace(x0), states, strict=True):
        assert relative(x[:, 0], clean) < TOLERANCE
    assert relative(net.reading("logits")(x0)[:, 0], logits) < TOLERANCE
    assert torch.allclose(net.reading("probabilities")(x0)[:, 0], logits.softmax(-1), atol=1e-6)


def test_a_tail_keeps_the_names_of_what_can_be_read(tiny_lm, ids):
    net = tiny_lm.at(ids[0, :-1])
    x = net.states(ids[1, :2], block=1)
    for name in ("stream", "normed", "logits", "probabilities"):
        assert torch.equal(net[1:].reading(name)(x), net.reading(name)[1:](x)), name
    assert not torch.equal(net[1:].reading("logits")(x), net[1:].reading("probabilities")(x))
    for wrong in (net[1:].reading, net[:-1].reading):
        with pytest.raises(BadParameter, match="has no readout 'logit'"):
            wrong("logit")
    with pytest.raises(BadParameter, match="choose one of stream"):
        net[:-1].reading("logits")


def test_one_token_evaluation_equals_full_prompt_hooks(tiny_lm, ids):
    net = tiny_lm.at(ids[0, :-1])
    a = net.states(ids[0, -1:], block=1)
    points = (
        a + torch.randn(5, tiny_lm.d, generator=torch.Generator().manual_seed(0)) * a.norm() / 4
    )
    fast, fast_logits = net[1:](points), net[1:].reading(tiny_lm.logits)(points)
    for i, x in enumerate(points):
        slow, slow_logits = patched_full_prompt(tiny_lm, ids[0], x, block=1)
        assert relative(fast[i], slow) < TOLERANCE
        assert relative(fast_logits[i], slow_logits) < TOLERANCE


def test_points_do_not_see_each_other(tiny_lm, ids, monkeypatch, causal):
    net = tiny_lm.at(ids[0, :-1])[1:]
    points = torch.randn(150, tiny_lm.d, generator=torch.Generator().manual_seed(3))
    together = net(points)
    assert relative(together, torch.stack([net(x) for x in points])) < TOLERANCE
    assert relative(net(points.reshape(3, 50, -1)).reshape(150, -1), together) < TOLERANCE
    monkeypatch.setattr(prompt_module, "AT_ONCE", 64)  # several calls of each layer
    assert relative(net(points), together) < TOLERANCE

    if tiny_lm.side_by_side > 1:
        monkeypatch.setattr(prefix_module, "_mask", causal(prefix_module._mask))
        assert relative(net(points), together) > 100 * TOLERANCE


def test_several_prompts_equal_each_prompt_alone(tiny_lm, ids):
    x = torch.randn(3, 70, tiny_lm.d, generator=torch.Generator().manual_seed(4))
    together = tiny_lm.at(ids[:, :-1])(x)
    for p in range(3):
        assert relative(together[p], tiny_lm.at(ids[p, :-1])(x[p])) < TOLERANCE
    assert (
        relative(together[0], tiny_lm.at(ids[1, :-1])(x[0])) > 100 * TOLERANCE
    )  # the prompt matters


def test_sublayers_add_up_to_the_block(tiny_lm, ids):
    net = tiny_lm.at(ids[0, :-1])
    x = net.states(ids[0, -1:], block=1)
    for g in net.blocks[1:]:
        y, parts = g.with_parts(x)
        assert torch.equal(y, g(x))
        assert relative(x + parts["attention"] + parts["mlp"], g(x)) < TOLERANCE
        assert relative(x + parts["mlp"], g(x)) > 100 * TOLERANCE  # a missing part would be seen
        x = g(x)


def test_freezing_everything_leaves_a_translation(tiny_lm, ids):
    net = tiny_lm.at(ids[0, :-1])
    points = pl.paths.segment(*net.states(ids[0, -2:], block=1), steps=7)
    mlp = pl.interventions.freeze(net[1:], "mlp", at=points)
    both = pl.interventions.freeze(mlp, "attention", at=points)
    moved = both(points) - points
    assert torch.allclose(moved, moved[:1].expand_as(moved), atol=1e-5 * moved.abs().max().item())
    curve = pl.curves.normalised_distance(both(points))
    assert torch.allclose(curve, torch.linspace(0, 1, 7).double(), atol=1e-4)
    assert (
        relative(mlp(points), net[1:](points)) > 100 * TOLERANCE
    )  # an intervention that does nothing


def test_frozen_values_are_means_of_the_pass_that_was_asked_for(tiny_lm, ids):
    net = tiny_lm.at(ids[0, :-1])[1:]
    points = torch.randn(6, tiny_lm.d, generator=torch.Generator().manual_seed(5))
    frozen = pl.interventions.freeze(net, "mlp", at=points)
    clean = pl.interventions.freeze(net, "mlp", at=points, means="clean")

    def mean(x):
        return net.blocks[1].with_parts(x)[1]["mlp"].mean(0)

    within, untouched = mean(frozen.blocks[0](points)), mean(net.blocks[0](points))
    assert torch.allclose(frozen.blocks[1].frozen["mlp"][0], within, atol=1e-6)
    assert torch.allclose(clean.blocks[1].frozen["mlp"][0], untouched, atol=1e-6)
    assert not torch.allclose(within, untouched, atol=1e-6)  # each is the other's wrong twin
    assert torch.equal(frozen.blocks[0].frozen["mlp"], clean.blocks[0].frozen["mlp"])


def test_freezing_in_the_frozen_pass_equals_hooks_on_the_raw_model(gpt2_folder, gpt2_lm, ids):
    """The published procedure with plain transformers: blocks in order, each held at its mean."""
    from transformers import AutoModelForCausalLM

    raw = AutoModelForCausalLM.from_pretrained(gpt2_folder, attn_implementation="eager").eval()
    net = gpt2_lm.at(ids[0, :-1])
    points = pl.paths.segment(*net.states(ids[0, -2:], block=1), steps=7)
    held = {}

    def patch(_module, args):
        args[0][:, -1] = points

    def hold(value):
        def hook(_module, _args, out):
            out[:, -1] = value

        return hook

    def run(watched):
        seen = {}
        hooks = [raw.transformer.h[1].register_forward_pre_hook(patch)]
        mlps = [block.mlp for block in raw.transformer.h]
        hooks += [mlps[i].register_forward_hook(hold(value)) for i, value in held.items()]
        if watched:
            note = mlps[watched].register_forward_hook(
                lambda _m, _a, out: seen.update(mean=out[:, -1].mean(0))
            )
            hooks.append(note)
        with torch.no_grad():
            logits = raw(ids[0].expand(7, -1)).logits[:, -1]
        for hook in hooks:
            hook.remove()
        return seen.get("mean"), logits

    for i in (1, 2):
        held[i] = run(i)[0].clone()
    _, expected = run(None)
    frozen = pl.interventions.freeze(net[1:], "mlp", at=points).reading("logits")
    clean = pl.interventions.freeze(net[1:], "mlp", at=points, means="clean").reading("logits")
    assert relative(frozen(points), expected) < TOLERANCE
    assert relative(clean(points), expected) > 10 * TOLERANCE


@pytest.mark.parametrize("sublayer", ["attn", "MLP", "", "stream"])
def test_an_unknown_sublayer_is_refused(gpt2_lm, ids, sublayer):
    net = gpt2_lm.at(ids[0, :-1])[1:]
    with pytest.raises(BadParameter, match="there is attention and mlp"):
        pl.interventions.freeze(net, sublayer, at=torch.randn(6, gpt2_lm.d))


def test_empty_prefix(gpt2_lm):
    ids = torch.tensor([[17]])
    states, _ = gpt2_lm.clean_run(ids)
    net = gpt2_lm.at(ids[:, :0])
    assert relative(net(net.embed(ids[0])), states[-1]) < TOLERANCE


def test_gradients_flow_through_a_prompt(gpt2_lm, ids):
    net = gpt2_lm.at(ids[0, :-1])
    x = net.states(ids[0, -1:], block=1)[0]
    v = torch.randn_like(x)
    _, jvp = torch.autograd.functional.jvp(lambda y: net[1:](y), x, v)
    step = 1e-2
    assert relative((net[1:](x + step * v) - net[1:](x - step * v)) / (2 * step), jvp) < 1e-2


@pytest.mark.parametrize(
    "text, sentence", [("w3 w4", "2 tokens"), ("w3 zebra", "no token"), ("zebra", "no token")]
)
def test_continuations_must_be_one_known_token(gpt2_lm, text, sentence):
    with pytest.raises(BadPrompt, match=sentence):
        gpt2_lm.at("w5 w6").embed([text])


def test_a_continuation_that_merges_with_the_prefix_is_refused(gpt2_lm):
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    letters = Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]))
    lm = copy.copy(gpt2_lm)
    object.__setattr__(lm, "tokenizer", PreTrainedTokenizerFast(tokenizer_object=letters))
    with pytest.raises(BadPrompt, match="differently"):
        lm.at("ba").embed(["b"])


def test_a_string_instead_of_a_list_is_refused(gpt2_lm):
    with pytest.raises(BadPrompt, match="list of strings"):
        gpt2_lm.at("w5").embed("w6")


def test_points_of_the_wrong_shape_are_refused(gpt2_lm, ids):
    with pytest.raises(BadPoints, match="dimension 32"):
        gpt2_lm.at("w5")(torch.zeros(3, 31))
    with pytest.raises(BadPoints, match="3 prompts"):
        gpt2_lm.at(ids[:, :-1])(torch.zeros(2, 4, 32))
    with pytest.raises(BadPoints, match="NaN"):
        gpt2_lm.at("w5")(torch.full((1, 32), torch.nan))


def test_a_language_model_says_what_it_is_in_one_line(gpt2_lm, gpt2_folder):
    name = Path(gpt2_folder).name
    assert repr(gpt2_lm) == f"<LanguageModel {name}: 3 blocks on R^32, float32, cpu>"
    net = gpt2_lm.at("w5")
    for thing in (net, net[1:], net.blocks[1], net.prefix):
        assert len(repr(thing)) < 200 and "\n" not in repr(thing)
