"""What every run on a schedule is told; when its rate changes and its checkpoints fall."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch

from plateaus.networks.load import device
from plateaus.rules import Rule, real, whole
from plateaus.training import options


@dataclass(frozen=True, kw_only=True)
class Settings(ABC):
    """One training run; a kind of model adds what it needs.

    Raises:
        BadParameter: a value that cannot be, by name.
    """

    unit: ClassVar[str] = "samples"
    """What is counted."""
    report_every: ClassVar[int] = 20
    """Steps whose mean loss makes one row of the log."""
    save_every: ClassVar[int] = 200
    """Steps after which the state is written."""
    rules: ClassVar[dict[str, Rule]] = {
        "name": options.NAME,
        "batch": whole(1, 2**20),
        "final_rate": real(0, 1),
        "warmup": real(0, 1),
        "weight_decay": real(0),
        "checkpoints": whole(0, 100),
        "spacing": real(1.01, 1000),
        "seed": whole(0, 2**32 - 1),
        "threads": whole(1, 1024),
    }

    name: str
    batch: int = 128
    learning_rate: float = 3e-3
    final_rate: float = 0.01
    """Learning rate at the end, as a fraction of the peak."""
    warmup: float = 0.05
    """Fraction of the run over which the learning rate rises linearly."""
    weight_decay: float = 0.05
    clip: float = 1.0
    checkpoints: int = 6
    """How many are kept beside step 0, log-spaced backwards from the end."""
    spacing: float = 4.0
    """Each is so many times further than the one before."""
    seed: int = 0
    device: str = "auto"
    threads: int = 2

    def __post_init__(self) -> None:
        options.check(self)

    @property
    def place(self) -> torch.device:
        """Where to train. Raises :class:`NoDevice` if torch has no such device."""
        return device(self.device)

    @property
    @abstractmethod
    def length(self) -> int:
        """Length of the run in units."""

    @property
    def per_step(self) -> int:
        """Units of one step."""
        return self.batch

    @property
    def steps(self) -> int:
        """Length of the schedule in steps."""
        return max(1, self.length // self.per_step)

    @property
    def last_step(self) -> int:
        """Where the run ends: with the schedule."""
        return self.steps

    @property
    def checkpoint_steps(self) -> list[int]:
        """Step 0, the log-spaced ones up to the last step, and the last step itself."""
        spaced = {round(self.steps / self.spacing**k) for k in range(self.checkpoints)}
        return sorted({step for step in spaced if step < self.last_step} | {0, self.last_step})

    def rate_at(self, step: int) -> float:
        """Linear warm-up, then a cosine to ``final_rate`` of the peak."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        cosine = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))
        return self.learning_rate * (self.final_rate + (1 - self.final_rate) * cosine)
