"""Tasks that are stated in a line: the proposal's spirals and functions, gates, boolean functions
of a few bits, targets of the Feynman set of symbolic regression (Udrescu and Tegmark 2020), each
over the range that the set names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np

from plateaus.data import digits

ROWS = 5_000
"""Of a task that is sampled."""

Rows = tuple[np.ndarray, np.ndarray, int | None]
"""Inputs ``(rows, inputs)``, targets ``(rows,)``, and the number of classes; None: a regression."""

SPIRALS = {
    "spiral": {"classes": 2, "noise": 0.02},
    "spiral-3": {"classes": 3, "noise": 0.02},
    "spiral-noisy": {"classes": 2, "noise": 0.1},
}


def _square(random: np.random.Generator, *limits: tuple[float, float]) -> np.ndarray:
    low, high = np.array(limits).T
    return random.uniform(low, high, size=(ROWS, len(limits)))


def _gate(gate: Callable[..., np.ndarray]) -> Callable[[np.random.Generator], Rows]:
    """Of the signs of two real inputs."""

    def drawn(random: np.random.Generator) -> Rows:
        x = _square(random, (-1, 1), (-1, 1))
        return x, gate(*(x > 0).T).astype(int), 2

    return drawn


def _bits(count: int, rule: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Rows]:
    """All rows of so many bits, coded -1 and 1."""

    def listed(random: np.random.Generator) -> Rows:
        bits = np.array(list(product((0, 1), repeat=count)))
        return 2.0 * bits - 1, rule(bits).astype(int), 2

    return listed


def _monk(rule: Callable[..., np.ndarray]) -> Callable[..., Rows]:
    """All 432 robots of the MONK's problems (Thrun et al. 1991), an input for each value."""

    def listed(random: np.random.Generator) -> Rows:
        sizes = (3, 3, 2, 3, 4, 2)
        rows = np.array(list(product(*(range(1, n + 1) for n in sizes))))
        split = [rows[:, [i]] == range(1, n + 1) for i, n in enumerate(sizes)]
        return np.concatenate(split, axis=1).astype(float), rule(*rows.T).astype(int), 2

    return listed


def _function(f: Callable[..., np.ndarray], *limits: tuple[float, float]) -> Callable[..., Rows]:
    def sampled(random: np.random.Generator) -> Rows:
        x = _square(random, *limits)
        return x, f(*x.T), None

    return sampled


def _multiplexer(bits: np.ndarray) -> np.ndarray:
    address = bits[:, :3] @ (4, 2, 1)
    return bits[np.arange(len(bits)), 3 + address]


def _digits(random: np.random.Generator) -> Rows:
    return *digits.table(), 10


UNIT = (-1.0, 1.0)
RULES: dict[str, Callable[[np.random.Generator], Rows]] = {
    "and": _gate(np.logical_and),
    "xor": _gate(np.logical_xor),
    "parity": _bits(10, lambda b: b[:, [1, 2, 3, 5, 7]].sum(1) % 2),
    "multiplexer": _bits(11, _multiplexer),
    "xd6": _bits(9, lambda b: b.reshape(-1, 3, 3).all(2).any(1)),
    "monk-1": _monk(lambda a, b, c, d, e, f: (a == b) | (e == 1)),
    "monk-3": _monk(lambda a, b, c, d, e, f: ((e == 3) & (d == 1)) | ((e != 4) & (b != 3))),
    "digits": _digits,
    "wave": _function(lambda x, y: (np.sin(x) + np.cos(y)) * (x < 0), UNIT, UNIT),
    "smooth": _function(lambda x, y: np.sin(math.pi * x) * np.cos(math.pi * y), UNIT, UNIT),
    "stairs": _function(lambda x, y: np.floor(2 * (x + 1)), UNIT, UNIT),
    "feynman-I.6.2": _function(
        lambda t, s: np.exp(-((t / s) ** 2) / 2) / (math.sqrt(2 * math.pi) * s), (1, 3), (1, 3)
    ),
    "feynman-I.26.2": _function(lambda n, t: np.arcsin(n * np.sin(t)), (0, 1), (1, 5)),
    "feynman-I.27.6": _function(lambda d1, d2, n: 1 / (1 / d1 + n / d2), (1, 5), (1, 5), (1, 5)),
}
"""Classifications and regressions by rule. Parity is of bits 2, 3, 4, 6 and 8 of ten; the
multiplexer has three address bits; xd6 is of three triples; "stairs" has four steps.

:meta hide-value:
"""
