"""What the reader's explorers need of a trained network, as a script that a page loads from anywhere.

A page opened from a folder may not fetch files; a script that assigns a constant works everywhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from plateaus.networks.residual import ResidualMLP

NETWORKS, TRANSFORMERS = "plateauNetworks", "plateauTransformers"
"""Names of the constants in a page."""
GPT2 = (
    "ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight",
    "attn.c_proj.bias", "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias",
    "mlp.c_proj.weight", "mlp.c_proj.bias",
)  # fmt: skip
"""Tensors of one block in the order of its forward pass."""


def stored(module: ResidualMLP) -> dict[str, object]:
    """Weights of a residual perceptron with LayerNorm and ReLU, in the order of its forward pass.

    Returns:
        Shapes, and ``weights``: base64 of little-endian float32, for each layer the gains (or the
        matrix, row by row) and then the biases; what ``network.js`` decodes.
    """
    layers = [module.encoder]
    for block in module.trunk:
        layers += [layer for layer in block.branch if isinstance(layer, nn.LayerNorm | nn.Linear)]
    layers += [layer for layer in module.head if isinstance(layer, nn.LayerNorm | nn.Linear)]
    flat = torch.cat([p.detach().flatten() for layer in layers for p in (layer.weight, layer.bias)])
    return {
        "inputs": module.encoder.in_features,
        "width": module.encoder.out_features,
        "blocks": len(module.trunk),
        "outputs": module.head[-1].out_features,
        "skip": module.trunk[0].skip,
        "weights": base64.b64encode(flat.numpy().astype("<f4").tobytes()).decode(),
    }


def script(modules: Mapping[str, ResidualMLP]) -> str:
    """A script that sets ``window.plateauNetworks`` to the named networks."""
    networks = {name: stored(module) for name, module in modules.items()}
    return f"window.{NETWORKS} = {json.dumps(networks)};\n"


def write(modules: Mapping[str, ResidualMLP], folder: Path) -> Path:
    """Write the script as ``networks.js`` into ``folder``."""
    file = folder / "networks.js"
    file.write_text(script(modules), encoding="utf-8")
    return file


def stored_gpt2(model: nn.Module, words: Sequence[str]) -> dict[str, object]:
    """Weights of a small GPT-2 with tied embeddings, as base64 of bfloat16: what ``transformer.js`` reads.

    Args:
        model: a ``GPT2LMHeadModel`` whose weights are bfloat16 numbers already, as the book's are.
        words: its vocabulary, by token id.
    """
    weights, c = model.transformer.state_dict(), model.config
    names = ["wte.weight", "wpe.weight"]
    names += [f"h.{i}.{name}" for i in range(c.n_layer) for name in GPT2]
    flat = torch.cat([weights[n].flatten() for n in [*names, "ln_f.weight", "ln_f.bias"]])
    half = flat.to(torch.bfloat16).view(torch.uint16).numpy().astype("<u2")
    return {
        "blocks": c.n_layer,
        "width": c.n_embd,
        "heads": c.n_head,
        "context": c.n_positions,
        "words": list(words),
        "weights": base64.b64encode(half.tobytes()).decode(),
    }


def transformer_script(name: str, model: nn.Module, words: Sequence[str]) -> str:
    """A script that adds one model to ``window.plateauTransformers``."""
    content = json.dumps(stored_gpt2(model, words), ensure_ascii=False)
    return f"(window.{TRANSFORMERS} ??= {{}})[{json.dumps(name)}] = {content};\n"
