"""Where prompts come from: windows of tokens from the laboratory language, from the model itself,
from a directory of text, or from the book that ships with this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plateaus.data.derivation import story
from plateaus.data.facts import UNKNOWN
from plateaus.data.texts import book, directory, stories
from plateaus.errors import BadParameter, BadPrompt
from plateaus.networks.language_model import LanguageModel

AUTO, GRAMMAR, SAMPLES, BOOK = "auto", "grammar", "samples", "book"
LEAD = 16
"""Tokens of a sample before the window, so that prompts are not all first words of documents."""
_MEANT: ContextVar[str] = ContextVar("what auto means", default=AUTO)


@contextmanager
def auto_means(source: str) -> Iterator[None]:
    """Within it "auto" is this source, for every model: how a whole chapter is run on others."""
    before = _MEANT.set(source)
    try:
        yield
    finally:
        _MEANT.reset(before)


def resolved(lm: LanguageModel, source: str) -> str:
    """The source that "auto" means: the grammar for a model that speaks it, the book for one whose
    tokeniser knows all of its first words, else the model's samples.
    """
    source = _MEANT.get() if source == AUTO else source
    if source != AUTO:
        return source
    if speaks_grammar(lm):
        return GRAMMAR
    read = lm.tokenizer.encode(" ".join(islice(book(0), 20)), add_special_tokens=False)
    # What a tokeniser does not know it drops, or marks with one of its special tokens.
    return BOOK if read and not {*read} & {*lm.tokenizer.all_special_ids} else SAMPLES


def windows(
    lm: LanguageModel,
    tokens: int,
    *,
    source: str,
    seed: int = 0,
    start: str = AUTO,
    lead: int | None = None,
    most: int,
) -> Iterator[Tensor]:
    """Windows of ``(tokens,)`` ids, each from another place of the source.

    None holds a special token: what follows an end of text is another text, and a word that the
    tokeniser does not know says nothing.

    Args:
        source: "grammar", "samples", "book", or a directory (or file) of text.
        start, lead: of samples, see :func:`samples`.
        most: how many are looked at; a source may have fewer, and few that are fit to use.
    """
    special = torch.tensor(sorted(lm.tokenizer.all_special_ids), device=lm.device)
    if source == SAMPLES:
        found = samples(lm, tokens, seed=seed, start=start, lead=lead)
    else:
        texts = {GRAMMAR: stories, BOOK: book}.get(source, lambda s: directory(Path(source), s))
        if source == GRAMMAR and not speaks_grammar(lm):
            raise BadParameter(
                f"{lm.name} does not speak the laboratory language, so its prompts cannot come "
                'from the "grammar": give "samples", "book" or a directory of text.'
            )
        encoded = (lm.tokenizer.encode(t, add_special_tokens=False) for t in texts(seed))
        found = (
            torch.tensor(ids[:tokens], device=lm.device) for ids in encoded if len(ids) >= tokens
        )
    return (ids for ids in islice(found, most) if not torch.isin(ids, special).any())


def speaks_grammar(lm: LanguageModel) -> bool:
    """Whether the tokeniser is the laboratory language's: its mark for unknown words, and every
    word of some stories.
    """
    words = {word for i in range(20) for word in story(i)}
    return lm.tokenizer.unk_token == UNKNOWN and words <= set(lm.tokenizer.get_vocab())


def beginning(lm: LanguageModel, start: str = AUTO) -> Tensor:
    """Token ids with which a sample of the model's own text starts, ``(k,)``.

    Args:
        start: "auto" for the token that starts a document (see ``Tokens.begin``); any other text
            stands for itself.

    Raises:
        BadPrompt: the tokeniser has no such token, or the text is none of this model's.
    """
    ids = [lm.tokens.begin()] if start == AUTO else lm.tokens.ids(start)
    if not ids:
        raise BadPrompt(
            f"Samples of {lm.name} cannot start with the text {start!r}, which has no token: give "
            'a token such as "<|endoftext|>", or "auto".'
        )
    return torch.tensor(ids, device=lm.device)


def first(lm: LanguageModel, bos: bool | None) -> Tensor:
    """What stands before the tokens of a prompt ``(k,)``: what starts a document, or nothing.

    None: as the tokeniser was published to begin a text.
    """
    wanted = lm.tokens.begins if bos is None else bos
    return torch.tensor([lm.tokens.begin()] if wanted else [], dtype=torch.long, device=lm.device)


def samples(
    lm: LanguageModel,
    tokens: int,
    *,
    seed: int = 0,
    start: str = AUTO,
    lead: int | None = None,
    at_once: int = 256,
) -> Iterator[Tensor]:
    """The model's own text, sampled at temperature 1 from the start of a text; endless.

    Args:
        start: what a sample starts with, see :func:`beginning`; it is no part of the window.
        lead: tokens dropped between the start and the window; by default none for the laboratory
            language, whose prompts are beginnings of stories, and else ``LEAD``, or what the
            model's context leaves room for.
    """
    first = beginning(lm, start)
    room = context(lm) - len(first) - tokens
    if lead is None:
        lead = 0 if speaks_grammar(lm) else max(0, min(LEAD, room))
    if lead > room:
        raise BadPrompt(
            f"A sample of {len(first)} + {lead} + {tokens} tokens (start, lead, prompt) does not "
            f"fit the {context(lm)} positions of {lm.name}: shorten the lead or the prompt."
        )
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from _sample(lm, first.expand(at_once, -1), lead + tokens, generator)[:, -tokens:]


def _sample(lm: LanguageModel, ids: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """``count`` more tokens for each row of ids ``(n, k)``, one step at a time with the cache."""
    model, cache, last = lm.bridge.original_model, None, ids
    with torch.no_grad():
        for _ in range(count):
            out = model(last, past_key_values=cache, use_cache=True)
            cache, p = out.past_key_values, out.logits[:, -1].double().softmax(-1).cumsum(-1).cpu()
            chance = torch.rand(len(p), 1, generator=generator, dtype=p.dtype)
            last = torch.searchsorted(p, chance * p[:, -1:], right=True).to(ids.device)
            ids = torch.cat([ids, last], dim=1)
    return ids


def served(lm: Any) -> None:
    """Refuse what is no language model."""
    if not isinstance(lm, LanguageModel):
        shown = repr(lm) if len(repr(lm)) <= 60 else type(lm).__name__
        raise BadParameter(
            f"Prompts are made for a language model, given: {shown}: load one with "
            'plateaus.load("prose-12l").'
        )


def fits(lm: LanguageModel, tokens: int) -> None:
    """Refuse a prompt that is longer than what the model can read."""
    if tokens > context(lm):
        raise BadPrompt(
            f"A prompt of {tokens} tokens does not fit the {context(lm)} positions of {lm.name}: "
            "shorten it."
        )


def context(lm: LanguageModel) -> int:
    """Positions of the longest prompt that the model can read."""
    return lm.positions or 2**31 - 1
