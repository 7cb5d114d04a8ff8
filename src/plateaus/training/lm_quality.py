"""How good a language model is: held-out loss against two baselines, distance to the truth,
copying, samples.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from plateaus.data.derivation import Reader
from plateaus.data.facts import END
from plateaus.data.lexicon import COLOURS
from plateaus.training.lm import Windows
from plateaus.training.lm_settings import Settings

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


class TrigramModel:
    """Interpolated 3-gram model (Witten–Bell): each order trusts its counts as much as it has seen
    few different followers.

    P(w | h) = (c(h w) + t(h) P(w | h')) / (c(h) + t(h)), where t(h) is the number of different
    words seen after h and h' is h without its first word; the last resort is uniform.
    """

    def __init__(self, tokens: np.ndarray, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        ids = tokens.astype(np.int64)
        self.tables = []
        for order in (1, 2, 3):
            grams = self._key([ids[i : len(ids) - order + 1 + i] for i in range(order)])
            keys, counts = np.unique(grams, return_counts=True)
            history, first = np.unique(keys // vocabulary, return_index=True)
            totals, types = np.add.reduceat(counts, first), np.diff(np.append(first, len(keys)))
            self.tables.append((keys, counts, history, totals, types))

    def _key(self, columns: list[np.ndarray]) -> np.ndarray:
        key = np.zeros_like(columns[0])
        for column in columns:
            key = key * self.vocabulary + column
        return key

    def probability(self, columns: list[np.ndarray]) -> np.ndarray:
        """P of the last column after the others (at most two), elementwise."""
        if not columns:
            raise ValueError("at least the predicted word is needed")
        lower = (
            np.full(len(columns[0]), 1 / self.vocabulary)
            if len(columns) == 1
            else self.probability(columns[1:])
        )
        keys, counts, history, totals, types = self.tables[len(columns) - 1]
        gram = self._key(columns)
        count = _lookup(keys, counts, gram)
        total, kinds = (
            _lookup(history, totals, gram // self.vocabulary),
            _lookup(history, types, gram // self.vocabulary),
        )
        return np.where(total > 0, (count + kinds * lower) / np.maximum(total + kinds, 1), lower)

    def loss(self, rows: np.ndarray) -> float:
        """Mean nats per token over rows of shape (n, context + 1), predicting all but the first
        column.
        """
        rows = rows.astype(np.int64)
        logs = [np.log(self.probability([rows[:, 0], rows[:, 1]]))]
        logs += [
            np.log(self.probability([rows[:, i - 2], rows[:, i - 1], rows[:, i]]))
            for i in range(2, rows.shape[1])
        ]
        return -float(np.mean(logs))


def _lookup(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)


@torch.no_grad()
def quality(
    s: Settings,
    model: PreTrainedModel,
    untrained: PreTrainedModel,
    held_out: Windows,
    train_file: Path,
    tokenizer: Tokenizer,
    meta: dict,
    windows: int = 256,
) -> dict:
    """Losses in nats per token on the same held-out windows, and for prose in bits per byte."""
    batches = [held_out(i) for i in range(max(1, windows // s.batch))]
    rows = np.concatenate([torch.cat([x, y[:, -1:]], 1).numpy() for x, y in batches])

    def loss(network: PreTrainedModel) -> float:
        return float(
            np.mean(
                [
                    F.cross_entropy(network(x).logits.flatten(0, 1), y.flatten()).item()
                    for x, y in batches
                ]
            )
        )

    seen = np.memmap(train_file, np.uint16, "r")[
        : s.tokens
    ]  # as much text as the whole schedule sees: twins that stop early share their baseline
    trigram = TrigramModel(seen, meta["vocabulary"])
    out = {
        "tokens_evaluated": int(rows.shape[0] * (rows.shape[1] - 1)),
        "loss": loss(model),
        "loss_step_0": loss(untrained),
        "loss_trigram": trigram.loss(rows),
    }
    if meta["bytes_per_token"]:
        out |= {
            key.replace("loss", "bits_per_byte"): out[key] / math.log(2) / meta["bytes_per_token"]
            for key in list(out)
            if "loss" in key
        }
        half = torch.randint(
            2,
            model.config.vocab_size,
            (32, min(40, s.context // 2)),
            generator=torch.Generator().manual_seed(s.seed),
        )
        passages = torch.from_numpy(rows[:64, : s.context // 2].astype(np.int64))
        out |= {"copying": twice(model, half), "repetition": twice(model, passages)}
    else:
        out |= truth(model, held_out, tokenizer)
    out["samples"] = [
        sample(model, tokenizer, prompt, s, seed) for seed, prompt in enumerate(PROMPTS[s.language])
    ]
    return out


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
    s: Settings,
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
