"""A language model whose patched runs are not its own runs stops in one sentence, at its load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import plateaus as pl
from plateaus.errors import UnsupportedModel
from plateaus.networks import language_model, prefix, selfcheck
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.prompt import SIDE_BY_SIDE


@pytest.fixture
def folder(save_tiny, tmp_path):
    return lambda kind: save_tiny(kind, tmp_path / kind)


def refused(folder) -> str:
    with pytest.raises(UnsupportedModel) as error:
        pl.load(folder, device="cpu")
    said = str(error.value)
    assert "\n" not in said and said.endswith(".") and len(said) < 400, said
    return said


@pytest.mark.parametrize("kind", ["granite", "cohere", "cohere2"])
def test_a_head_without_its_scale_is_found(folder, kind, monkeypatch):
    unscaled = lambda lm, normed: lm.bridge.unembed(normed)  # noqa: E731
    monkeypatch.setattr(LanguageModel, "unembed", unscaled)
    assert "the logits differs by" in refused(folder(kind))


def settings(folder, **values):
    """The same folder with other values in its configuration."""
    file = Path(folder) / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))
    return folder


def test_a_forgotten_cap_is_found(folder, monkeypatch):
    where = settings(folder("gemma2"), final_logit_softcapping=0.5)
    pl.load(where)
    monkeypatch.setattr(LanguageModel, "unembed", lambda lm, normed: lm.bridge.unembed(normed))
    assert "the logits differs" in refused(where)


@pytest.mark.parametrize("kind", ["mistral", "gemma3", "cohere2"])
@pytest.mark.parametrize("window", [4, 48])
def test_a_prefix_that_forgets_the_window_is_found(folder, kind, window, monkeypatch):
    where, right = settings(folder(kind), sliding_window=window), language_model.keep

    def sees_all(bridge, ids):
        with selfcheck._window(bridge.original_model.config, 1000):
            return right(bridge, ids)

    monkeypatch.setattr(language_model, "keep", sees_all)
    said = refused(where)
    assert "differs by" in said and ("beyond a window of 4 tokens" in said) == (window == 48)


def test_a_mask_of_all_tokens_where_a_window_keeps_fewer_sets_points_apart(folder, monkeypatch):
    where, right = folder("mistral"), prefix._mask

    def of_all_tokens(own, rows, m):
        found = right(own, rows, m)
        lacking = selfcheck.TOKENS + m - found.shape[-1]
        return torch.cat([found.new_zeros(*found.shape[:-1], lacking), found], dim=-1)

    monkeypatch.setattr(prefix, "_mask", of_all_tokens)
    assert pl.load(where).side_by_side == 1


def test_points_that_see_each_other_are_set_apart(folder, monkeypatch, causal):
    where = folder("llama")
    assert pl.load(where).side_by_side == SIDE_BY_SIDE
    monkeypatch.setattr(prefix, "_mask", causal(prefix._mask))
    assert pl.load(where).side_by_side == 1


def test_a_lost_prefix_is_found(folder, monkeypatch):
    monkeypatch.setattr(prefix._Cache, "update", lambda self, k, v, *_, **__: (k, v))
    assert "cannot be measured" in refused(folder("pythia"))


def test_phases_of_another_position_are_found(folder, monkeypatch):
    right = prefix._once

    def turned(value):
        found = right(value)
        return found.roll(1, -1) if isinstance(found, torch.Tensor) and found.ndim == 3 else found

    monkeypatch.setattr(prefix, "_once", turned)
    assert "x_1 differs" in refused(folder("llama"))


@pytest.mark.parametrize(
    "config, settings, sentence",
    [
        (
            "OPTConfig",
            {"word_embed_proj_dim": 16, "do_layer_norm_before": False, "ffn_dim": 32},
            "OPTForCausalLM, whose runs from a patched activation are not its own",
        ),
        ("MambaConfig", {"state_size": 4}, "MambaForCausalLM"),
        ("OpenAIGPTConfig", {"n_embd": 32, "n_layer": 2, "n_head": 4}, "OpenAIGPTLMHeadModel"),
        ("RwkvConfig", {"attention_hidden_size": 32, "context_length": 32}, "RwkvForCausalLM"),
    ],
)
def test_architectures_that_cannot_be_patched_say_so(folder, config, settings, sentence, tmp_path):
    import transformers

    where = folder("gpt2")  # for its tokeniser
    small = {"vocab_size": 211, "hidden_size": 32, "num_hidden_layers": 2}
    small |= {} if config == "OpenAIGPTConfig" else {"num_attention_heads": 4}
    model = transformers.AutoModelForCausalLM.from_config(
        getattr(transformers, config)(**small, **settings)
    )
    model.save_pretrained(where)
    assert sentence in refused(where)


def test_the_check_does_not_touch_the_model(folder):
    where = folder("mistral")
    state = torch.get_rng_state()
    lm = pl.load(where)
    assert torch.equal(state, torch.get_rng_state())
    assert lm.bridge.original_model.config.sliding_window == 4
    with selfcheck._window(lm.bridge.original_model.config, 2):
        assert lm.bridge.original_model.config.sliding_window == 2
    assert lm.bridge.original_model.config.sliding_window == 4
    assert lm.untrained(0).side_by_side == lm.side_by_side


def test_a_few_positions_are_enough_to_be_checked(folder):
    import transformers

    where = folder("gpt2")
    config = transformers.GPT2Config(vocab_size=211, n_embd=32, n_layer=2, n_head=4, n_positions=4)
    transformers.GPT2LMHeadModel(config).save_pretrained(where)
    assert pl.load(where).positions == 4
