"""Ridge regression on pairs of things, tried where none of these things was seen before.

A row belongs to a pair of labels: the two words that its ends are. The rows that are foretold share
no label and no context with those that the regression was fitted to, so that it cannot know them by
heart. Everything is computed from Gram matrices: thousands of quantities cost no more than a few.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

Array = np.ndarray
GROUPS = 8
"""Of labels; the rows of two groups are foretold from those of the others."""
PENALTIES = 10.0 ** np.arange(-3, 4)
"""In units of a row's mean square."""


def foretold(gram: Array, y: Array, labels: Array, contexts: Array | None = None) -> Array:
    """What a ridge regression without intercept foretells of ``y`` ``(n,)``, row by row.

    Args:
        gram: inner products ``(n, n)`` of the rows' quantities.
        labels: the two of each row, ``(n, 2)``.
        contexts: rows with an equal one are kept apart as well, ``(n,)``.

    Returns:
        ``(n,)``, NaN where no row is left to fit. The penalty is chosen anew for each fit, by what
        it foretells of a further group of labels that was left out.
    """
    group = _balanced(labels, GROUPS)[labels]
    found = np.full(len(y), np.nan)
    for two in combinations_with_replacement(range(GROUPS), 2):
        test = np.flatnonzero((np.sort(group, axis=1) == two).all(1))
        train = np.flatnonzero(~np.isin(group, two).any(1))
        if contexts is not None:
            train = train[~np.isin(contexts[train], contexts[test])]
        if len(test) and len(train) > 1:
            penalty = _penalty(gram[np.ix_(train, train)], y[train], group[train])
            found[test] = _predict(gram, y, train, test)[penalty]
    return found


def explained(y: Array, from_: Array) -> float:
    """Share of the variance of ``y`` that is explained; below 0 it is worse than their mean."""
    return float(1 - np.square(y - from_).sum() / np.square(y - y.mean()).sum())


def _penalty(gram: Array, y: Array, group: Array) -> int:
    """The number of the best one."""
    errors, rows = np.zeros(len(PENALTIES)), np.arange(len(y))
    for left_out in np.unique(group):
        touched = (group == left_out).any(1)
        train, test = rows[~touched], rows[touched]
        if len(train) > 1:
            errors += np.square(_predict(gram, y, train, test) - y[test]).sum(1)
    return int(errors.argmin())


def _predict(gram: Array, y: Array, train: Array, test: Array) -> Array:
    """With every penalty, ``(penalties, test rows)``."""
    own = gram[np.ix_(train, train)]
    values, vectors = np.linalg.eigh(own)
    scale = PENALTIES[:, None] * np.trace(own) / len(train)
    weights = (vectors.T @ y[train]) / (values.clip(0) + scale)
    return weights @ (gram[np.ix_(test, train)] @ vectors).T


def _balanced(labels: Array, groups: int) -> Array:
    """The group of each label, so that all groups stand for about equally many rows."""
    counts = np.bincount(labels.ravel())
    group, filled = np.zeros(len(counts), dtype=int), np.zeros(groups)
    for label in np.argsort(-counts, kind="stable"):
        group[label] = filled.argmin()
        filled[group[label]] += counts[label]
    return group
