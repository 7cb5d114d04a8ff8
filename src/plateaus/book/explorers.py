"""What the explorers need of a trained network, as a script that a page loads from anywhere.

A page opened from a folder may not fetch files; a script that assigns a constant works everywhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.networks.residual import ResidualMLP
from plateaus.networks.toy import build

STATIC = "../_static/explorer"
"""As the introduction's page sees it."""
SCRIPTS = {
    "plateau": ("networks.js", "network.js", "plateau.js"),
    "prompt": ("transformer.js", "prompt.js"),
}
"""Each explorer's scripts, in the order in which they need each other."""
LANGUAGE_MODEL = "laboratory-6l"
LANGUAGE_FILES = {"trained": "laboratory.js", "step 0": "laboratory-step-0.js"}
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


def place(root: Path, folder: Path) -> None:
    """Put the explorers at their marks in the staged introduction, and their weights beside them.

    Args:
        root: the checkout, whose shipped weights are used; folder: the staged sources.
    """
    page, assets = folder / "book" / "introduction.md", folder / "book" / "_static" / "explorer"
    text = page.read_text(encoding="utf-8")
    if not any(f"% explorer {name}" in text for name in SCRIPTS):
        return
    for name, scripts in SCRIPTS.items():
        text = text.replace(f"% explorer {name}", fragment(assets / f"{name}.html", scripts))
    page.write_text(text, encoding="utf-8")
    steps = {"trained": "step-4680", "step 0": "step-0"}
    modules = {name: spiral(root / "book" / "models" / "spiral", s) for name, s in steps.items()}
    (assets / "networks.js").write_text(script(modules), encoding="utf-8")
    lm = load(LANGUAGE_MODEL, device="cpu")
    for name, model in {"trained": lm, "step 0": lm.step_zero(0)}.items():
        file = assets / LANGUAGE_FILES[name]
        file.write_text(transformer_script(name, model), encoding="utf-8")


def fragment(file: Path, scripts: Sequence[str]) -> str:
    """An explorer's HTML with its scripts, as a directive; it stays hidden without JavaScript."""
    tags = [f'<script defer src="{STATIC}/{s}"></script>' for s in scripts]
    style = f'<link rel="stylesheet" href="{STATIC}/explorer.css">'
    html = "\n".join([style, file.read_text(encoding="utf-8").rstrip(), *tags])
    file.unlink()  # a part of the page now, not a page of its own
    return f"```{{raw}} html\n{html}\n```"


def spiral(folder: Path, step: str) -> ResidualMLP:
    """The shipped network on three spiral arms, at one step of its training."""
    module = build("residual", outputs=3)
    module.load_state_dict(load_file(folder / "seed-0" / f"{step}.safetensors"))
    return module


def script(modules: Mapping[str, ResidualMLP]) -> str:
    """A script that sets ``window.plateauNetworks`` to the named networks."""
    networks = {name: stored(module) for name, module in modules.items()}
    return f"window.{NETWORKS} = {json.dumps(networks)};\n"


def stored_gpt2(lm: LanguageModel) -> dict[str, object]:
    """Weights of a small GPT-2 with tied embeddings, as base64 of bfloat16: what
    ``transformer.js`` reads. The book's models are stored in bfloat16, so nothing is lost; step 0
    is rounded to it.
    """
    model, words = lm.bridge.original_model, lm.tokenizer.get_vocab()
    weights = {k.replace("_original_component.", ""): v for k, v in model.state_dict().items()}
    c, names = model.config, ["wte.weight", "wpe.weight"]
    names += [f"h.{i}.{name}" for i in range(c.n_layer) for name in GPT2]
    names += ["ln_f.weight", "ln_f.bias"]
    flat = torch.cat([weights[f"transformer.{name}"].flatten() for name in names])
    half = flat.to(torch.bfloat16).view(torch.uint16).numpy().astype("<u2")
    return {
        "blocks": c.n_layer,
        "width": c.n_embd,
        "heads": c.n_head,
        "context": c.n_positions,
        "words": sorted(words, key=words.get),
        "weights": base64.b64encode(half.tobytes()).decode(),
    }


def transformer_script(name: str, lm: LanguageModel) -> str:
    """A script that adds one model to ``window.plateauTransformers``."""
    content = json.dumps(stored_gpt2(lm), ensure_ascii=False)
    return f"(window.{TRANSFORMERS} ??= {{}})[{json.dumps(name)}] = {content};\n"
