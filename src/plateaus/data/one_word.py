"""Beginnings of stories that end with the same word and mean, by the grammar, the same or something
else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice

import torch
from torch import Tensor

from plateaus.data import sources
from plateaus.data.derivation import Reader
from plateaus.data.meaning import APART, DIFFERENT, SIMILAR, distance, reader_after, same_meaning
from plateaus.data.pairs import Pairs
from plateaus.errors import BadPrompt
from plateaus.networks.language_model import LanguageModel

MOST = 20_000
"""Beginnings that are read before the grammar counts as exhausted; a hundred pairs take about a
tenth of them."""

Told = tuple[Reader, Tensor]
"""The reader after a beginning, and its token ids ``(T,)``."""


def same_last_word(
    lm: LanguageModel, count: int, *, tokens: int = 10, seed: int = 0
) -> dict[str, Pairs]:
    """``count`` pairs of each meaning; all end with the same word, and pair i of either meaning has
    the same A, so that neither the last word nor A tells the meanings apart.

    "similar" is *one* meaning for ever; after "different" the true predictions of the next word lie
    at least ``meaning.APART`` apart.

    Raises:
        BadPrompt: a model that does not speak the grammar, or too few pairs among ``MOST``
            beginnings.
    """
    if not sources.speaks_grammar(lm):
        raise BadPrompt(
            f"{lm.name} does not speak the laboratory language, and what two prompts mean is a "
            "fact only there: give one of the laboratory models."
        )
    sources.fits(lm, tokens)
    found = list(islice(_threes(lm, tokens, seed, MOST), count))
    if len(found) < count:
        raise BadPrompt(
            f"{MOST} beginnings of stories of {tokens} words yield {len(found)} pairs of "
            f"one meaning that end with the same word, and {count} are needed: ask for fewer "
            "pairs, or other tokens."
        )
    a, same, other = (torch.stack(side) for side in zip(*found, strict=True))
    labels = tuple(f"pair {i}" for i in range(count))
    return {
        kind: Pairs(a=a, b=b, labels=labels, source=f"grammar, {kind} meaning, same last word")
        for kind, b in ((DIFFERENT, other), (SIMILAR, same))
    }


def _threes(
    lm: LanguageModel, tokens: int, seed: int, most: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Three beginnings that end with one word: the second means what the first means, the third
    does not. The first two stand in no other three.
    """
    known: set[tuple[str, ...]] = set()
    truth = cache(Reader.next)
    alike: dict[tuple[str, frozenset], list[Told]] = {}
    ending: dict[str, list[Told]] = {}
    for ids in sources.windows(lm, tokens, source=sources.GRAMMAR, seed=seed, most=most):
        words = tuple(lm.tokenizer.decode(ids).split())
        if words in known:
            continue
        known.add(words)
        told = reader_after(words), ids
        waiting = alike.setdefault((words[-1], frozenset(told[0].belief)), [])
        partner = next((w for w in waiting if same_meaning(w[0], told[0])), None)
        if partner is None:
            waiting.append(told)
        else:
            p = truth(partner[0])
            apart = (o for o in ending[words[-1]] if distance(p, truth(o[0])) >= APART)
            if other := next(apart, None):
                waiting.remove(partner)
                ending[words[-1]].remove(other)
                yield partner[1], ids, other[1]
        ending.setdefault(words[-1], []).append(told)
