"""Studies: many small trainings, those of one shape side by side, each measured alike.

``Study(settings={"spiral": Setting()}).run()``. The sets behind part 3 are in ``studies.toy``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import xarray as xr

from plateaus.data import tasks as data
from plateaus.data.tasks import Task
from plateaus.data.toy import ToyData, shuffled
from plateaus.errors import BadParameter
from plateaus.experiments.sharpness import over
from plateaus.experiments.tasks import measured
from plateaus.networks.network import Network
from plateaus.networks.residual import ResidualMLP
from plateaus.networks.toy import ARCHITECTURES
from plateaus.rules import listing, one_of, real, whole
from plateaus.training.toy import Case, Recipe, Trained, train_many

STEPS = {"untrained": 0, "trained": -1}
SIDE_BY_SIDE = 30
"""Networks that are trained together, about."""
SHUFFLES = {"shuffled": 1, "shuffled again": 2}
"""The seeds that deal out labels."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One configuration: the reference but for what is given."""

    task: str = "spiral"
    architecture: str = "residual"
    blocks: int = 20
    width: int = 16
    loss: str = "cross-entropy"
    optimiser: str = "adam"
    rate: float = 2e-3
    decay: float = 0.0
    labels: str = "true"
    """``"shuffled"``, ``"shuffled again"``: the targets are dealt out once at random."""
    rows: int = 0
    """So many training points, the first ones. 0: all."""
    steps: int = 600
    batch: int = 128
    bending: float | None = None
    """Weight of a penalty on plateaus, see ``training.toy.bending``."""

    def __post_init__(self) -> None:
        one_of(*ARCHITECTURES).check("architecture", self.architecture)
        one_of("true", *SHUFFLES).check("labels", self.labels)
        for name in ("blocks", "width", "batch"):
            whole(1, 10**8).check(name, getattr(self, name))
        for name in ("rows", "steps"):
            whole(0, 10**8).check(name, getattr(self, name))
        real(above=0).check("rate", self.rate)
        for name in ("decay", "bending"):
            real(0).check(name, getattr(self, name) or 0)

    @property
    def shape(self) -> tuple[Any, ...]:
        """Settings with the same can be trained side by side."""
        recipe = (self.optimiser, self.rate, self.decay, self.steps, self.batch)
        recipe += (self.bending is None,)
        return (self.architecture, self.blocks, self.width, *recipe)

    def network(self, task: Task) -> ResidualMLP:
        """A fresh one for the task's inputs and outputs."""
        return ResidualMLP(
            inputs=task.inputs,
            width=self.width,
            blocks=self.blocks,
            outputs=task.train.outputs,
            **ARCHITECTURES[self.architecture],
        )

    def points(self, task: Task) -> ToyData:
        """What is trained on."""
        train = task.train
        if self.rows:
            few = (train.x[: self.rows], train.y[: self.rows], train.clean[: self.rows])
            train = ToyData(x=few[0], y=few[1], clean=few[2], classes=train.classes)
        return train if self.labels == "true" else shuffled(train, seed=SHUFFLES[self.labels])


@dataclass(frozen=True, kw_only=True)
class Study:
    """Settings by name, each trained once for each seed and measured."""

    settings: Mapping[str, Setting]
    seeds: Sequence[int] = tuple(range(5))
    cache: str | None = None
    """Where the benchmark's tables are, if a setting asks for one."""
    pairs: int = 100
    on_training: bool = False
    """Measure between training points that were given different labels: of networks that learn
    labels by heart, these are the points that they tell apart."""
    checkpoints: tuple[int, ...] = ()
    tasks: dict[str, Task] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.settings:
            raise BadParameter("A study trains at least one setting, got none: name one or more.")
        listing(whole(0, 2**32 - 1)).check("seeds", list(self.seeds))
        whole(1, 10**6).check("pairs", self.pairs)

    def run(self) -> xr.Dataset:
        """Dims ``setting, weights, seed, pair``; see ``measured``."""
        return self.measured({name: trained for name, trained, _ in self.trained()})

    def measured(self, networks: Mapping[str, Trained], *, pairs: int = 0) -> xr.Dataset:
        """What ``run`` returns, of networks that are trained already; by default as many pairs."""

        def each(name: str) -> xr.Dataset:
            setting, task = self.settings[name], self.task(self.settings[name])
            trained = networks[name]
            points = setting.points(task) if self.on_training else None
            nets = {name: by_seed(trained, step) for name, step in STEPS.items()}
            return measured(nets, task, pairs=pairs or self.pairs, points=points)

        return over("setting", {name: name for name in self.settings}, each)

    def trained(self) -> Iterator[tuple[str, Trained, Setting]]:
        """Name, networks and setting of each, those of one shape trained side by side."""
        for setting in self.settings.values():
            self.task(setting)  # refuses a table that cannot be read before anything is trained
        for group in self._groups():
            first = next(iter(group.values()))
            recipe = Recipe(
                batch=first.batch,
                rate=first.rate,
                optimiser=first.optimiser,
                decay=first.decay,
                seeds=tuple(self.seeds),
            )
            cases = {
                name: Case(
                    build=partial(s.network, self.task(s)),
                    data=s.points(self.task(s)),
                    loss=s.loss,
                    bending=s.bending,
                )
                for name, s in group.items()
            }
            done = train_many(cases, recipe, steps=first.steps, checkpoints=tuple(self.checkpoints))
            for name, setting in group.items():
                yield name, done[name], setting

    def _groups(self) -> Iterator[dict[str, Setting]]:
        """Settings of one shape, as many as fit a processor's cache together."""
        size = max(1, SIDE_BY_SIDE // len(self.seeds))
        for shape in dict.fromkeys(s.shape for s in self.settings.values()):
            names = [name for name, s in self.settings.items() if s.shape == shape]
            for i in range(0, len(names), size):
                yield {name: self.settings[name] for name in names[i : i + size]}

    def task(self, setting: Setting) -> Task:
        """The task of a setting, made once."""
        if setting.task not in self.tasks:
            self.tasks[setting.task] = data.task(setting.task, self.cache)
        return self.tasks[setting.task]


def by_seed(trained: Trained, step: int) -> dict[int, Network]:
    """The networks of all seeds after ``step`` steps; -1 is the last."""
    return dict(zip(trained.recipe.seeds, trained.networks(step=step), strict=True))
