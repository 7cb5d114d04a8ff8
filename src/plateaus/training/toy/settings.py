"""``plateaus train toy``: the recipe of the toy chapters with its data, as one set of settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from plateaus.data.toy import INPUTS, ToyData, folded_wave, shuffled, spiral
from plateaus.networks.load import device
from plateaus.networks.toy import ARCHITECTURES
from plateaus.rules import one_of, real, whole
from plateaus.training import options
from plateaus.training.toy.recipe import Recipe, log_spaced


@dataclass(frozen=True, kw_only=True)
class ToySettings:
    """One training of several networks that differ in their seed."""

    rules: ClassVar = {
        "name": options.NAME,
        "architecture": one_of(*ARCHITECTURES),
        "task": one_of("spiral", "wave"),
        "inputs": one_of(*INPUTS),
        "labels": one_of("true", "shuffled"),
        "noise": real(0, below=1),
        "classes": whole(2, 1000),
        "samples": whole(1, 10**8),
        "width": whole(1, 2**12),
        "blocks": whole(1, 1000),
        "epochs": whole(1, 10**6),
        "rate": real(above=0, below=1),
        "networks": whole(1, 1000),
        "checkpoints": whole(0, 1000),
        "seed": whole(0, 2**32 - 1),
    }

    name: str = "toy"
    architecture: str = "residual"
    """``"residual"`` is the proposal's network; ``"no-norm"``, ``"no-skip"``, ``"gelu"`` and
    ``"linear"`` change one part of it.
    """
    task: str = "spiral"
    """``"spiral"`` (sectors of theta + 4 r) or ``"wave"`` (the regression (sin x_1 + cos x_2) 1[x_1
    < 0]).
    """
    classes: int = 2
    noise: float = 0.0
    """Share of wrong labels, or the standard deviation of noise in a regression's targets."""
    inputs: str = "uniform"
    labels: str = "true"
    """``"shuffled"``: the targets are dealt out once at random."""
    samples: int = 10_000
    width: int = 16
    blocks: int = 20
    epochs: int = 50
    batch: int = 64
    rate: float = 1e-3
    networks: int = 5
    """How many are trained side by side, from seed ``seed`` on."""
    checkpoints: int = 8
    """How many are kept beside step 0, log-spaced."""
    seed: int = 0
    """Draws the data, and the first network."""
    device: str = "cpu"

    def __post_init__(self) -> None:
        options.check(self)

    @property
    def place(self) -> torch.device:
        """Where to train. Raises :class:`NoDevice` if torch has no such device."""
        return device(self.device)

    @property
    def recipe(self) -> Recipe:
        """How the networks are trained."""
        recipe = {
            "epochs": self.epochs,
            "batch": self.batch,
            "rate": self.rate,
            "seeds": tuple(range(self.seed, self.seed + self.networks)),
        }
        last = Recipe(**recipe).steps(self.samples)
        return Recipe(**recipe, checkpoints=log_spaced(last, self.checkpoints))

    def points(self, seed: int, samples: int) -> ToyData:
        """Data of this task drawn with ``seed``; targets are in their places."""
        drawn = {"samples": samples, "noise": self.noise, "inputs": self.inputs, "seed": seed}
        if self.task == "spiral":
            return spiral(classes=self.classes, **drawn)
        return folded_wave(**drawn)

    @property
    def training(self) -> ToyData:
        """What the networks are trained on."""
        drawn = self.points(self.seed, self.samples)
        return shuffled(drawn, seed=self.seed) if self.labels == "shuffled" else drawn


PRESETS = {"toy": ToySettings()}
