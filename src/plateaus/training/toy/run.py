"""Train toy networks: several seeds side by side, on the one loop of all models."""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from plateaus.data.toy import ToyData
from plateaus.errors import TrainingError
from plateaus.networks.toy import build
from plateaus.training.loop import train as train_run
from plateaus.training.run import ShippedRun
from plateaus.training.toy.card import card
from plateaus.training.toy.losses import cross_entropy, squared
from plateaus.training.toy.recipe import Recipe, Trained, score
from plateaus.training.toy.settings import PRESETS, ToySettings

FRESH = 5_000
"""Points that the networks have not seen, on which they are measured."""


def train(
    build: Callable[[], nn.Module],
    data: ToyData,
    recipe: Recipe,
    *,
    device: torch.device | str = "cpu",
) -> Trained:
    """Train ``build()`` on ``data`` once for each seed.

    The seeds never exchange anything: their losses are summed, so each gets its own gradient, and
    Adam works number by number. They are only computed together, because a network of width 16
    leaves most of a processor idle. Runs with the same recipe on one machine give the same weights.

    Raises:
        TrainingError: the loss stopped being finite, or a batch is larger than the data.
    """
    run = ToyRun(build, data, recipe, place=device)
    return run.trained(train_run(run))


class ToyRun(ShippedRun):
    """Networks of one architecture that differ in their seed, computed together."""

    kind, presets = "toy", PRESETS
    data: ClassVar = {}  # it follows from the settings

    def __init__(
        self,
        build: Callable[[], nn.Module],
        points: ToyData,
        recipe: Recipe,
        *,
        place: torch.device | str = "cpu",
        name: str = "toy",
    ) -> None:
        count, last = len(points), recipe.steps(len(points))
        if recipe.batch > count:
            raise TrainingError(
                f"A batch of {recipe.batch} does not fit {count} samples: give a smaller batch."
            )
        if any(not 0 <= step <= last for step in recipe.checkpoints):
            raise TrainingError(
                f"Checkpoints {recipe.checkpoints} must be steps between 0 and {last}, the last of "
                "this recipe."
            )
        self.pace = SimpleNamespace(  # what the loop reads of settings
            name=name,
            unit="samples",
            per_step=recipe.batch,
            report_every=count // recipe.batch,
            save_every=count // recipe.batch,
            last_step=last,
            checkpoint_steps={0, *recipe.checkpoints, last},
            rate_at=lambda step: recipe.rate,
            clip=math.inf,
            threads=1,  # handing out matrices of width 16 to more costs far longer than they take
        )
        self.recipe, self.points, self.place = recipe, points, torch.device(place)
        modules = [drawn(build, recipe.dtype, seed).to(place) for seed in recipe.seeds]
        self.shipped = copy.deepcopy(modules[0])
        self.model = Stacked(modules, self.shipped)
        self.optimisers = [recipe.moves(self.model.parameters())]
        self.order = Orders(count, recipe.batch, recipe.seeds)
        self.x, self.y = points.x.to(place, recipe.dtype), points.y.to(place)
        if points.classes is None:
            self.y = self.y.to(recipe.dtype)

    @classmethod
    def of(cls, s: ToySettings, work: Path, given: argparse.Namespace) -> ToyRun:
        points = s.training
        shape = {"width": s.width, "blocks": s.blocks, "outputs": points.outputs}
        run = cls(
            lambda: build(s.architecture, **shape), points, s.recipe, place=s.place, name=s.name
        )
        run.open(s, work)
        return run

    def loss(self, step: int) -> Tensor:
        """Cross-entropy or squared error of each network, ``(networks,)``."""
        return self.lost(self.order(step).to(self.place))

    def lost(self, index: Tensor) -> Tensor:
        """:meth:`loss` on the samples at ``index``, ``(networks, batch)``."""
        output, target = self.model(self.x[index]), self.y[index]  # (networks, batch, outputs)
        return (squared if self.points.classes is None else cross_entropy)(output, target)

    @torch.no_grad()
    def reached(self) -> Tensor:
        """The losses on a batch: weights may be finite whose squares are beyond a float."""
        first = torch.arange(self.recipe.batch, device=self.place)
        return self.lost(first.expand(len(self.recipe.seeds), -1))

    def keep(self, step: int) -> None:
        self.model.kept[step] = {
            name: value.detach().cpu().clone() for name, value in self.model.weights.items()
        }

    def trained(self, log: list[dict]) -> Trained:
        """What came of the run whose log this is."""
        losses = [row["loss"] for row in log if "loss" in row]
        curve = torch.tensor(losses, dtype=self.recipe.dtype)
        return Trained(
            recipe=self.recipe,
            weights=self.model.kept,
            loss=curve if losses else torch.zeros(0, len(self.recipe.seeds)),
            skeleton=self.shipped.cpu(),
        )

    def ship(self, folder: Path, steps: Sequence[int]) -> None:
        """``seed-<s>/step-<n>.safetensors``, in the precision of training."""
        for step in steps:
            for k, seed in enumerate(self.recipe.seeds):
                path = folder / f"seed-{seed}" / f"step-{step}.safetensors"
                path.parent.mkdir(exist_ok=True)
                weights = self.model.kept[step]
                save_file({name: value[k].contiguous() for name, value in weights.items()}, path)

    def quality(self, first: int, last: int) -> dict[str, Any]:
        """Every kept network on fresh points: accuracy on what is true, noise apart, or the mean
        squared error of a regression.
        """
        s, trained = self.s, self.trained([])
        fresh = s.points(s.seed + 1_000_003, FRESH)
        commonest = fresh.clean.bincount().max() / FRESH if fresh.classes else fresh.clean.var()
        return {
            "measured": "accuracy" if fresh.classes else "squared error",
            "points": FRESH,
            "commonest": commonest.item(),
            "scores": {
                f"step {step}": [
                    score(trained.module(k, step=step), fresh) for k in range(s.networks)
                ]
                for step in trained.steps
            },
        }

    def card(self, record: dict[str, Any]) -> str:
        return card(record)


