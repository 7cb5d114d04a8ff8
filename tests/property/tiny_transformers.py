"""Small random transformers, layer by layer, and sublayers in which one term decides."""

from __future__ import annotations

import torch
from torch import nn

from plateaus.geometry.bounds.chain import maps
from plateaus.geometry.bounds.program import program
from plateaus.geometry.bounds.tube import Map
from plateaus.networks.layers import Added, PrefixAttention
from plateaus.networks.network import Chain, Network

D, HEADS, TOKENS, HIDDEN, WORDS = 6, 2, 3, 9, 7


def linear(rows: int, columns: int, size: float, bias: bool = True) -> nn.Linear:
    layer = nn.Linear(columns, rows, bias=bias, dtype=torch.float64)
    layer.weight.data = size * torch.randn(rows, columns, dtype=torch.float64)
    return layer.requires_grad_(False)


def norm(epsilon: float) -> nn.LayerNorm:
    layer = nn.LayerNorm(D, eps=epsilon, dtype=torch.float64)
    layer.weight.data = 1 + 0.3 * torch.randn(D, dtype=torch.float64)
    layer.bias.data = 0.3 * torch.randn(D, dtype=torch.float64)
    return layer.requires_grad_(False)


def attention(size: float) -> PrefixAttention:
    kept = size * torch.randn(2, HEADS, TOKENS, D // HEADS, dtype=torch.float64)
    return PrefixAttention(*(linear(D, D, size) for _ in range(4)), kept)


def perceptron(size: float, kind: str = "tanh") -> list[nn.Module]:
    return [linear(HIDDEN, D, size), nn.GELU(approximate=kind), linear(D, HIDDEN, size)]


def transformer(seed: int, *, blocks: int = 2, size: float = 0.6, epsilon: float = 0.05) -> Network:
    """Blocks of attention and perceptron, then a norm and a head to logits, all random."""
    torch.manual_seed(seed)
    layers = tuple(
        nn.Sequential(
            Added(norm(epsilon), attention(size)), Added(norm(epsilon), *perceptron(size))
        )
        for _ in range(blocks)
    )
    head = Chain(steps=(norm(epsilon), linear(WORDS, D, size, bias=False)))
    dims = (D,) * (blocks + 1)
    return Network(blocks=layers, dims=dims, readout=head, dtype=torch.float64, name="tiny")


def own_score() -> Added:
    """Attention that at x = 0 bends through its own score alone: its value is constant."""
    before, layer = norm(0.05), attention(1.5)
    before.bias.data.zero_()
    layer.kept.zero_()
    for part in (layer.query, layer.key):
        part.bias.data.zero_()
    layer.value.weight.data.zero_()
    layer.value.bias.data.fill_(3.0)
    return Added(before, layer)


def own_value() -> Added:
    """Attention that at x = 0 bends through its own value alone: all values vanish there."""
    before, layer = norm(0.05), attention(1.5)
    before.bias.data.zero_()
    layer.kept.zero_()
    for part in (layer.key, layer.value):
        part.bias.data.zero_()
    return Added(before, layer)


SUBLAYERS = {
    "own score": own_score,
    "own value": own_value,
    "attention": lambda: Added(norm(0.05), attention(0.8)),
    "perceptron": lambda: Added(norm(0.05), *perceptron(0.8)),
    "exact gelu": lambda: Added(norm(0.05), *perceptron(0.8, kind="none")),
    "head": lambda: nn.Sequential(norm(0.05), linear(WORDS, D, 0.8)),
}


def sublayer(kind: str, seed: int) -> tuple[nn.Module, Map]:
    torch.manual_seed(seed)
    module = SUBLAYERS[kind]()
    outputs = WORDS if kind == "head" else D
    net = Network(blocks=(module,), dims=(D, outputs), dtype=torch.float64)
    (g,) = maps(program(net))
    return module, g
