"""The activations that a dictionary is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from plateaus.data import sources
from plateaus.errors import TrainingError
from plateaus.networks.language_model import LanguageModel
from plateaus.progress import bar
from plateaus.rules import whole
from plateaus.training.dictionary.settings import DictionarySettings

HELD_OUT = 0.1
"""Share of the windows that training does not see."""
STREAM = 1_000_003
"""Added to the seed: another stream of stories than the one that chapters take prompts from."""


@dataclass(frozen=True)
class Activations:
    """What enters a block of a model while it reads, ``(n, d)``."""

    model: str
    source: str
    x: Tensor
    held_out: Tensor
    """Of other windows of the same text."""


def activations(lm: LanguageModel, s: DictionarySettings) -> Activations:
    """What enters block ``s.block`` of ``lm``: on stories of the laboratory language if it speaks
    it, else on the model's own samples, of which there is always enough.

    Raises:
        BadParameter: ``lm`` is no language model, or has no such block.
        TrainingError: the text yields too few windows.
    """
    sources.served(lm)
    whole(1, len(lm) - 1).check("setting block", s.block, f"{lm.name} has {len(lm)} blocks")
    source = sources.GRAMMAR if sources.speaks_grammar(lm) else sources.SAMPLES
    seed = STREAM + s.seed
    found = list(sources.windows(lm, s.tokens, source=source, seed=seed, most=s.windows, lead=None))
    if len(found) < 10:
        raise TrainingError(
            f"{source} yields {len(found)} windows of {s.tokens} tokens for {lm.name}, and a "
            "dictionary needs at least 10: give another source, or shorter windows."
        )
    seen: list[Tensor] = []

    def note(_module, _inputs, out) -> None:
        seen.append((out if isinstance(out, Tensor) else out[0])[:, 1:].clone())

    hook = lm.bridge.blocks[s.block - 1].register_forward_hook(note)
    try:
        with torch.no_grad():
            for part in bar(torch.stack(found).split(256), "activations", unit="part"):
                lm.bridge.original_model(part, use_cache=False)
    finally:
        hook.remove()
    x = torch.cat(seen)
    kept = round(len(x) * HELD_OUT)
    return Activations(lm.name, source, x[kept:].flatten(0, 1), x[:kept].flatten(0, 1))
