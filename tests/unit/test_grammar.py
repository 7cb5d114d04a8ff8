"""The laboratory language: determinism, agreement, recall, and the exact distribution of the next
word.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter

import pytest

from plateaus.data import lexicon, people
from plateaus.data.corpus import word_tokenizer
from plateaus.data.derivation import (
    START,
    Reader,
    frontier,
    story,
    vocabulary,
    words,
)
from plateaus.data.facts import END, RULES, UNKNOWN, Choice
from plateaus.errors import BadPrompt

STORIES = [story(seed) for seed in range(300)]


def test_a_seed_decides_the_stories():
    assert list(itertools.islice(words(3), 500)) == list(itertools.islice(words(3), 500))
    assert list(itertools.islice(words(3), 500)) != list(itertools.islice(words(4), 500))


def disagreements(told: list[str]) -> int:
    """Pronouns of the wrong gender at the beginning of a sentence, or wrong reflexives of the main
    character.
    """
    who = next((w for w in told if w in lexicon.FEMALE + lexicon.MALE), None)
    wrong = {"He", "His", "himself"} if who in lexicon.FEMALE else {"She", "Her", "herself"}
    return sum(word in wrong for word in told)


def test_pronouns_agree_with_the_main_character(monkeypatch):
    assert sum(map(disagreements, STORIES)) == 0
    assert (
        sum("She" in told or "He" in told for told in STORIES) > 200
    )  # the check has something to look at
    monkeypatch.setattr(people, "female", lambda name: True)  # wrong twin: everybody is "she"
    assert sum(disagreements(story(seed)) for seed in range(50)) > 20


def false_colours(told: list[str]) -> int:
    """Painted things whose recalled colour is not the one that was stated."""
    text = " ".join(told)
    stated = {
        thing: colour
        for colour, thing in re.findall(rf"a ({'|'.join(lexicon.COLOURS)}) (\w+)", text)
    }
    recalled = re.findall(rf"(?:the|The) (\w+) (?:was still )?({'|'.join(lexicon.COLOURS)}) ", text)
    return sum(stated[thing] != colour for thing, colour in recalled if thing in stated)


def test_colours_are_recalled(monkeypatch):
    assert sum(map(false_colours, STORIES)) == 0
    monkeypatch.setitem(
        RULES,
        "$oldthing",
        lambda facts: [
            Choice(1, f"{t} {c}", facts) for t, _ in facts.things for c in lexicon.COLOURS
        ],
    )
    assert sum(false_colours(story(seed)) for seed in range(300)) > 20  # wrong twin: any colour


def test_sums_are_right():
    pattern = re.compile(r"had (\w+) (\w+) and found (\w+) more \. Now \w+ had (\w+) \2")
    value = {word: n for n, word in enumerate(lexicon.NUMBERS, 1)}
    sums = [m for told in STORIES for m in pattern.findall(" ".join(told))]
    assert len(sums) > 50
    assert all(value[a] + value[b] == value[c] for a, _, b, c in sums)
    off_by_one = {
        word: n for n, word in enumerate(lexicon.NUMBERS)
    }  # wrong twin: counting words from zero
    assert not any(off_by_one[a] + off_by_one[b] == off_by_one[c] for a, _, b, c in sums)


@pytest.mark.parametrize(
    "prefix, expected",
    [
        ("Anna heard the dog", {"bark": 0.8, "growl": 0.2}),
        ("Anna heard the hound", {"bark": 0.8, "growl": 0.2}),
        ("Tom had a red ball and a blue hat . Tom had painted the ball", {"red": 1.0}),
    ],
)
def test_known_distributions(prefix, expected):
    true = {word: p for word, p in Reader().read(prefix).next().items() if word not in (".", "and")}
    total = sum(true.values())
    assert {word: p / total for word, p in true.items()} == pytest.approx(expected)


def test_the_distribution_sums_to_one_and_gives_every_story_a_chance():
    for told in STORIES[:40]:
        reader = Reader()
        for word in told:
            true = reader.next()
            assert math.isclose(math.fsum(true.values()), 1.0, rel_tol=1e-9)
            assert true[word] > 0
            reader = reader.read([word])


def chi_square(counts: Counter, true: dict[str, float], n: int) -> float:
    """Pearson's statistic over words expected at least five times, divided by its degrees of
    freedom.
    """
    common = [word for word, p in true.items() if n * p >= 5]
    return sum((counts[w] - n * true[w]) ** 2 / (n * true[w]) for w in common) / max(
        1, len(common) - 1
    )


def test_exact_distribution_equals_frequencies_in_sampled_stories():
    """The sampler and the reader share the rules but not the way to use them."""
    first, after = Counter(), {"She": Counter(), "The": Counter(), "In": Counter()}
    n = 6000
    for seed in range(n):
        told = list(itertools.islice(words(seed), 2))
        first[told[0]] += 1
        if told[0] in after:
            after[told[0]][told[1]] += 1
    true = Reader().next()
    assert chi_square(first, true, n) < 2
    for word in ("The", "In"):
        assert chi_square(after[word], Reader().read(word).next(), after[word].total()) < 2
    uniform = dict.fromkeys(true, 1 / len(true))  # wrong twin: ignore the weights
    assert chi_square(first, uniform, n) > 10


def test_synonyms_have_the_same_future_and_others_do_not():
    river, stream, forest = (
        Reader().read(f"Anna was in the {word}").belief for word in ("river", "stream", "forest")
    )
    assert river == stream
    assert river != forest


def test_frontier_is_a_distribution():
    assert math.isclose(math.fsum(weight for weight, _, _ in frontier(START)), 1.0, rel_tol=1e-12)


def test_a_word_that_cannot_follow_is_refused():
    with pytest.raises(BadPrompt, match="goes on with 'moo'"):
        Reader().read("Anna heard the dog moo")


def test_vocabulary_holds_every_word_of_the_lexicon():
    known = set(vocabulary())
    tables = [
        lexicon.FEMALE,
        lexicon.MALE,
        lexicon.PET_NAMES,
        lexicon.COLOURS,
        lexicon.THINGS,
        lexicon.FRUITS,
        lexicon.NUMBERS,
        lexicon.MOODS,
        *lexicon.PLACES.values(),
        *lexicon.ACTIVITIES.values(),
        *lexicon.OBJECTS.values(),
        *lexicon.TRADES.values(),
        *lexicon.DESCRIPTIONS.values(),
        lexicon.DOINGS,
        lexicon.INFINITIVES,
        lexicon.SEASONS,
        lexicon.HOUSE,
        lexicon.ENDINGS,
    ]
    wanted = {
        word
        for table in tables
        for phrase in table
        for word in phrase.split()
        if not word.startswith("$")
    }
    assert wanted <= known
    assert len(known) < 500


def test_spaces_are_harmless_and_unknown_words_are_marked():
    tokenizer = word_tokenizer()
    assert (
        tokenizer.encode(" dog").ids
        == tokenizer.encode("dog").ids
        == [tokenizer.token_to_id("dog")]
    )
    assert tokenizer.encode("zebra").tokens == [UNKNOWN]
    assert tokenizer.encode(f"home . {END} Anna").tokens == ["home", ".", END, "Anna"]
