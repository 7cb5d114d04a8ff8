"""Pairs of prompts: any number of unrelated ones, and pairs that share all but the last word and
mean different or similar things. The published pairs are in ``published``.
"""

from __future__ import annotations

from itertools import islice

import torch
from torch import Tensor

from plateaus.data import sources
from plateaus.data.meaning import (
    AT_ONCE,
    DIFFERENT,
    MEANINGS,
    POSSIBLE,
    in_grammar,
    in_model,
)
from plateaus.data.pairs import Pairs
from plateaus.data.published import DISSIMILAR, HOUSE, NAMED, SIMILAR, named, pair
from plateaus.data.sources import AUTO, GRAMMAR, speaks_grammar
from plateaus.errors import BadPrompt
from plateaus.networks.language_model import LanguageModel
from plateaus.rules import listing, one_of, real, text, whole

__all__ = [
    "DISSIMILAR", "HOUSE", "NAMED", "SIMILAR", "Pairs", "begun", "by_meaning", "named", "pair",
    "sharing_context", "speaks_grammar", "unrelated",
]  # fmt: skip

TRIES = 40
"""Windows that are looked at for each pair wanted, before a source counts as exhausted."""
MANY = 1_000_000


def unrelated(
    lm: LanguageModel,
    count: int,
    *,
    tokens: int = 10,
    seed: int = 0,
    source: str = AUTO,
    bos: bool | None = None,
    start: str = AUTO,
    lead: int | None = None,
) -> Pairs:
    """Pairs of unrelated prompts of ``tokens`` tokens (Janiak et al.: 1,000 pairs of 10).

    Args:
        source: "grammar" (beginnings of stories of the laboratory language), "samples" (the
            model's own text), "book" (passages of English prose that ship with the package), a
            directory of text, or "auto": the grammar for a model that speaks it, else the book if
            the tokeniser knows its words, else samples. The default needs neither a corpus nor a
            network, and does not depend on what lies on this machine.
        bos: whether the token that starts a document is put before every prompt, where it counts
            as no token of the prompt; None: as the tokeniser was published to begin a text.
        start, lead: how samples begin, see ``sources.samples``.

    Raises:
        BadParameter, BadPrompt: an argument that cannot be; a source that yields too few prompts.
    """
    source = _checked(lm, count, tokens, 1, seed, source, bos, lead)
    how = {"source": source, "seed": seed, "start": start, "lead": lead}
    found = sources.windows(lm, tokens, **how, most=TRIES * count)
    drawn = list(islice(found, 2 * count))
    a, b = drawn[:count], drawn[count:]
    for k in range(len(b)):
        # A pair of equal prompts has no path between its ends: another B is drawn for it.
        if torch.equal(a[k], b[k]):
            b[k] = next((w for w in found if not torch.equal(w, a[k])), None)
    pairs = [(x, y) for x, y in zip(a, b, strict=False) if y is not None]
    if len(pairs) < count:
        what = f"pairs of unrelated prompts of {tokens} tokens"
        raise BadPrompt(_few(lm, source, len(pairs), count, what))
    return _pairs(lm, pairs, bos, source)


def sharing_context(
    lm: LanguageModel,
    count: int,
    *,
    tokens: int = 10,
    seed: int = 0,
    source: str = AUTO,
    meaning: str = DIFFERENT,
    possible: float = POSSIBLE,
    bos: bool | None = None,
    start: str = AUTO,
    lead: int | None = None,
) -> Pairs:
    """Pairs that share every token but the last, both of whose last words are possible there.

    A word is possible if its probability is at least ``possible``: the true one after the beginning
    of a story of the laboratory language, and the model's own elsewhere. So alpha = 1 is the clean
    run of B, which unrelated prompts cannot give.

    Args:
        meaning: "different" or "similar". In the laboratory language similar words have *one*
            meaning, which is a fact of the grammar, and different ones have true predictions of the
            next word that lie at least ``meaning.APART`` (root Jensen-Shannon divergence) apart.
            Elsewhere the model's own predictions are apart, or closer than ``meaning.CLOSE``.
        tokens, seed, source, bos, start, lead: as for :func:`unrelated`.

    Raises:
        BadParameter, BadPrompt: an argument that cannot be; a source that yields too few pairs.
    """
    source = _checked(lm, count, tokens, 2, seed, source, bos, lead)
    one_of(*MEANINGS).check("meaning", meaning)
    options = {"tokens": tokens, "seed": seed, "source": source, "possible": possible}
    options |= {"bos": bos, "start": start, "lead": lead}
    only = (meaning,)
    return by_meaning(lm, count, meanings=only, needed=only, **options)[0][meaning]


