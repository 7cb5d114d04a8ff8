"""Prompts that cannot be: each is answered in one sentence that says what was given, what is
accepted and what to do, and nothing hangs.
"""

from __future__ import annotations

import lzma
import re

import pytest
import torch

import plateaus as pl
from plateaus.data import prompts, sources
from plateaus.errors import BadParameter, BadPrompt, PlateauError


def unrelated(**given):
    return lambda lm: prompts.unrelated(lm, **{"count": 2, "tokens": 5, **given})


def shared(**given):
    return lambda lm: prompts.sharing_context(lm, **{"count": 2, "tokens": 5, **given})


def both(**given):
    return lambda lm: prompts.by_meaning(lm, **{"count": 2, "tokens": 5, **given})


def pair(*given, **more):
    return lambda lm: prompts.pair(lm, *given, **more)


LONG = " ".join(["w5"] * 64)
CASES = {
    "no pairs": (unrelated(count=0), "count must be a whole number from 1 to 1000000; given: 0"),
    "fewer than none": (unrelated(count=-3), "given: -3"),
    "half a pair": (unrelated(count=1.5), "given: 1.5"),
    "count as text": (unrelated(count="5"), "given: '5'"),
    "count yes": (unrelated(count=True), "given: True"),
    "count nothing": (unrelated(count=None), "given: None"),
    "count nan": (unrelated(count=float("nan")), "given: nan"),
    "count of many": (unrelated(count=10**30), "count must be a whole number"),
    "no tokens": (unrelated(tokens=0), "tokens must be a whole number from 1"),
    "minus tokens": (unrelated(tokens=-1), "given: -1"),
    "tokens as text": (unrelated(tokens="ten"), "given: 'ten'"),
    "tokens beyond the context": (unrelated(tokens=65), "does not fit the 64 positions"),
    "tokens far beyond it": (unrelated(tokens=10**6), "1000000 tokens does not fit"),
    "no room for BOS": (unrelated(tokens=64, bos=True), "65 tokens does not fit"),
    "no room for the lead": (unrelated(lead=60), "shorten the lead"),
    "lead below zero": (unrelated(lead=-1), "lead must be a whole number"),
    "seed below zero": (unrelated(seed=-1), "seed must be a whole number"),
    "seed as text": (unrelated(seed="0"), "given: '0'"),
    "seed of 23 digits": (unrelated(seed=10**22), "seed must be a whole number"),
    "no source": (unrelated(source=""), "source must be a text that is not empty"),
    "source none": (unrelated(source=None), "given: None"),
    "source misspelt": (unrelated(source="gramar"), '"samples", "book" or a directory'),
    "grammar of another": (unrelated(source="grammar"), "does not speak the laboratory language"),
    "samples without a word": (unrelated(start=" "), "which has no token"),
    "start unknown": (unrelated(start="zebra"), "no token for part of 'zebra'"),
    "bos as text": (unrelated(bos="yes"), "bos must be one of True, False, None; given: 'yes'"),
    "bos as number": (unrelated(bos=1), "given: 1"),
    "book of unknown words": (unrelated(source="book"), "book yields 0 pairs of unrelated prompts"),
    "shared, no pairs": (shared(count=0), "count must be a whole number"),
    "shared, one token": (shared(tokens=1), "tokens must be a whole number from 2"),
    "shared, too long": (shared(tokens=65), "does not fit"),
    "meaning misspelt": (shared(meaning="same"), "'different', 'similar'; given: 'same'"),
    "meaning none": (shared(meaning=None), "meaning must be one of"),
    "possible zero": (shared(possible=0), "above 0; given: 0"),
    "possible too much": (shared(possible=0.6), "given: 0.6"),
    "possible as text": (shared(possible="2%"), "given: '2%'"),
    "possible nan": (shared(possible=float("nan")), "given: nan"),
    "nothing is likely": (shared(), "yields 0 pairs of last words of different meaning"),
    "both, no pairs": (both(count=0), "count must be a whole number"),
    "both, too long": (both(tokens=99), "does not fit"),
    "no context": (pair("", " w5", " w6"), "context must be a text that is not empty"),
    "context none": (pair(None, " w5", " w6"), "given: None"),
    "last word missing": (pair("w3", "", " w6"), "last_a must be a text"),
    "last word a list": (pair("w3", " w5", [" w6"]), "last_b must be a text"),
    "last words equal": (pair("w3", " w5", " w5"), "the same token"),
    "two words": (pair("w3", " w5 w6", " w7"), "is 2 tokens"),
    "unknown word": (pair("w3", " zebra", " w7"), "no token for part of"),
    "unknown context": (pair("zebra", " w5", " w7"), "no token for part of"),
    "context too long": (pair(LONG, " w5", " w7"), "does not fit the 64 positions"),
    "pair with bos text": (pair("w3", " w5", " w6", bos="<s>"), "bos must be one of"),
    "name unknown": (lambda lm: prompts.named(lm, ["D4"]), "given: ['D4']"),
    "one name as text": (lambda lm: prompts.named(lm, "D1"), 'names must be a list'),
    "names none": (lambda lm: prompts.named(lm, None), "given: None"),
    "name of a model": (lambda lm: prompts.unrelated("prose-12l", 2), 'plateaus.load("prose-12l")'),
    "no model": (lambda lm: prompts.named(None), "given: None"),
    "a network": (lambda lm: prompts.sharing_context(lm.at("w5"), 2), "made for a language model"),
}  # fmt: skip


