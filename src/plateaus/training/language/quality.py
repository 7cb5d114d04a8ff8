"""How good a language model is: held-out loss against two baselines, distance to the truth,
copying, samples.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from plateaus.data.derivation import Reader
from plateaus.data.facts import END
from plateaus.data.lexicon import COLOURS
from plateaus.training.language.ngrams import KneserNey
from plateaus.training.language.settings import LanguageSettings
from plateaus.training.language.windows import Windows

PROMPTS = {
    "laboratory": (
        "Anna heard the",
        "Tom had a red ball and a blue hat . Tom had painted the",
        "The house at the end of the street was",
    ),
    "prose": (
        "The house at the end of the street was",
        "She looked at him and said",
        "It was a dark night, and the",
    ),
}


BASELINE = "interpolated modified Kneser-Ney"


@torch.no_grad()
def quality(
    s: LanguageSettings,
    untrained: PreTrainedModel,
    model: PreTrainedModel,
    read: Windows,
    held_out: Windows,
    tokenizer: Tokenizer,
    data: dict[str, Any],
) -> dict[str, Any]:
    """Losses in nats per token on the same held-out windows, and for prose in bits per byte."""
    batches = _batches(held_out)
    out = {
        "tokens_evaluated": sum(y.numel() for _, y in batches),
        "loss": _loss(model, batches),
        "loss_step_0": _loss(untrained, batches),
        **baseline(trigram(read, data), held_out, data),
    }
    if data["bytes_per_token"]:
        out |= _per_byte(out, data)
        half = torch.randint(
            2,
            model.config.vocab_size,
            (32, min(40, s.context // 2)),
            generator=torch.Generator().manual_seed(s.seed),
        )
        passages = torch.cat([x for x, _ in batches])[:64, : s.context // 2]
        out |= {"copying": twice(model, half), "repetition": twice(model, passages)}
    else:
        out |= truth(model, held_out, tokenizer)
    out["samples"] = [
        sample(model, tokenizer, prompt, s, seed) for seed, prompt in enumerate(PROMPTS[s.language])
    ]
    return out


def trigram(read: Windows, data: dict[str, Any]) -> KneserNey:
    """It counts as much text as the whole schedule sees, so that twins that stop early share it."""
    return KneserNey(read.tokens[: read.s.tokens], data["vocabulary"])


def baseline(counted: KneserNey, held_out: Windows, data: dict[str, Any]) -> dict[str, Any]:
    """The loss of the 3-gram model on the same held-out windows."""
    rows = torch.cat([torch.cat([x, y[:, -1:]], 1) for x, y in _batches(held_out)]).numpy()
    out = {"trigram": BASELINE, "loss_trigram": counted.loss(rows)}
    return out | _per_byte(out, data) if data["bytes_per_token"] else out


def _batches(held_out: Windows, windows: int = 256) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [held_out(i) for i in range(max(1, windows // held_out.s.batch))]


def _loss(model: PreTrainedModel, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> float:
    losses = [
        F.cross_entropy(model(x).logits.flatten(0, 1), y.flatten()).item() for x, y in batches
    ]
    return float(np.mean(losses))


def _per_byte(losses: dict[str, Any], data: dict[str, Any]) -> dict[str, float]:
    return {
        name.replace("loss", "bits_per_byte"): nats / math.log(2) / data["bytes_per_token"]
        for name, nats in losses.items()
        if "loss" in name
    }


def truth(
    model: PreTrainedModel, held_out: Windows, tokenizer: Tokenizer, stories: int = 200
) -> dict:
    """Distance to the true next-word distribution at every prefix of held-out stories, nats per
    token.

    ``colour_recall`` is the mean probability of the right colour where only the story's own words
    can tell it.
    """
    ids, entropies, distances, recalled = tokenizer.get_vocab(), [], [], []
    for start in held_out.starts[:stories]:
        story = held_out.tokens[start : start + held_out.s.context].astype(np.int64)
        ends = np.flatnonzero(story == ids[END])
        story = story[: ends[0]] if len(ends) else story
        logs = model(torch.from_numpy(story)[None]).logits[0].log_softmax(-1)
        reader = Reader()
        for position, token in enumerate(story):
            reader = reader.read([tokenizer.id_to_token(int(token))])
            true = reader.next()
            entropies.append(-sum(p * math.log(p) for p in true.values()))
            distances.append(
                sum(
                    p * (math.log(p) - logs[position, ids[word]].item()) for word, p in true.items()
                )
            )
            if len(true) == 1 and next(iter(true)) in COLOURS:
                recalled.append(logs[position, ids[next(iter(true))]].exp().item())
    return {
        "entropy_of_truth": float(np.mean(entropies)),
        "kl_truth_to_model": float(np.mean(distances)),
        "colour_recall": float(np.mean(recalled)) if recalled else None,
        "colours_recalled": len(recalled),
    }


def twice(model: PreTrainedModel, once: torch.Tensor) -> dict:
    """Loss on tokens (n, length), and on the same tokens when they come a second time (induction
    makes the second smaller).
    """
    both = torch.cat([once, once], 1)
    losses = F.cross_entropy(
        model(both).logits[:, :-1].flatten(0, 1), both[:, 1:].flatten(), reduction="none"
    ).view(len(once), -1)
    cut = once.shape[1] - 1
    return {
        "first_time": losses[:, :cut].mean().item(),
        "second_time": losses[:, cut + 1 :].mean().item(),
    }


def sample(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    prompt: str,
    s: LanguageSettings,
    seed: int,
    words: int = 40,
    temperature: float = 0.8,
) -> str:
    """The prompt and up to ``words`` sampled tokens; stops where the text ends."""
    generator = torch.Generator().manual_seed(seed)
    ids = tokenizer.encode(prompt).ids
    for _ in range(words):
        logits = model(torch.tensor([ids[-s.context :]])).logits[0, -1]
        token = int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator))
        if token == 0:
            break
        ids.append(token)
    return tokenizer.decode(ids)
