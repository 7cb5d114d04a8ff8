"""A GPT-2 at one prompt written out as plain layers, so that its map of one vector can be read.

At its last position a language model is a function of one vector: the keys and values of the
prefix are constants. Here the function is spelled out in a handful of modules, in float64 if one
likes, for whatever must see inside it: interval arithmetic, exports, or a reader.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from plateaus.errors import NotCertifiable
from plateaus.networks.layers import Added, PrefixAttention
from plateaus.networks.network import Network, softmax
from plateaus.networks.prompt import PromptBlock

ACTIVATIONS = {
    "NewGELUActivation": nn.GELU(approximate="tanh"),
    "GELUTanh": nn.GELU(approximate="tanh"),
    "GELUActivation": nn.GELU(),
    "ReLU": nn.ReLU(),
}
"""The library's activation functions, by the names of their classes, as plain layers."""


def explicit(net: Network, *, dtype: torch.dtype = torch.float64) -> Network:
    """The same function made of plain modules; float64 gives it without the rounding of float32.

    Args:
        net: a GPT-2 at one prompt, or a slice of it.

    Raises:
        NotCertifiable: another architecture or activation, several prompts, or a frozen sublayer.
    """
    blocks = tuple(_block(block).to(dtype) for block in net.blocks)
    readouts = {}
    if net.readouts:
        bridge = net.readouts["normed"].__self__.bridge  # the language model's own
        readouts = {"normed": _norm(bridge.ln_final), "logits": _unembedding(bridge.unembed)}
        readouts = {name: part.to(dtype) for name, part in readouts.items()}
        readouts["probabilities"] = softmax
    fields = {"blocks": blocks, "readouts": readouts, "readout": None, "dtype": dtype}
    plain = {k: v for k, v in vars(net).items() if k in Network.__dataclass_fields__}
    return replace(Network(**plain), **fields, device=torch.device("cpu"))


def _block(block: PromptBlock) -> nn.Sequential:
    plain = isinstance(block, PromptBlock) and not block.frozen and block.prefix.prompts == 1
    if not plain or type(block.layer.original_component).__name__ != "GPT2Block":
        raise NotCertifiable(
            "Only a GPT-2 at one prompt, without frozen sublayers, is written out as plain layers: "
            "give lm.at(prompt) of such a model, or a slice of it."
        )
    part, prefix = block.layer, block.prefix
    activation = type(part.original_component.mlp.act).__name__
    if activation not in ACTIVATIONS:
        raise NotCertifiable(
            f"An MLP with {activation} is not written out as plain layers: give a GPT-2 with GELU "
            "or ReLU."
        )
    attn, mlp = part.attn, part.mlp
    kept = torch.zeros(2, attn.W_K.shape[0], 0, attn.W_K.shape[-1])
    if prefix.tokens:
        kept = torch.stack([prefix.keys[block.index][0], prefix.values[block.index][0]])
    attention = PrefixAttention(
        *(_linear(w.transpose(0, 1).flatten(1), b) for w, b in _projections(attn)),
        _linear(attn.W_O.flatten(0, 1), attn.b_O),
        kept.detach().cpu(),
    )
    perceptron = (_linear(mlp.W_in, mlp.b_in), ACTIVATIONS[activation])
    branches = (attention,), (*perceptron, _linear(mlp.W_out, mlp.b_out))
    norms = part.ln1, part.ln2
    return nn.Sequential(
        *(Added(_norm(norm), *branch) for norm, branch in zip(norms, branches, strict=True))
    ).requires_grad_(False)


def _unembedding(unembed) -> nn.Linear:
    return _linear(unembed.W_U, getattr(unembed, "b_U", None))


def _projections(attn) -> list[tuple[Tensor, Tensor]]:
    return [(getattr(attn, f"W_{name}"), getattr(attn, f"b_{name}")) for name in "QKV"]


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """x -> x weight + bias, ``weight`` of shape (in, out)."""
    layer = nn.utils.skip_init(nn.Linear, *weight.shape, bias=bias is not None)
    layer.weight.data = weight.detach().cpu().T.clone()
    if bias is not None:
        layer.bias.data = bias.detach().cpu().flatten().clone()
    return layer.requires_grad_(False)


def _norm(norm) -> nn.LayerNorm:
    layer = nn.LayerNorm(len(norm.weight), eps=norm.config.eps)
    layer.weight.data, layer.bias.data = norm.weight.detach().cpu(), norm.bias.detach().cpu()
    return layer.requires_grad_(False)
