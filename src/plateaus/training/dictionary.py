"""A sparse dictionary of one model's activations: a TopK autoencoder (Gao et al. 2024), the
smallest that is honest.

    python -m plateaus.training.dictionary prose-12l --out book/dictionaries/prose-12l

Features start as activations of the training text, so that few of them are dead; each step keeps
them at length one. There is no further trick.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import torch
from safetensors.torch import save
from torch import Tensor

from plateaus.data import sources
from plateaus.disk import write_bytes, write_json
from plateaus.errors import TrainingError, UnsupportedModel
from plateaus.networks import dictionary as dictionaries
from plateaus.networks.dictionary import CONFIG, NAMES, WEIGHTS, Dictionary
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.progress import bar, goes_to

HELD_OUT = 0.1
"""Share of the windows that training does not see."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a dictionary, beside the model."""

    features: int = 768
    active: int = 16
    """k: features that are kept for each activation."""
    windows: int = 6000
    """Of text, each of ``tokens`` tokens; every position but the first gives an activation."""
    tokens: int = 32
    steps: int = 3000
    batch: int = 1024
    rate: float = 1e-3
    """Of Adam, falling to zero along a half cosine."""
    block: int = 1
    """The block that the activations enter."""
    seed: int = 0


QUICK = Recipe(features=512, windows=1000, steps=400)
"""For a model that brings no dictionary, trained while a chapter waits."""


def of(lm: LanguageModel, given: str, *, block: int = 1) -> Dictionary:
    """The dictionary in the folder ``given``; for "auto" the one that comes with a model of the
    book, and for any other model one that is trained now, by ``QUICK``.

    Raises:
        UnsupportedModel: it is of what enters another block; and as ``networks.dictionary.load``.
    """
    if given == sources.AUTO:
        folder = dictionaries.shipped(lm.name)
        if folder is None:
            recipe = replace(QUICK, block=block)
            return train(activations(lm, recipe, text(lm))[0], recipe)
    else:
        folder = Path(given)
    found = dictionaries.load(folder, like=torch.empty(lm.d, device=lm.device, dtype=lm.dtype))
    if found.block not in (None, block):
        raise UnsupportedModel(
            f"The dictionary {found.name} is of what enters block {found.block}, and activations "
            f"that enter block {block} are needed: give another one."
        )
    return found


def activations(lm: LanguageModel, recipe: Recipe, source: str) -> tuple[Tensor, Tensor]:
    """What enters ``recipe.block``, ``(n, d)``, of text for training and of text held out."""
    found = list(
        sources.windows(
            lm, recipe.tokens, source=source, seed=recipe.seed, most=recipe.windows, lead=None
        )
    )
    if len(found) < 10:
        raise TrainingError(
            f"{source} yields {len(found)} windows of {recipe.tokens} tokens for {lm.name}, and a "
            "dictionary needs at least 10: give another source, or shorter windows."
        )
    seen: list[Tensor] = []

    def note(_module, _inputs, out) -> None:
        seen.append((out if isinstance(out, Tensor) else out[0])[:, 1:].clone())

    hook = lm.bridge.blocks[recipe.block - 1].register_forward_hook(note)
    try:
        with torch.no_grad():
            for part in bar(torch.stack(found).split(256), "activations", unit="part"):
                lm.bridge.original_model(part, use_cache=False)
    finally:
        hook.remove()
    x = torch.cat(seen)
    kept = round(len(x) * HELD_OUT)
    return x[kept:].flatten(0, 1), x[:kept].flatten(0, 1)