class Stacked:
    """Networks as one, their weights stacked, with the checkpoints so far; saved and restored like
    a module.
    """

    def __init__(self, modules: list[nn.Module], skeleton: nn.Module) -> None:
        self.weights, self.buffers = stack_module_state(modules)
        self.kept: dict[int, dict[str, Tensor]] = {}
        self.forward = self.also(skeleton)

    def __call__(self, x: Tensor) -> Tensor:
        """Inputs ``(networks, batch, 2)`` to ``(networks, batch, outputs)``."""
        return self.forward(x)

    def also(self, skeleton: nn.Module, prefix: str = "") -> Callable[..., Tensor]:
        """Another module of the same weights, with ``prefix`` before their names, network by
        network.
        """
        named = lambda w: {prefix + name: value for name, value in w.items()}  # noqa: E731
        call = vmap(lambda w, b, *x: functional_call(skeleton, (named(w), named(b)), x))
        return lambda *x: call(self.weights, self.buffers, *x)

    def parameters(self) -> list[Tensor]:
        return list(self.weights.values())

    def state_dict(self) -> dict:
        weights = {name: value.detach() for name, value in self.weights.items()}
        return {"weights": weights, "kept": self.kept}

    @torch.no_grad()
    def load_state_dict(self, state: dict) -> None:
        for name, value in self.weights.items():
            value.copy_(state["weights"][name])
        self.kept = state["kept"]


class Orders:
    """Which samples make up a step, for each network its own: a new permutation each epoch.

    A remainder too small for a batch waits for another epoch's order: every step weighs the same.
    """

    def __init__(self, count: int, batch: int, seeds: Sequence[int]) -> None:
        self.count, self.batch, self.seeds = count, batch, seeds
        self._begin()

    def __call__(self, step: int) -> Tensor:
        """Places of the samples of one step, int64 ``(networks, batch)``."""
        epoch, place = divmod(step, self.count // self.batch)
        if epoch < self.epoch:
            self._begin()
        while self.epoch < epoch:  # resumed: the generators catch up
            drawn = [torch.randperm(self.count, generator=g) for g in self.generators]
            self.places, self.epoch = torch.stack(drawn), self.epoch + 1
        return self.places[:, place * self.batch : (place + 1) * self.batch]

    def _begin(self) -> None:
        self.epoch = -1
        self.generators = [torch.Generator().manual_seed(seed) for seed in self.seeds]


def drawn(build: Callable[[], nn.Module], dtype: torch.dtype, seed: int) -> nn.Module:
    """Fresh weights drawn in ``dtype`` itself: drawn in float32 they would already differ between
    processors.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return build()
    finally:
        torch.set_default_dtype(usual)
