"""What a kind of model adds to the one recipe: what is trained, on what, and how it ships."""

from __future__ import annotations

import math
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from plateaus.training.folders import check_work, whole, write_sums, written
from plateaus.training.settings import Settings
from plateaus.training.state import check_state, tie


class Run(ABC):
    """One training run, from its settings to what ships."""

    kind: ClassVar[str]
    """What the record calls the recipe."""
    s: Any
    """Its settings, a dataclass."""
    work: Path | None = None
    """Its folder; None: nothing is written."""
    data: dict[str, Any]
    """What is known of the data, with checksums: a state is held to it, the record tells it."""
    model: nn.Module
    """Everything that is learnt, saved and restored as a whole."""
    optimisers: Sequence[Optimizer]

    def open(self, s: Settings, work: Path) -> None:
        """Use the folder ``work``: what a run was begun with there must be the same.

        Raises:
            TrainingError: it is the folder of something else, or its state is damaged.
        """
        check_work(work)
        check_state(work)
        with written(work):
            work.mkdir(parents=True, exist_ok=True)
        self.s, self.work = s, work
        tie(work, asdict(s), begin=False)

    @cached_property
    def pace(self) -> Settings:
        """When its rate changes and what falls where: the settings say so."""
        return self.s

    @cached_property
    def place(self) -> torch.device:
        """Where it is trained."""
        return self.s.place

    @property
    def decides(self) -> dict[str, Any]:
        """Everything that decides the result: the settings, and what is known of the data."""
        return asdict(self.s) | {f"data: {name}": value for name, value in self.data.items()}

    @cached_property
    def shipped(self) -> nn.Module:
        """The part of the model that a checkpoint holds."""
        return self.model

    @abstractmethod
    def loss(self, step: int) -> Tensor:
        """The loss in nats of the step of this number, which alone decides its data; for several
        networks side by side one each, ``(networks,)``.
        """

    def reached(self) -> Tensor:
        """Numbers that are finite as long as the weights can be used."""
        return torch.stack([p.detach().norm(math.inf) for p in self.model.parameters()])

    def measure(self) -> dict[str, float]:
        """Numbers of a checkpoint; they neither depend on nor change a random generator's state."""
        return {}

    def keep(self, step: int) -> None:
        """Keep a checkpoint."""
        with whole(self.work / "checkpoints" / f"step-{step}") as folder:
            save_rounded(self.shipped, folder, self.rounded)

    def rounded(self, name: str, tensor: Tensor) -> bool:
        """Whether a tensor is stored in bfloat16."""
        return True


class ShippedRun(Run):
    """A run whose model ships: measured, described and exported."""

    def ship(self, folder: Path, steps: Sequence[int]) -> None:
        """Fill an export with the checkpoints of ``steps``, of which the last is the model itself;
        each can be read by itself.
        """
        for step in steps:
            place = folder if step == steps[-1] else folder / "checkpoints" / f"step-{step}"
            shutil.copytree(self.work / "checkpoints" / f"step-{step}", place, dirs_exist_ok=True)
            self.describe(place)

    @contextmanager
    def exported(self) -> Iterator[Path]:
        """Within, an export of a finished run with all its checkpoints, in a folder of its name."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / self.s.name
            folder.mkdir()
            self.ship(folder, self.pace.checkpoint_steps)
            write_sums(folder)
            yield folder

    def describe(self, folder: Path) -> None:
        """Write what a reader needs beside the weights."""
        return

    @abstractmethod
    def quality(self, first: int, last: int) -> dict[str, Any]:
        """How good the checkpoints of these steps are, read as a reader would."""

    @abstractmethod
    def card(self, record: dict[str, Any]) -> str:
        """Markdown for ``README.md`` from the record that is saved as ``training.json``."""


def save_rounded(
    model: nn.Module, folder: Path, rounded: Callable[[str, Tensor], bool] = lambda *_: True
) -> None:
    """The model as a Hugging Face folder, rounded to bfloat16 for storage where ``rounded`` says
    so; the model in memory keeps its precision, and readers compute in float32.
    """
    shared = getattr(model.config, "tie_word_embeddings", False)
    tied = model._tied_weights_keys or () if shared else ()
    weights = {  # one matrix under two names is stored once
        name: tensor.detach().to(torch.bfloat16 if rounded(name, tensor) else tensor.dtype)
        for name, tensor in model.state_dict().items()
        if name not in tied
    }
    model.save_pretrained(
        folder, state_dict={name: tensor.cpu().contiguous() for name, tensor in weights.items()}
    )