def train(x: Tensor, recipe: Recipe) -> Dictionary:
    """A dictionary of activations ``(n, d)``; squared error, k features at a time."""
    generator = torch.Generator().manual_seed(recipe.seed)
    mean, spread = x.mean(0), (x - x.mean(0)).square().sum(-1).mean().sqrt()
    chosen = torch.randperm(len(x), generator=generator)[: recipe.features]
    start = (x[chosen] - mean) / (x[chosen] - mean).norm(dim=-1, keepdim=True)
    start = start + 0.01 * torch.randn(start.shape, generator=generator).to(x)
    start = start / start.norm(dim=-1, keepdim=True)
    # In units of the spread of x, so that one rate suits every model.
    W_dec, W_enc = start.clone().requires_grad_(), start.T.clone().requires_grad_()
    b_enc = torch.zeros(len(start)).to(x).requires_grad_()
    b_dec = torch.zeros_like(mean).requires_grad_()
    adam = torch.optim.Adam([W_enc, b_enc, W_dec, b_dec], lr=recipe.rate, betas=(0.9, 0.99))
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, recipe.steps)
    for _ in bar(range(recipe.steps), "dictionary", unit="step"):
        rows = torch.randint(len(x), (recipe.batch,), generator=generator)
        some = (x[rows] - mean) / spread
        now = Dictionary(W_enc=W_enc, b_enc=b_enc, W_dec=W_dec, b_dec=b_dec, k=recipe.active)
        loss = (some - now.decode(now.encode(some))).square().sum(-1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        fall.step()
        with torch.no_grad():
            W_dec /= W_dec.norm(dim=-1, keepdim=True)
    parts = {
        "W_enc": W_enc,
        "b_enc": b_enc * spread,
        "W_dec": W_dec,
        "b_dec": mean + spread * b_dec,
    }
    parts = {name: value.detach() for name, value in parts.items()}
    facts = {"kind": f"trained here, {recipe.steps} steps, seed {recipe.seed}"}
    return Dictionary(**parts, k=recipe.active, block=recipe.block, provenance=facts)


def text(lm: LanguageModel) -> str:
    """The text that a dictionary is trained on: stories of the laboratory language for a model that
    speaks it, else the model's own samples, of which there is always enough.
    """
    return sources.GRAMMAR if sources.speaks_grammar(lm) else sources.SAMPLES


def export(found: Dictionary, folder: Path, model: str, facts: dict[str, str]) -> None:
    """Files in SAELens' format, in half precision, and a card."""
    config = {
        "architecture": "topk",
        "k": found.k,
        "d_in": found.W_enc.shape[0],
        "d_sae": found.features,
        "dtype": "float16",
        "model_name": model,
        "hook_name": f"blocks.{found.block}.hook_resid_pre",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
    }
    halves = {name: getattr(found, name).half().contiguous().cpu() for name in NAMES}
    write_bytes(save(halves), folder / WEIGHTS)
    listed = "\n".join(f"- **{name}:** {value}." for name, value in facts.items())
    card = (
        f"# A sparse dictionary of {model}\n\nA TopK autoencoder of the activations that enter "
        f"block {found.block} of {model}, trained for this book.\n\n{listed}\n"
    )
    write_bytes(card.encode(), folder / "README.md")
    write_json(config, folder / CONFIG)


def main() -> None:
    """``python -m plateaus.training.dictionary MODEL --out FOLDER``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model")
    parser.add_argument("--out", required=True, help="the folder to write")
    given, recipe, begun = parser.parse_args(), Recipe(), monotonic()
    lm = load(given.model, device="cpu")
    goes_to(given.out)
    source = text(lm)
    seen, held_out = activations(lm, recipe, source)
    found = train(seen, recipe)
    dead = int((found.encode(held_out).amax(0) == 0).sum())
    facts = {
        "Features": f"{found.features}, {found.k} active at most; {dead} are active nowhere in the "
        "text that was held out",
        "Text": f"{source}, {len(seen):,} activations; {len(held_out):,} more were held out",
        "Explained variance": f"{found.explained(held_out):.3f} of the text held out, with "
        f"{found.active(held_out):.1f} active features",
        "Recipe": f"Adam, rate {recipe.rate:g} with a cosine to zero, {recipe.steps:,} steps of "
        f"{recipe.batch:,}, seed {recipe.seed}",
        "Cost": f"{(monotonic() - begun) / 60:.1f} minutes on a CPU",
        "Made by": f"`python -m plateaus.training.dictionary {lm.name} --out "
        f"book/dictionaries/{lm.name}`",
    }
    export(found, Path(given.out), lm.name, facts)
    print(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
