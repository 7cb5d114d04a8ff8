"""The recipe for toy networks: Adam on mini-batches, several seeds side by side in one batched
network.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from plateaus.data.toy import ToyData
from plateaus.errors import TrainingError
from plateaus.networks.network import Network
from plateaus.networks.residual import network
from plateaus.training.files import load_state, save_state


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
    seeds: tuple[int, ...] = (0,)
    """One network each: the seed draws its first weights and its order of the samples."""
    checkpoints: tuple[int, ...] = ()
    """Steps after which the weights are kept, besides 0 (untrained) and the last."""

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch < 1 or not self.rate > 0 or not self.seeds:
            raise TrainingError(
                f"A recipe needs epochs >= 0, batch >= 1, rate > 0 and at least one seed, got {self.epochs}, "
                f"{self.batch}, {self.rate} and {self.seeds}."
            )

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

    def save(self, folder: str | os.PathLike) -> list[Path]:
        """Write every kept network as ``seed-<s>/step-<n>.safetensors``; returns the paths."""
        paths = []
        for step, weights in self.weights.items():
            for k, seed in enumerate(self.recipe.seeds):
                path = Path(folder) / f"seed-{seed}" / f"step-{step}.safetensors"
                path.parent.mkdir(parents=True, exist_ok=True)
                save_file({name: value[k].contiguous() for name, value in weights.items()}, path)
                paths.append(path)
        return paths


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch on one thread: handing out matrices of width 16 to more costs far longer than they
    take.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@one_thread()
def train(
    build: Callable[[], nn.Module],
    data: ToyData,
    recipe: Recipe,
    *,
    device: torch.device | str = "cpu",
    state: Path | None = None,
    known: dict | None = None,
    report: Callable[[int, Tensor], None] | None = None,
) -> Trained:
    """Train ``build()`` on ``data`` once for each seed.

    The seeds never exchange anything: their losses are summed, so each gets its own gradient, and
    Adam works number by number. They are only computed together, because a network of width 16
    leaves most of a processor idle. Runs with the same recipe on one machine give the same weights.

    Args:
        state: a file that is written after every epoch; if it is there, training goes on from it.
        known: what else decides the result (data, architecture), for the state to be held to.
        report: is called after every epoch with its number and the mean loss of each seed,
            ``(seeds,)``.

    Raises:
        TrainingError: the loss stopped being finite, a batch is larger than the data, or the state
            belongs to other settings.
    """
    if recipe.batch > len(data):
        raise TrainingError(
            f"A batch of {recipe.batch} does not fit {len(data)} samples: give a smaller batch."
        )
    modules = []
    for seed in recipe.seeds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            modules.append(_drawn(build, recipe.dtype).to(device))
    skeleton = copy.deepcopy(modules[0])
    weights, buffers = stack_module_state(modules)
    forward = vmap(lambda w, x: functional_call(skeleton, (w, buffers), (x,)))
    optimiser = torch.optim.Adam(weights.values(), lr=recipe.rate)
    orders = [torch.Generator().manual_seed(seed) for seed in recipe.seeds]
    x, y = data.x.to(device, recipe.dtype), data.y.to(device)
    y = y if y.dtype == torch.long else y.to(recipe.dtype)
    last = recipe.steps(len(x))
    if any(not 0 <= step <= last for step in recipe.checkpoints):
        raise TrainingError(
            f"Checkpoints {recipe.checkpoints} must be steps between 0 and {last}, the last of this recipe."
        )
    run, settings = (
        _Run(weights=weights, kept={0: _copy(weights)}),
        {**_plain(recipe), **(known or {})},
    )
    step, losses = (0, []) if state is None else load_state(state, run, [optimiser], settings)
    kept, done = run.kept, len(losses)
    for epoch in range(1, recipe.epochs + 1):
        order = torch.stack([torch.randperm(len(x), generator=g) for g in orders]).to(device)
        if epoch <= done:  # resumed: only the generators have to catch up
            continue
        # A remainder too small for a batch waits for another epoch's order: every step weighs the
        # same.
        batches = order[:, : len(x) // recipe.batch * recipe.batch].split(recipe.batch, dim=1)
        total = torch.zeros(len(modules), device=device, dtype=recipe.dtype)
        for index in batches:
            loss = _loss(forward(weights, x[index]), y[index], data.classes)
            optimiser.zero_grad()
            loss.sum().backward()
            optimiser.step()
            total += loss.detach()
            step += 1
            if step == last or step in recipe.checkpoints:
                kept[step] = _copy(weights)
        if not torch.isfinite(total).all():
            raise TrainingError(
                f"The loss was no longer finite in epoch {epoch}: lower the rate of {recipe.rate}."
            )
        losses.append((total.cpu() / len(batches)).tolist())
        if state is not None:
            save_state(state, run, [optimiser], step, losses, settings)
        if report is not None:
            report(epoch, torch.tensor(losses[-1]))
    curve = torch.tensor(losses, dtype=recipe.dtype) if losses else torch.zeros(0, len(modules))
    return Trained(recipe=recipe, weights=kept, loss=curve, skeleton=skeleton.cpu())


def accuracy(module: nn.Module, data: ToyData) -> float:
    """Share of the samples whose class, noise apart, the network names."""
    if data.classes is None:
        raise TrainingError("A regression has no accuracy: read its loss instead.")
    with torch.no_grad():
        x = data.x.to(next(module.parameters()).dtype)
        return (module(x).argmax(-1) == data.clean).float().mean().item()


def _drawn(build: Callable[[], nn.Module], dtype: torch.dtype) -> nn.Module:
    """Fresh weights drawn in ``dtype`` itself: drawn in float32 they would already differ between
    processors.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return build()
    finally:
        torch.set_default_dtype(usual)


def _loss(output: Tensor, target: Tensor, classes: int | None) -> Tensor:
    """Cross-entropy or squared error of each network, ``(seeds,)``, for outputs ``(seeds, batch,
    c)``.
    """
    if classes is None:
        return (output - target).square().mean((1, 2))
    return nn.functional.cross_entropy(output.transpose(1, 2), target, reduction="none").mean(1)


@dataclass(kw_only=True)
class _Run:
    """Weights of all seeds and the checkpoints so far, saved and restored like a module."""

    weights: dict[str, Tensor]
    kept: dict[int, dict[str, Tensor]]

    def state_dict(self) -> dict:
        return {
            "weights": {name: value.detach() for name, value in self.weights.items()},
            "kept": self.kept,
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict) -> None:
        for name, value in self.weights.items():
            value.copy_(state["weights"][name])
        self.kept = state["kept"]


def _plain(recipe: Recipe) -> dict:
    """The recipe in kinds that a state file may hold."""
    return {
        f.name: getattr(recipe, f.name) if f.name != "dtype" else str(recipe.dtype)
        for f in fields(recipe)
    }


def _copy(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in weights.items()}