def by_meaning(
    lm: LanguageModel,
    count: int,
    *,
    similar: int | None = None,
    tokens: int = 10,
    seed: int = 0,
    source: str = AUTO,
    possible: float = POSSIBLE,
    bos: bool | None = None,
    start: str = AUTO,
    lead: int | None = None,
    meanings: tuple[str, ...] = MEANINGS,
    needed: tuple[str, ...] = (),
) -> tuple[dict[str, Pairs], dict[str, str]]:
    """``sharing_context`` of both meanings, from the same contexts where these have both; and for a
    meaning of which the source yields too few pairs the reason why it is missing.

    Args:
        similar: how many pairs of similar meaning, which are rarer; by default ``count``.

    Raises:
        BadParameter, BadPrompt: an argument that cannot be; too few pairs of a ``needed`` meaning.
    """
    source = _checked(lm, count, tokens, 2, seed, source, bos, lead)
    real(above=0, hi=0.5).check("possible", possible)
    listing(one_of(*MEANINGS)).check("meanings", meanings)
    listing(one_of(*MEANINGS), at_least=0).check("needed", needed)
    counts = dict.fromkeys(meanings, count)
    if similar is not None:
        counts["similar"] = whole(1, MANY).check("similar", similar)
    generators = {m: torch.Generator().manual_seed(seed) for m in meanings}
    pairs: dict[str, list[tuple[Tensor, Tensor]]] = {m: [] for m in meanings}
    how = {"source": source, "seed": seed, "start": start, "lead": lead}
    contexts = sources.windows(lm, tokens - 1, **how, most=TRIES * count)
    judge = in_grammar if source == GRAMMAR else in_model
    while some := list(islice(contexts, AT_ONCE)):
        for context, ends in zip(
            some, judge(lm, torch.stack(some), generators, possible), strict=True
        ):
            for m, last in ends.items():
                if last:
                    pairs[m].append(
                        tuple(torch.cat([context, context.new_tensor([k])]) for k in last)
                    )
        generators = {m: g for m, g in generators.items() if len(pairs[m]) < counts[m]}
        if not generators:
            break
    what = "pairs of last words of {} meaning, each of probability {:g} or more,"
    missing = {
        m: _few(lm, source, len(p), counts[m], what.format(m, possible))
        for m, p in pairs.items()
        if len(p) < counts[m]
    }
    for m in needed:
        if m in missing:
            raise BadPrompt(missing[m])
    found = {m: p[: counts[m]] for m, p in pairs.items() if m not in missing}
    return {m: _pairs(lm, p, bos, f"{source}, {m} meaning") for m, p in found.items()}, missing


def begun(lm: LanguageModel, pairs: Pairs, *, bos: bool) -> Pairs:
    """The same pairs with the token that starts a document before every prompt, or without it.

    Raises:
        BadPrompt: the tokeniser has no such token.
    """
    sources.served(lm)
    one_of(True, False).check("bos", bos)
    start, a, b = sources.first(lm, True), pairs.a, pairs.b
    if bool((a[:, :1] == start).all() and (b[:, :1] == start).all()):
        a, b = a[:, 1:], b[:, 1:]
    if bos:
        sources.fits(lm, a.shape[1] + 1)
        a, b = (torch.cat([start.to(x).expand(len(x), -1), x], dim=1) for x in (a, b))
    return Pairs(a=a, b=b, labels=pairs.labels, source=pairs.source)


def _checked(
    lm: LanguageModel,
    count: int,
    tokens: int,
    least: int,
    seed: int,
    source: str,
    bos: bool | None,
    lead: int | None,
) -> str:
    """What stands for "auto", after every other argument was found possible."""
    sources.served(lm)
    whole(1, MANY).check("count", count)
    whole(least, MANY).check("tokens", tokens)
    whole(0, 2**62).check("seed", seed)
    text().check("source", source)
    one_of(True, False, None).check("bos", bos)
    if lead is not None:
        whole(0, MANY).check("lead", lead)
    sources.fits(lm, len(sources.first(lm, bos)) + tokens)
    return sources.resolved(lm, source)


def _pairs(
    lm: LanguageModel, pairs: list[tuple[Tensor, Tensor]], bos: bool | None, source: str
) -> Pairs:
    a, b = (torch.stack(side) for side in zip(*pairs, strict=True))
    first = sources.first(lm, bos).expand(len(a), -1)
    return Pairs(
        a=torch.cat([first, a], dim=1),
        b=torch.cat([first, b], dim=1),
        labels=tuple(f"pair {i}" for i in range(len(pairs))),
        source=source + (", with BOS" if bos else ""),
    )


def _few(lm: LanguageModel, source: str, found: int, wanted: int, what: str) -> str:
    return (
        f"{source} yields {found} {what} for {lm.name}, and {wanted} are needed: ask for fewer "
        "pairs, or give another source."
    )
