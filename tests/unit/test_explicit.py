"""A GPT-2 at one prompt, written out as plain layers, is the same function."""

from __future__ import annotations

import pytest
import torch

from plateaus.errors import NotCertifiable
from plateaus.networks.explicit import explicit
from plateaus.networks.interventions import freeze
from plateaus.networks.network import Network

PREFIX = "w3 w14 w15 w92"


@pytest.mark.parametrize("prefix", [PREFIX, torch.zeros(0, dtype=torch.long)], ids=["four", "none"])
def test_every_reading_is_the_models(gpt2_lm, prefix):
    net = gpt2_lm.at(prefix)
    plain, x = explicit(net), net.states(torch.arange(5), block=0)
    assert len(plain) == len(net) and plain.dtype == torch.float64
    for mine, theirs in zip(plain.readings(x), net.readings(x), strict=True):
        assert (mine.block, mine.name) == (theirs.block, theirs.name)
        assert torch.allclose(mine.value.float(), theirs.value, rtol=1e-4, atol=1e-4)


def test_slices_are_written_out_too(gpt2_lm):
    net = gpt2_lm.at(PREFIX)
    x = net.states(torch.arange(5), block=1)
    for part in (net[1:], net[1:2]):
        plain = explicit(part)
        assert (plain.first, plain.dims) == (part.first, part.dims)
        assert torch.allclose(plain(x).float(), part(x), rtol=1e-4, atol=1e-4)
    logits = explicit(net[1:]).reading("logits")(x)
    assert torch.allclose(logits.float(), gpt2_lm.logits(net[1:](x)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["relu", "gelu", "gelu_new"])
def test_the_activation_is_the_models_own(gpt2_lm, kind):
    from transformers.activations import ACT2FN

    net = gpt2_lm.at(PREFIX)
    x = 30 * net.states(torch.arange(5), block=1)
    mlps = [block.layer.original_component.mlp for block in net.blocks]
    had = [mlp.act for mlp in mlps]
    try:
        for mlp in mlps:
            mlp.act = ACT2FN[kind]
        model, plain = net[1:](x), explicit(net[1:])(x).float()
        mlps[-1].act = ACT2FN["silu"]
        with pytest.raises(NotCertifiable, match="SiLU"):
            explicit(net)
    finally:
        for mlp, act in zip(mlps, had, strict=True):
            mlp.act = act
    assert torch.allclose(plain, model, rtol=1e-5, atol=1e-5)
    if kind == "relu":
        assert not torch.allclose(explicit(net[1:])(x).float(), model, rtol=1e-3, atol=1e-3)


def test_the_prefix_counts(gpt2_lm):
    """The negative control: written out at another prefix it is another function."""
    x = gpt2_lm.at(PREFIX).states(torch.arange(5), block=1)
    here, there = (explicit(gpt2_lm.at(p)[1:])(x) for p in (PREFIX, "w3 w14 w15 w93"))
    assert (here - there).abs().max() > 1e-3


def test_what_cannot_be_written_out_says_so(gpt2_lm, tiny_lm):
    two = gpt2_lm.at(torch.tensor([[1, 2], [3, 4]]))
    net = gpt2_lm.at(PREFIX)
    frozen = freeze(net, "mlp", at=net.states(torch.arange(2), block=0))
    other = Network(blocks=(torch.sin,), dims=(2, 2))
    for case in (two, frozen, other):
        with pytest.raises(NotCertifiable, match="GPT-2 at one prompt"):
            explicit(case)
    if tiny_lm.bridge.original_model.config.model_type != "gpt2":
        with pytest.raises(NotCertifiable, match="GPT-2 at one prompt"):
            explicit(tiny_lm.at(PREFIX))
