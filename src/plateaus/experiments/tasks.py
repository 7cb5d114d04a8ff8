"""Which tasks, losses and architectures make plateaus: many small trainings, measured alike.

The plateau score of a pair is one minus its half-exit index: 0 for every affine network, near 1
where the output stays before it goes. Beside it stands the maximum slope. Both are those of segments
between points that are to be told apart, entering behind the input layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from plateaus.data import tasks as data
from plateaus.data.tasks import Task
from plateaus.data.toy import ToyData, shuffled
from plateaus.experiments.ends import Ends
from plateaus.experiments.interpolation import interpolate
from plateaus.experiments.readouts import read
from plateaus.experiments.sharpness import over, sharpness
from plateaus.measures import statistics
from plateaus.networks.network import Network
from plateaus.networks.residual import ResidualMLP
from plateaus.networks.toy import ARCHITECTURES
from plateaus.training.toy import Case, Recipe, Trained, train_many

WEIGHTS = ("untrained", "trained")
READINGS = ("stream", "output", "probabilities")
"""After the last block; the output of a classification are its logits."""
KEPT = ("slope", "half_exit")
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

    @property
    def shape(self) -> tuple[Any, ...]:
        """Settings with the same can be trained side by side."""
        recipe = (self.optimiser, self.rate, self.decay, self.steps, self.batch)
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

    def run(self) -> xr.Dataset:
        """Dims ``setting, weights, seed, pair``; see ``measured``."""
        found = {}
        for name, trained, setting in self.trained():
            points = setting.points(self.task(setting)) if self.on_training else None
            found[name] = measured(trained, self.task(setting), pairs=self.pairs, points=points)
        ordered = {name: found[name] for name in self.settings}
        return over("setting", ordered, lambda x: x)

    def trained(self) -> Iterator[tuple[str, Trained, Setting]]:
        """Name, networks and setting of each, those of one shape trained side by side."""
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
                )
                for name, s in group.items()
            }
            done = train_many(
                cases, recipe, steps=first.steps, checkpoints=tuple(self.checkpoints)
            )
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


def measured(
    trained: Trained, task: Task, *, pairs: int = 100, points: ToyData | None = None
) -> xr.Dataset:
    """Networks of all seeds before and after training, on the same pairs of test points.

    Args:
        points: others in the place of the test points, told apart by the labels they were given.

    Returns:
        ``slope`` and ``half_exit`` in the stream after the last block, dims ``weights, seed,
        pair``; their medians over pairs where else it can be read, ``slope_at`` and
        ``half_exit_at``, dims ``weights, seed, reading``; ``quality``, the accuracy, or of a
        regression the share of variance explained, on the ``fitted`` points as given and on the
        ``fresh`` ones as they truly are, dims ``weights, seed, data``; ``margin``, the median of the
        true class's logit minus the largest other.
    """
    given = task.test if points is None else ToyData(
        x=points.x, y=points.y, clean=points.y, classes=points.classes
    )  # fmt: skip
    a, b = data.pairs(given, pairs)
    fitted = task.train if points is None else points

    def each(net: Network) -> xr.Dataset:
        found = sharpness(interpolate(Ends.of_inputs(net, a, b)))[list(KEPT)]
        last = read(found).drop_vars(["block_out", "reading"], errors="ignore")
        at = xr.concat([_at(found, name) for name in READINGS], _named("reading", READINGS))
        quality = [_quality(net, fitted.x, fitted.y, fitted), _quality(net, task.test.x,
                   task.test.clean, task.test)]  # fmt: skip
        return last.assign(
            **{f"{k}_at": at[k] for k in KEPT},
            quality=("data", quality),
            margin=_margin(net, task.test),
        ).assign_coords(data=["fitted", "fresh"], pair=np.arange(pairs))

    def seeds(step: int) -> xr.Dataset:
        nets = dict(zip(trained.recipe.seeds, trained.networks(step=step), strict=True))
        return over("seed", nets, each)

    steps = {"untrained": 0, "trained": -1}
    return over("weights", {name: seeds(steps[name]) for name in WEIGHTS}, lambda x: x)


def scores(study: xr.Dataset) -> xr.Dataset:
    """``score``, one minus the half-exit index, and ``gain``, what training added to the slope.

    Returns:
        Dims ``bound`` (value, low, high: an interval over seeds and pairs) and ``setting``, the
        score also with ``weights``.
    """
    order = ("setting", "seed", "pair")
    score = (1 - study.half_exit).transpose("weights", *order)
    gain = study.slope.sel(weights="trained") - study.slope.sel(weights="untrained")
    found = {
        "score": (("bound", "weights", "setting"), statistics.nested(score.values)),
        "gain": (("bound", "setting"), statistics.nested(gain.transpose(*order).values)),
    }
    coords = {name: study[name].values for name in ("weights", "setting")}
    return xr.Dataset(found, coords | {"bound": ["value", "low", "high"]})


def pick(study: xr.Dataset, setting: str, model: str = "") -> tuple[xr.Dataset, xr.Dataset]:
    """One setting after and before training, for ``evidence``; named ``model`` or as it is."""
    one = study.sel(setting=setting).assign_attrs(model=model or setting)
    return tuple(one.sel(weights=name) for name in reversed(WEIGHTS))


def saved(result: xr.Dataset) -> xr.Dataset:
    """The same in float32 with three decimals, packed small when it is written."""
    small = result.astype("float32").round(3)
    for name in small.data_vars:
        small[name].encoding = {"zlib": True, "complevel": 9, "shuffle": True}
    return small


def _named(dim: str, names: Sequence[str]) -> xr.DataArray:
    return xr.DataArray(list(names), dims=dim, name=dim)


def _at(found: xr.Dataset, name: str) -> xr.Dataset:
    """Medians over pairs at one reading; NaN where the network does not have it."""
    known = set(found.reading.values.tolist())
    name = ("logits" if "logits" in known else "output") if name == "output" else name
    seen = read(found, name) if name in known else xr.full_like(read(found), np.nan)
    return seen.drop_vars(["block_out", "reading"], errors="ignore").median("pair")


@torch.no_grad()
def _quality(net: Network, x: torch.Tensor, y: torch.Tensor, like: ToyData) -> float:
    said = net(x)
    if like.classes is not None:
        return (said.argmax(-1) == y).double().mean().item()
    y = y.to(said.dtype)
    return (1 - (said - y).square().mean() / y.var(unbiased=False)).item()


@torch.no_grad()
def _margin(net: Network, points: ToyData) -> float:
    if points.classes is None:
        return float("nan")
    logits = net(points.x)
    own = logits.gather(1, points.clean[:, None])[:, 0]
    rest = logits.scatter(1, points.clean[:, None], -torch.inf).max(1).values
    return (own - rest).median().item()
