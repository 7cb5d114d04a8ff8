"""Words that can follow one context, and which of them mean the same there.

In the laboratory language both are facts: the grammar gives the true probability of every next
word, and two words have *one meaning* if the same stories go on after them for ever, with the same
probabilities. For any other model its own predictions stand in for the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from plateaus.data.derivation import Reader
from plateaus.networks.language_model import LanguageModel

DIFFERENT, SIMILAR = "different", "similar"
MEANINGS = (DIFFERENT, SIMILAR)
POSSIBLE = 0.02
"""A word is possible if its probability is at least this."""
APART, CLOSE = 0.6, 0.3
"""Root Jensen-Shannon divergence [√nats, at most 0.833] between what is predicted after two words:
at least the first for different meanings, at most the second for similar ones."""
CHOICES = 8
"""Words of one context that are compared, the most probable ones."""
AT_ONCE = 32
"""Contexts whose predictions are held together."""

Ends = dict[str, tuple[int, int] | None]
"""For each meaning the token ids of two words that can end a context, or None."""
Generators = Mapping[str, torch.Generator]
"""For each meaning that is wanted, what its words are drawn with."""


def in_grammar(
    lm: LanguageModel, contexts: Tensor, generators: Generators, possible: float
) -> Iterator[Ends]:
    """Two possible next words of the laboratory language after each of ``(n, T)`` beginnings of
    stories.

    "similar" is one meaning for ever; "different" is true predictions of the next word that lie
    apart. What lies between (the same next word, another story) is neither.
    """
    for context in contexts:
        branches = reader_after(tuple(lm.tokenizer.decode(context).split())).branches(possible)
        words = sorted(branches, key=lambda word: (-branches[word][0], word))[:CHOICES]
        p, after = zip(*(branches[word] for word in words), strict=True) if words else ((), ())
        truth = cache(lambda k, after=after: after[k].next())
        fits = {
            SIMILAR: lambda u, v, after=after: same_meaning(after[u], after[v]),
            DIFFERENT: lambda u, v, truth=truth: distance(truth(u), truth(v)) >= APART,
        }
        drawn = {m: _draw(p, fits[m], g) for m, g in generators.items()}
        yield {m: two and tuple(int(lm.ids(words[k])[0]) for k in two) for m, two in drawn.items()}


@lru_cache(maxsize=16_384)
def reader_after(words: tuple[str, ...]) -> Reader:
    """The reader after a prefix; most stories share their first words with others."""
    return reader_after(words[:-1]).read(words[-1:]) if words else Reader()


def same_meaning(a: Reader, b: Reader) -> bool:
    """Whether all stories go on after both with the same probabilities: the same posterior over
    unfinished derivations.
    """
    return a.belief.keys() == b.belief.keys() and np.allclose(
        [a.belief[form] for form in a.belief], [b.belief[form] for form in a.belief], atol=1e-12
    )


def in_model(
    lm: LanguageModel, contexts: Tensor, generators: Generators, possible: float
) -> Iterator[Ends]:
    """For each of ``(n, T)`` contexts two words that the model itself finds possible and whose
    predictions are apart or close.
    """
    likely, words = lm.clean_run(contexts)[1].double().softmax(-1).topk(CHOICES)
    longer = torch.cat([contexts[:, None].expand(-1, words.shape[1], -1), words[..., None]], dim=-1)
    after = lm.clean_run(longer.reshape(-1, longer.shape[-1]))[1]
    after = after.double().softmax(-1).reshape(*words.shape, -1)
    for p, word, q in zip(likely.tolist(), words.tolist(), after, strict=True):
        p = [share for share in p if share >= possible]
        fits = {
            SIMILAR: lambda u, v, q=q: root_jsd(q[u], q[v]) <= CLOSE,
            DIFFERENT: lambda u, v, q=q: root_jsd(q[u], q[v]) >= APART,
        }
        drawn = {m: _draw(p, fits[m], g) for m, g in generators.items()}
        yield {m: two and (word[two[0]], word[two[1]]) for m, two in drawn.items()}


def root_jsd(p: Tensor, q: Tensor) -> Tensor:
    """Root Jensen-Shannon divergence of distributions ``(..., V)``, in √nats."""
    entropy = torch.special.entr
    return (entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2).sum(-1).clamp_min(0).sqrt()


def _draw(
    p: Sequence[float], fits: Callable[[int, int], bool], generator: torch.Generator
) -> tuple[int, int] | None:
    """Two different words of probabilities p that fit together, drawn by the product of these.

    The pairs are put in a random order in which they come first with that chance, so that only few
    must be looked at.
    """
    pairs = list(permutations(range(len(p)), 2))
    weights = torch.tensor([p[u] * p[v] for u, v in pairs], dtype=torch.float64)
    order = (torch.empty_like(weights).exponential_(generator=generator) / weights).argsort()
    return next((pairs[k] for k in order.tolist() if fits(*pairs[k])), None)


def distance(p: dict[str, float], q: dict[str, float]) -> float:
    """Root Jensen-Shannon divergence of two distributions of words, in √nats."""
    words = sorted({*p, *q})
    p, q = (torch.tensor([r.get(w, 0.0) for w in words], dtype=torch.float64) for r in (p, q))
    return float(root_jsd(p, q))
