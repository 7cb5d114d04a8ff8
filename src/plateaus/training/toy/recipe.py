"""The recipe for toy networks: Adam on mini-batches, several seeds side by side in one batched
network, and what comes of it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from plateaus.data.toy import ToyData
from plateaus.errors import TrainingError
from plateaus.networks.network import Network
from plateaus.networks.residual import network


def _sgd(parameters: Sequence[Tensor], *, lr: float, weight_decay: float) -> torch.optim.SGD:
    """Decay as in AdamW has the same size as SGD's own: it too is multiplied by the rate."""
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9, weight_decay=weight_decay)


OPTIMISERS = {"adam": torch.optim.AdamW, "sgd": _sgd}
"""AdamW without weight decay is Adam."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a toy network is trained; everything that decides the result but the data and the
    architecture.
    """

    epochs: int = 50
    """Passes over the data."""
    batch: int = 64
    """Samples a step."""
    rate: float = 1e-3
    """Learning rate of Adam."""
    dtype: torch.dtype = torch.float64
    """Adam amplifies rounding errors, and these differ between processors: in float32 the figures
    after a thousand steps differ from one machine to the next, in float64 they agree in all digits
    shown."""
    optimiser: str = "adam"
    """``"adam"``, or ``"sgd"`` with momentum 0.9."""
    decay: float = 0.0
    """Weight decay, apart from the gradient (as in AdamW)."""
    seeds: tuple[int, ...] = (0,)
    """One network each: the seed draws its first weights and its order of the samples."""
    checkpoints: tuple[int, ...] = ()
    """Steps after which the weights are kept, besides 0 (untrained) and the last."""

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS or not self.decay >= 0:
            raise TrainingError(
                f"A recipe has an optimiser, {' or '.join(OPTIMISERS)}, and a weight decay of at "
                f"least 0, got {self.optimiser!r} and {self.decay}: change what is wrong."
            )
        if self.epochs < 0 or self.batch < 1 or not self.rate > 0 or not self.seeds:
            raise TrainingError(
                "A recipe needs epochs >= 0, batch >= 1, rate > 0 and at least one seed, got "
                f"{self.epochs}, {self.batch}, {self.rate} and {self.seeds}."
            )

    def moves(self, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
        """The optimiser of this recipe."""
        return OPTIMISERS[self.optimiser](parameters, lr=self.rate, weight_decay=self.decay)

    def steps(self, samples: int) -> int:
        """How many steps this recipe takes on that many samples."""
        return self.epochs * (samples // self.batch)


def log_spaced(last: int, count: int) -> tuple[int, ...]:
    """At most ``count`` steps between 1 and ``last``, equally spaced on a logarithmic axis, without
    repeats.
    """
    if last < 1:
        return ()
    return tuple(sorted({round(last ** (k / max(count - 1, 1))) for k in range(count)}))


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Networks of one recipe, one for each seed, at every kept step."""

    recipe: Recipe
    weights: dict[int, dict[str, Tensor]]
    """Step -> parameter name -> ``(seeds, ...)``; the first is 0, the last the end of training."""
    loss: Tensor
    """Mean training loss of each epoch, ``(epochs, seeds)``: nats, or squared units for a
    regression.
    """
    skeleton: nn.Module = field(repr=False)
    """A module of the architecture whose weights are to be replaced."""

    @property
    def steps(self) -> tuple[int, ...]:
        """The kept steps, from 0 to the last."""
        return tuple(self.weights)

    def module(self, index: int = 0, *, step: int = -1) -> nn.Module:
        """The network of the ``index``-th seed after ``step`` steps; -1 is the last."""
        step = self.steps[-1] if step == -1 else step
        if step not in self.weights:
            raise TrainingError(
                f"Step {step} was not kept; these were: {', '.join(map(str, self.weights))}."
            )
        module = copy.deepcopy(self.skeleton)
        module.load_state_dict({name: value[index] for name, value in self.weights[step].items()})
        return module

    def networks(self, *, step: int = -1, dtype: torch.dtype = torch.float64) -> list[Network]:
        """One ``Network`` for each seed, in float64: contraction is a difference of near-equal
        numbers.
        """
        names = [f"seed {seed}" for seed in self.recipe.seeds]
        return [
            network(self.module(k, step=step), name=name, dtype=dtype)
            for k, name in enumerate(names)
        ]


def accuracy(module: nn.Module, data: ToyData) -> float:
    """Share of the samples whose class, noise apart, the network names."""
    if data.classes is None:
        raise TrainingError("A regression has no accuracy: read its loss instead.")
    return score(module, data)


@torch.no_grad()
def score(module: nn.Module, data: ToyData) -> float:
    """:func:`accuracy`, or the mean squared error of a regression."""
    output = module(data.x.to(next(module.parameters()).dtype))
    if data.classes is None:
        return (output - data.clean).square().mean().item()
    return (output.argmax(-1) == data.clean).float().mean().item()
