"""Many small experiments as one: networks of one shape on data of many kinds, each with its loss.

A network of width 16 leaves a processor idle; a hundred of them side by side do not. They exchange
nothing. Inputs and outputs that a task does not have are zeros with weights that are zero and stay
so, which changes no other number.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from plateaus.data.toy import ToyData
from plateaus.errors import TrainingError
from plateaus.networks.residual import ResidualMLP
from plateaus.training.loop import train as train_run
from plateaus.training.run import Run
from plateaus.training.toy.bending import POINTS, Bending
from plateaus.training.toy.losses import LOSSES, REGRESSIONS
from plateaus.training.toy.recipe import Recipe, Trained
from plateaus.training.toy.run import Stacked, drawn


@dataclass(frozen=True, kw_only=True)
class Case:
    """One experiment: trained once for each seed of the recipe."""

    build: Callable[[], ResidualMLP]
    """Makes the network; all cases differ in inputs and outputs at most."""
    data: ToyData
    loss: str = "cross-entropy"
    """Of a classification: a name in ``losses.LOSSES``."""
    regression: str = "squared"
    """Of a regression: a name in ``losses.REGRESSIONS``."""
    bending: float | None = None
    """Weight of the penalty ``bending.Bending``; None: it is not computed."""

    def __post_init__(self) -> None:
        for kind, losses, given in (
            ("classification", LOSSES, self.loss),
            ("regression", REGRESSIONS, self.regression),
        ):
            if given not in losses:
                raise TrainingError(
                    f"The loss of a {kind} is one of {', '.join(losses)}, got {given!r}: choose "
                    "one of these."
                )


def train_many(
    cases: Mapping[str, Case], recipe: Recipe, *, steps: int, checkpoints: tuple[int, ...] = ()
) -> dict[str, Trained]:
    """Train every case once for each seed of ``recipe``, for ``steps`` steps of ``recipe.batch``.

    Each network goes through its own data again and again, in an order of its own; the epochs of
    the recipe are not used.

    Raises:
        TrainingError: the loss stopped being finite.
    """
    run = ManyRun(cases, recipe, steps, checkpoints)
    train_run(run)
    return {name: run.trained(name) for name in cases}


class ManyRun(Run):
    """All seeds of all cases, stacked."""

    kind = "toy"

    def __init__(
        self,
        cases: Mapping[str, Case],
        recipe: Recipe,
        steps: int,
        checkpoints: tuple[int, ...],
    ) -> None:
        self.cases, self.recipe, seeds = cases, recipe, recipe.seeds
        self.pace = SimpleNamespace(  # what the loop reads of settings
            name="toys",
            unit="samples",
            per_step=recipe.batch,
            report_every=max(1, steps),
            save_every=max(1, steps),
            last_step=steps,
            checkpoint_steps={0, *checkpoints, steps},
            rate_at=lambda step: recipe.rate,
            clip=math.inf,
            threads=1,
        )
        self.place = torch.device("cpu")
        own = {
            name: [drawn(case.build, recipe.dtype, seed) for seed in seeds]
            for name, case in cases.items()
        }
        self.skeletons = {name: copy.deepcopy(modules[0]) for name, modules in own.items()}
        inputs, outputs = (max(f(m[0]) for m in own.values()) for f in (_inputs, _outputs))
        lanes = [widened(module, inputs, outputs) for modules in own.values() for module in modules]
        self.shipped = copy.deepcopy(lanes[0])
        self.model = Stacked(lanes, self.shipped)
        self.optimisers = [recipe.moves(self.model.parameters())]
        self.bending = [case.bending for case in cases.values() for _ in seeds]
        if any(weight is not None for weight in self.bending):
            self.bent = self.model.also(Bending(self.shipped), prefix="net.")
        self.x = [_padded(case.data.x.to(recipe.dtype), inputs) for case in cases.values()]
        self.order = [
            Endless(len(case.data), recipe.batch, seed) for case in cases.values() for seed in seeds
        ]

    def loss(self, step: int) -> Tensor:
        """One number for each network, ``(cases x seeds,)``."""
        count = len(self.recipe.seeds)
        index = torch.stack([order(step) for order in self.order])
        rows = index.split(count)
        x = torch.cat([data[some] for data, some in zip(self.x, rows, strict=True)])
        found = []
        seen = zip(self.cases.values(), rows, self.model(x).split(count), strict=True)
        for case, some, output in seen:
            target = case.data.y[some]
            output = output[..., : case.data.outputs]
            if case.data.classes is None:
                found.append(REGRESSIONS[case.regression](output, target.to(output.dtype)))
            else:
                found.append(LOSSES[case.loss](output, target))
        lost = torch.cat(found)
        if not hasattr(self, "bent"):
            return lost
        weights = lost.new_tensor([weight or 0.0 for weight in self.bending])
        random = torch.Generator().manual_seed(step)
        part = torch.rand(POINTS, generator=random).expand(len(x), -1)
        return lost + weights * self.bent(x[:, :POINTS], part[:, : x.shape[1]])

    def keep(self, step: int) -> None:
        self.model.kept[step] = {
            name: value.detach().clone() for name, value in self.model.weights.items()
        }

    def trained(self, name: str) -> Trained:
        """The networks of one case, without what it does not use of inputs and outputs."""
        count, skeleton = len(self.recipe.seeds), self.skeletons[name]
        start = list(self.cases).index(name) * count
        shapes = {key: value.shape for key, value in skeleton.state_dict().items()}
        weights = {
            step: {
                key: value[start : start + count][(slice(None), *map(slice, shapes[key]))]
                for key, value in kept.items()
            }
            for step, kept in self.model.kept.items()
        }
        none = torch.zeros(0, count, dtype=self.recipe.dtype)
        return Trained(recipe=self.recipe, weights=weights, loss=none, skeleton=skeleton)


class Endless:
    """Which samples make up a step: permutations one after the other, cut into batches."""

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self.count, self.batch = count, batch
        self.generator = torch.Generator().manual_seed(seed)
        self.left = torch.zeros(0, dtype=torch.int64)

    def __call__(self, step: int) -> Tensor:
        """The places of the next step, int64 ``(batch,)``."""
        while len(self.left) < self.batch:
            more = torch.randperm(self.count, generator=self.generator)
            self.left = torch.cat([self.left, more])
        index, self.left = self.left[: self.batch], self.left[self.batch :]
        return index


@torch.no_grad()
def widened(module: ResidualMLP, inputs: int, outputs: int) -> ResidualMLP:
    """The same function of its own inputs, with further inputs that it does not see, and further
    outputs that are 0.
    """
    module = copy.deepcopy(module)
    encoder, last = module.encoder, module.head[-1]
    module.encoder = nn.Linear(inputs, encoder.out_features, dtype=encoder.weight.dtype)
    module.encoder.weight.copy_(_padded(encoder.weight, inputs))
    module.encoder.bias.copy_(encoder.bias)
    module.head[-1] = nn.Linear(last.in_features, outputs, dtype=last.weight.dtype)
    module.head[-1].weight.copy_(_padded(last.weight.T, outputs).T)
    module.head[-1].bias.copy_(_padded(last.bias, outputs))
    return module


def _padded(x: Tensor, width: int) -> Tensor:
    """Zeros behind the last axis, up to ``width``."""
    return nn.functional.pad(x, (0, width - x.shape[-1]))


def _inputs(module: ResidualMLP) -> int:
    return module.encoder.in_features


def _outputs(module: ResidualMLP) -> int:
    return module.head[-1].out_features
