"""The sets of trainings behind part 3: one reference, then one factor at a time.

The reference is the proposal's network, 20 residual blocks of width 16, on the spiral: 600 steps of
128 points with Adam at a rate of 0.002.
"""

from __future__ import annotations

from dataclasses import replace

from plateaus.data import tasks
from plateaus.studies import Setting, Study

REFERENCE = Setting()
SEEDS = tuple(range(5))
GRID = ("spiral", "xor", "parity", "digits", "wave", "mushroom")
"""Tasks on which all architectures are compared."""
ARCHITECTURES = ("residual", "no-norm", "no-skip", "plain", "tied", "gelu", "tanh")
DEPTHS = (4, 8, 16, 32)
BY_HEART = {"spiral": 64, "xd6": 256, "digits": 256}
"""Task -> training points, few enough for random labels to be learnt."""
FACTORS = {
    "reference": REFERENCE,
    "squared error": Setting(loss="squared"),
    "logistic": Setting(loss="logistic"),
    "label smoothing": Setting(loss="smoothed"),
    "three classes": Setting(task="spiral-3"),
    "10% label noise": Setting(task="spiral-noisy"),
    "width 8": Setting(width=8),
    "width 32": Setting(width=32),
    "weight decay 0.1": Setting(decay=0.1),
    "SGD": Setting(optimiser="sgd", rate=0.02),
    "rate / 4": Setting(rate=5e-4),
    "shuffled labels": Setting(labels="shuffled"),
    "shuffled again": Setting(labels="shuffled again"),
}
"""What is changed -> the setting."""


def every_task(cache: str | None) -> Study:
    """The reference network on every task by rule and every table."""
    names = [name for name in tasks.names() if name != "spiral-noisy"]
    chosen = [*names, *(tasks.TABLES if cache else ())]
    return Study(settings={name: Setting(task=name) for name in chosen}, cache=cache)


def factors(cache: str | None) -> Study:
    """The reference, one thing changed at a time."""
    return Study(settings=FACTORS)


def one_task(cache: str | None) -> Study:
    """The control of the spread over tasks: as many groups of seeds of the reference alone."""
    groups = len(tasks.names()) - 1 + len(tasks.TABLES)
    return Study(settings={"spiral": REFERENCE}, seeds=range(100, 100 + groups * len(SEEDS)))


def by_heart(cache: str | None) -> Study:
    """True and random labels of a few points, trained until both are fitted."""
    settings = {
        f"{task}, {labels} labels": Setting(
            task=task, labels=labels, rows=rows, steps=2500, batch=64
        )
        for task, rows in BY_HEART.items()
        for labels in ("true", "shuffled", "shuffled again")
    }
    return Study(settings=settings, on_training=True)


def architectures(cache: str | None) -> Study:
    """Every architecture of 20 blocks on a few tasks."""
    chosen = GRID if cache else [name for name in GRID if name in tasks.names()]
    settings = {
        f"{task}, {name}": Setting(task=task, architecture=name)
        for name in ARCHITECTURES
        for task in chosen
    }
    return Study(settings=settings, cache=cache)


def depths(cache: str | None) -> Study:
    """With and without skip connections and normalisation, at several depths; where the reference's
    recipe does not train a deep network without skip connections, four times as long at a quarter
    of the rate.
    """
    settings = {
        f"{name}, {blocks} blocks": Setting(architecture=name, blocks=blocks)
        for name in ("residual", "no-norm", "no-skip", "plain")
        for blocks in DEPTHS
    }
    longer = {
        f"{name}, longer": replace(s, steps=4 * s.steps, rate=s.rate / 4)
        for name, s in settings.items()
        if s.architecture in ("no-skip", "plain") and s.blocks > 8
    }
    return Study(settings=settings | longer)


STUDIES = {
    "tasks": every_task,
    "factors": factors,
    "by-heart": by_heart,
    "one-task": one_task,
    "architectures": architectures,
    "depths": depths,
}
