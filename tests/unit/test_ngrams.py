"""The baseline: interpolated modified Kneser-Ney, against counts made by hand and a slow reading of
the paper.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from plateaus.training.language import ngrams
from plateaus.training.language.ngrams import FALLBACK, KneserNey

A, B, C, D = range(4)


def probability(model: KneserNey, *words: int) -> float:
    return model.probability([np.array([word]) for word in words])[0]


def test_a_case_by_hand():
    """a b c a b d a b c: too little to estimate discounts from, so 0.5, 1 and 1.5 are taken."""
    model = KneserNey(np.array([A, B, C, A, B, D, A, B, C]), 4)
    # How many different words come before each: a after c and d, the others after one. In all 5.
    # Taken: 1 from the two of a, 0.5 from the others; given back to all four alike.
    c = (1 - 0.5) / 5 + (1 + 3 * 0.5) / 5 / 4
    # b c and b d each come after one word, a.
    b_c = (1 - 0.5) / 2 + (0.5 + 0.5) / 2 * c
    # a b c occurs twice, a b d once.
    a_b_c = (2 - 1) / 3 + (1 + 0.5) / 3 * b_c
    assert probability(model, A, B, C) == pytest.approx(a_b_c)
    # With less history the occurrences count: b c twice, b d once; c twice of nine.
    assert probability(model, B, C) == pytest.approx((2 - 1) / 3 + (1 + 0.5) / 3 * c)
    assert probability(model, C) == pytest.approx((2 - 1) / 9 + (1.5 + 1.5 + 1 + 0.5) / 9 / 4)
    # Nothing was seen after d c: only what follows c counts, as on the way to shorter histories.
    c_a = (1 - 0.5) / 1 + 0.5 / 1 * ((2 - 1) / 5 + (1 + 3 * 0.5) / 5 / 4)
    assert probability(model, D, C, A) == pytest.approx(c_a)


def slow(tokens: list[int], vocabulary: int, order: int = 3):
    """The same model word by word, as section 4.1 of the paper defines it."""
    counts = {}
    for n in range(1, order + 1):
        counts[n, True] = Counter(zip(*(tokens[i:] for i in range(n)), strict=False))
        before = defaultdict(set)
        for gram in counts[n, True]:
            before[gram[1:]].add(gram[0])
        counts[n - 1, False] = Counter({gram: len(words) for gram, words in before.items()})
    discounts = {}
    for n, table in counts.items():
        of = Counter(table.values())
        if min(of[c] for c in (1, 2, 3, 4)) == 0:
            discounts[n] = FALLBACK
            continue
        y = of[1] / (of[1] + 2 * of[2])
        discounts[n] = tuple(c - (c + 1) * y * of[c + 1] / of[c] for c in (1, 2, 3))

    def p(gram: tuple[int, ...], longest: bool = True) -> float:
        if not gram:
            return 1 / vocabulary
        n, table = (len(gram), longest), counts[len(gram), longest]
        take = lambda c: discounts[n][min(c, 3) - 1] if c else 0.0  # noqa: E731
        after = [table[(*gram[:-1], w)] for w in range(vocabulary)]
        if not sum(after):
            return p(gram[1:], False)
        c = table[gram]
        return (c - take(c) + sum(map(take, after)) * p(gram[1:], False)) / sum(after)

    return p, discounts


@pytest.fixture(scope="module")
def text() -> np.ndarray:
    """Words of Zipf's frequencies, each drawn near the one before: something for each order."""
    random = np.random.default_rng(0)
    words = [0]
    for step in random.zipf(1.6, 4000):
        words.append((words[-1] + int(step)) % 30)
    return np.array(words, np.uint16)


def test_it_is_what_the_paper_defines(text):
    p, discounts = slow(text.tolist(), 30)
    assert discounts[3, True] != FALLBACK != discounts[2, False], (
        "the discounts must be estimated here"
    )
    model = KneserNey(text, 30)
    grams = np.random.default_rng(1).integers(0, 30, (300, 3))
    grams[:100] = np.lib.stride_tricks.sliding_window_view(text, 3)[:100]
    ours = model.probability(list(grams.T))
    assert ours == pytest.approx([p(tuple(map(int, gram))) for gram in grams], rel=1e-12)


def test_it_is_a_distribution(text):
    model, everything = KneserNey(text, 30), np.arange(30)
    for a, b in ((int(text[5]), int(text[6])), (3, 3), (29, 0)):
        found = model.probability([np.full(30, a), np.full(30, b), everything])
        assert found.sum() == pytest.approx(1) and (found > 0).all()


def test_its_loss_is_that_of_the_words_it_predicts_and_longer_is_better(text):
    seen, rows = text[:3000], text[3000 : 3000 + 24 * 33].reshape(24, 33)
    p, _ = slow(seen.tolist(), 30)
    logs = [
        math.log(p(tuple(map(int, row[max(0, i - 2) : i + 1]))))
        for row in rows
        for i in range(1, 33)
    ]
    model = KneserNey(seen, 30)
    assert model.loss(rows) == pytest.approx(-np.mean(logs))
    assert model.loss(rows) < KneserNey(seen, 30, order=1).loss(rows) - 0.3


def test_wrong_twins_are_told_apart(text, monkeypatch):
    """One discount for all counts, and raw counts for shorter sequences, are other models."""
    right = KneserNey(text[:3000], 30)
    rows = text[3000 : 3000 + 24 * 33].reshape(24, 33)
    monkeypatch.setattr(ngrams, "_discounts", lambda counts: (0.75, 0.75, 0.75))
    absolute = KneserNey(text[:3000], 30)
    monkeypatch.undo()
    raw = KneserNey(text[:3000], 30)
    raw.shorter[1:] = raw.longest[:2]
    for wrong in (absolute, raw):
        assert abs(wrong.loss(rows) - right.loss(rows)) > 1e-4