def one_sentence(error: PlateauError) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and 30 < len(text) < 400


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_is_answered_in_one_sentence(case, gpt2_lm):
    ask, words = CASES[case]
    with pytest.raises((BadParameter, BadPrompt), match=re.escape(words)) as raised:
        ask(gpt2_lm)
    assert one_sentence(raised.value), str(raised.value)


def test_there_are_enough_of_them():
    assert len(CASES) >= 40


@pytest.mark.parametrize(
    "kind", ["empty", "missing", "not UTF-8", "not xz", "cut off", "too short"]
)
def test_text_that_cannot_be_read(kind, gpt2_lm, tmp_path):
    whole = lzma.compress(("w5 w6 w7 " * 9000).encode())
    files = {
        "not UTF-8": ("val.txt", b"\xff\xfe\x00 w5 " * 9000),
        "not xz": ("val.txt.xz", b"w5 w6 " * 9000),
        "cut off": ("val.txt.xz", whole[: len(whole) // 2]),
        "too short": ("val.txt", b"w5 w6"),
    }
    if kind in files:
        (tmp_path / files[kind][0]).write_bytes(files[kind][1])
    folder = tmp_path / "nothing" if kind == "missing" else tmp_path
    with pytest.raises((BadParameter, BadPrompt)) as raised:
        prompts.unrelated(gpt2_lm, 2, tokens=5, source=str(folder))
    assert one_sentence(raised.value), str(raised.value)
    assert str(folder) in str(raised.value)


def test_a_meaning_that_is_missing_keeps_its_reason(gpt2_lm):
    found, missing = prompts.by_meaning(gpt2_lm, 2, tokens=5)
    assert not found and set(missing) == {"different", "similar"}
    assert all("0.02 or more" in reason and reason.endswith(".") for reason in missing.values())
    served, skipped = prompts.named(gpt2_lm)
    assert not served and set(skipped) == set(prompts.NAMED)
    assert all("no token" in reason for reason in skipped.values())


def test_the_check_sees_a_sentence_that_is_none():
    assert not one_sentence(BadPrompt("no")) and not one_sentence(BadPrompt("Two\nlines" * 9))


def test_a_context_that_merges_with_its_word_is_refused(gpt2_lm):
    import copy

    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    letters = Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2, "c": 3}, [("a", "b")]))
    lm = copy.copy(gpt2_lm)
    object.__setattr__(lm, "tokenizer", PreTrainedTokenizerFast(tokenizer_object=letters))
    with pytest.raises(BadPrompt, match="differently from its prefix"):
        prompts.pair(lm, "ba", "b", "c")
    assert prompts.pair(lm, "ba", "a", "c").a.tolist() == [[1, 0, 0]]


def test_the_longest_prompt_is_served(gpt2_lm):
    pairs = prompts.unrelated(gpt2_lm, 2, tokens=63)  # one position is the sample's beginning
    assert pairs.a.shape == (2, 63)
    assert sources.context(gpt2_lm) == 64
    assert torch.isfinite(gpt2_lm.clean_run(pairs.a)[1]).all()
    assert pl.errors.BadPrompt is BadPrompt
