"""The strongest of the classical n-gram models, as a baseline: interpolated modified Kneser-Ney
(Chen and Goodman 1999, section 4.1).
"""

from __future__ import annotations

import numpy as np

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where too few sequences were seen once, twice, ... to estimate them."""


class KneserNey:
    """P(w | h) = (c(h w) - D(c(h w))) / c(h) + g(h) P(w | h'), where h' is h without its first
    word.

    c counts occurrences where all that is known of the history is used; on the way to shorter ones
    it counts how many different words were seen before a sequence, for they are asked only after a
    longer one that is rare. D takes away one amount each from sequences seen once, twice and more
    often, estimated from how many there are; g(h) gives back what was taken. The last resort is
    uniform.
    """

    def __init__(self, tokens: np.ndarray, vocabulary: int, order: int = 3) -> None:
        ids = tokens.astype(np.int64)
        self.vocabulary, self.longest, self.shorter = vocabulary, [], []
        for length in range(1, order + 1):
            grams = self._keys([ids[i : len(ids) - length + 1 + i] for i in range(length)])
            keys, counts = np.unique(grams, return_counts=True)
            self.longest.append(_Level(keys, counts, vocabulary))
            # Without the first word, once for each different first word.
            keys, counts = np.unique(keys % vocabulary ** (length - 1), return_counts=True)
            self.shorter.append(_Level(keys, counts, vocabulary))

    def _keys(self, columns: list[np.ndarray]) -> np.ndarray:
        """Each sequence as one number, its words as digits."""
        key = np.zeros_like(columns[0])
        for column in columns:
            key = key * self.vocabulary + column
        return key

    def probability(self, columns: list[np.ndarray]) -> np.ndarray:
        """P of the last column after the others, elementwise; at most ``order`` columns of whole
        numbers.
        """
        p = np.full(len(columns[-1]), 1 / self.vocabulary)
        for length in range(1, len(columns)):
            p = self.shorter[length].over(p, self._keys(columns[-length:]))
        return self.longest[len(columns) - 1].over(p, self._keys(columns))

    def loss(self, rows: np.ndarray) -> float:
        """Mean nats per token over rows of shape (n, length), predicting all but the first
        column.
        """
        columns, order = list(rows.astype(np.int64).T), len(self.longest)
        logs = [
            np.log(self.probability(columns[max(0, i + 1 - order) : i + 1]))
            for i in range(1, len(columns))
        ]
        return -float(np.mean(logs))


class _Level:
    """Sequences of one length with their counts, both sorted by the sequence."""

    def __init__(self, keys: np.ndarray, counts: np.ndarray, vocabulary: int) -> None:
        self.keys, self.counts, self.vocabulary = keys, counts, vocabulary
        self.discounts = np.array([0.0, *_discounts(counts)])
        self.histories, first = np.unique(keys // vocabulary, return_index=True)
        self.totals = np.add.reduceat(counts, first)
        self.taken = np.add.reduceat(self._discount(counts), first)

    def _discount(self, counts: np.ndarray) -> np.ndarray:
        return self.discounts[np.minimum(counts, 3)]

    def over(self, lower: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """P of each sequence's last word, if ``lower`` is its probability without the first
        word.
        """
        counts, history = _found(self.keys, self.counts, keys), keys // self.vocabulary
        total = _found(self.histories, self.totals, history)
        taken = _found(self.histories, self.taken, history)
        known = (counts - self._discount(counts) + taken * lower) / np.maximum(total, 1)
        return np.where(total > 0, known, lower)


def _discounts(counts: np.ndarray) -> tuple[float, float, float]:
    """What is taken from a count of one, two, and three or more (equation 17)."""
    n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if not (n1 and n2 and n3 and n4):
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    possible = all(0 < d < c for c, d in enumerate(found, 1))
    return found if possible else FALLBACK


def _found(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The value of each wanted key, 0 where there is none."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
