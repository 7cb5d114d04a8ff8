"""``plateaus train``: reads the command line, trains, and exports the model with its card."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import torch
import transformers

from plateaus.errors import TrainingError
from plateaus.rules import whole
from plateaus.training.export import export
from plateaus.training.folders import BESIDE, OF_A_RUN, check_target, check_work, written
from plateaus.training.loop import train
from plateaus.training.memory import keep_freed_memory
from plateaus.training.options import assignments, settings
from plateaus.training.run import ShippedRun
from plateaus.training.state import check_state

KINDS = {
    "lm": "language.run:LanguageRun",
    "vision": "images.vision:VisionRun",
    "contrastive": "images.contrastive:ContrastiveRun",
    "toy": "toy.run:ToyRun",
    "dictionary": "dictionary.run:DictionaryRun",
}


def run(given: argparse.Namespace) -> None:
    """Train what the command line asks for, or go on where ``--work`` left off, and export it.

    Raises:
        PlateauError: something given cannot be used; nothing was trained.
    """
    module, _, name = KINDS[given.kind].partition(":")
    kind: type[ShippedRun] = getattr(import_module(f"plateaus.training.{module}"), name)
    preset = getattr(given, "preset", given.kind)
    changes = assignments(given.set, next(iter(kind.presets.values())))
    s = settings(kind.presets, preset, **changes)
    work = Path("runs") / s.name if given.work is None else Path(given.work)
    target = work / "model" if given.export is None else Path(given.export)
    whole(0).check("--keep", given.keep)
    s.place  # noqa: B018  a device that is not there is refused before anything is written
    check_work(work)
    check_state(work)
    check_target(target, work)
    with held(work):
        transformers.utils.logging.disable_progress_bar()  # ours shows loss, speed and time left
        keep_freed_memory()
        torch.set_num_threads(getattr(s, "threads", 1))
        print(f"training {s.name}: state and checkpoints go to {work}, the model to {target}")
        begun = kind.of(s, work, given)
        train(begun, show=True)
        print("measuring the model as it ships", flush=True)
        export(begun, target, keep=given.keep)
    print(f"exported to {target}", flush=True)


@contextmanager
def held(work: Path) -> Iterator[None]:
    """Within, no other process trains in ``work``; what a killed one left half-written is removed.

    Raises:
        TrainingError: another process has it.
    """
    with written(work):
        work.mkdir(parents=True, exist_ok=True)
    opened = os.open(work, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TrainingError(
                f"--work {work} is in use by another process: wait for it, or give another folder."
            ) from error
        for place in (*OF_A_RUN, "model", "checkpoints/step-"):
            for left in work.glob(f"{Path(place).parent}/.{Path(place).name}*{BESIDE}"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield
    finally:
        os.close(opened)
