"""Tasks for toy networks behind one interface: ``task("parity")``, ``task("mushroom", cache)``.

The names are those of ``task_rules``, and of tables of the Penn Machine Learning Benchmarks. Rows
with the same inputs never stand on both sides of a split.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from plateaus.data import tables, toy
from plateaus.data.task_rules import ROWS, RULES, SPIRALS
from plateaus.data.toy import ToyData
from plateaus.errors import BadTable, TrainingError

MOST = 8_000
"""Rows that are used of a table, the first of a fixed random order."""
HELD_OUT = 0.2
"""Share of the distinct inputs that a network is not trained on."""
CLASSES = 10
"""A table's target with at most so many whole numbers is a classification, unless it is in
``ORDERED``."""
ORDERED = ("1027_ESL", "201_pol")
"""Tables of the benchmark's regressions whose targets are few whole numbers."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a network is to learn, and the points on which it is measured."""

    name: str
    family: str
    """"rule", "function" or "table": classifications by rule, regressions by rule, benchmarks."""
    train: ToyData
    test: ToyData
    """``clean`` is the truth, noise apart."""

    @property
    def inputs(self) -> int:
        """Dimension of the inputs."""
        return self.train.x.shape[1]


def task(name: str, cache: str | Path | None = None, *, seed: int = 0) -> Task:
    """The task of that name, the same for everybody with the same seed.

    Args:
        cache: the folder of the benchmark's tables; needed for those alone.

    Raises:
        TrainingError: no such rule, and no cache to look for a table.
        BadTable: see ``tables``.
    """
    random = np.random.default_rng(seed)
    if name in SPIRALS:
        return _spiral(name, seed)
    if name in RULES:
        x, y, classes = RULES[name](random)
        return _task(name, "function" if classes is None else "rule", x, y, classes, random)
    if cache is None:
        raise TrainingError(
            f"There is no task {name!r} by rule; these are: {', '.join(names())}. A table of the "
            "Penn Machine Learning Benchmarks needs the folder where tables are kept."
        )
    table = tables.read(name, cache)
    table = table.iloc[random.permutation(len(table))[:MOST]]
    x, y = tables.numbers(table), table[tables.TARGET].to_numpy(dtype=float)
    values = np.unique(y)
    whole = len(values) <= CLASSES and (values == np.round(values)).all() and name not in ORDERED
    if len(values) < 2 or not x.size:
        raise BadTable(
            f"The table {name} has constant columns only in the rows that are used: give another."
        )
    if whole:
        y = np.searchsorted(values, y)
    return _task(name, "table", x, y, len(values) if whole else None, random)


def names() -> list[str]:
    """The tasks that need no file."""
    return [*SPIRALS, *RULES]


def known(cache: str | Path | None) -> list[str]:
    """The tasks that can be had with the folder ``cache`` of tables, or without one: those that
    need no file, the benchmark's, and every table that lies there.

    Raises:
        BadTable: there is no such folder.
    """
    if cache is None:
        return names()
    if not Path(cache).expanduser().is_dir():
        raise BadTable(
            f"The tables are to lie in {str(cache)!r:.200}, which is no folder: give the one that "
            "holds them, or an empty one."
        )
    return list(dict.fromkeys([*names(), *TABLES, *tables.names(cache)]))


def pairs(data: ToyData, count: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """``count`` random pairs of points that are to be told apart: two tensors ``(count, inputs)``.

    Of a classification these are of different classes, of a regression their targets lie at least
    one standard deviation apart. A point may stand in several pairs.

    Raises:
        TrainingError: hardly any two points are.
    """
    random, y = np.random.default_rng(seed), data.clean.reshape(len(data), -1)[:, 0]
    i, j = (torch.from_numpy(random.integers(len(data), size=50 * count)) for _ in range(2))
    least = 1 if data.classes else float(y.std())
    apart = ((y[i] - y[j]).abs() >= least).nonzero()[:count, 0]
    if len(apart) < count:
        raise TrainingError(
            f"Of {50 * count} random pairs of {len(data)} points only {len(apart)} are to be told "
            f"apart, not {count}: ask for fewer pairs, or give more points."
        )
    return data.x[i[apart]], data.x[j[apart]]


def _task(
    name: str,
    family: str,
    x: np.ndarray,
    y: np.ndarray,
    classes: int | None,
    random: np.random.Generator,
) -> Task:
    """Split by distinct inputs, and scaled by the moments of the training rows."""
    _, group = np.unique(x, axis=0, return_inverse=True)
    group = group.ravel()
    chosen = random.permutation(group.max() + 1)
    held = np.isin(group, chosen[: max(1, round(HELD_OUT * len(chosen)))])
    mean, spread = x[~held].mean(0), x[~held].std(0)
    x = (x - mean) / np.where(spread > 0, spread, 1)
    if classes is None:
        y = (y - y[~held].mean()) / y[~held].std()
    sides = [_data(x[rows], y[rows], classes) for rows in (~held, held)]
    return Task(name=name, family=family, train=sides[0], test=sides[1])


def _data(x: np.ndarray, y: np.ndarray, classes: int | None) -> ToyData:
    targets = torch.from_numpy(y).long() if classes else torch.from_numpy(y).float()[:, None]
    return ToyData(x=torch.from_numpy(x).float(), y=targets, clean=targets, classes=classes)


def _spiral(name: str, seed: int) -> Task:
    made = SPIRALS[name]
    train = toy.spiral(samples=round(ROWS * (1 - HELD_OUT)), seed=seed, **made)
    test = toy.spiral(
        samples=round(ROWS * HELD_OUT), seed=seed + 1_000_003, classes=made["classes"]
    )
    return Task(name=name, family="rule", train=train, test=test)


TABLES = (
    "mushroom", "spambase", "breast_cancer", "tic_tac_toe", "monk2", "corral",
    "1027_ESL", "201_pol", "215_2dplanes", "529_pollen",
)  # fmt: skip
"""Of the Penn Machine Learning Benchmarks, those that the saved result holds."""
REGRESSIONS = (
    "wave", "smooth", "stairs", "feynman-I.6.2", "feynman-I.26.2", "feynman-I.27.6",
    "1027_ESL", "201_pol", "215_2dplanes", "529_pollen",
)  # fmt: skip
"""Of both."""


def family(name: str) -> str:
    """ "rule", "function" or "table", as in ``Task``, without making the task."""
    if name in TABLES:
        return "table"
    return "function" if name in REGRESSIONS else "rule"
