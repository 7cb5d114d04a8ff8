"""``plateaus train lm``: reads the command line, trains, and exports the model with its card."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import transformers

from plateaus.errors import TrainingError
from plateaus.training.lm import train
from plateaus.training.lm_export import export
from plateaus.training.lm_settings import PRESETS, Settings, settings


def changes(assignments: list[str]) -> dict[str, object]:
    """``["blocks=3", "name=x"]`` with the kinds of :class:`Settings`. Raises :class:`TrainingError` for what is not an assignment."""
    kinds = {f.name: type(getattr(PRESETS["prose"], f.name)) for f in fields(Settings)}
    out: dict[str, object] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise TrainingError(f"--set was given {assignment!r}: write NAME=VALUE, for example blocks=6.")
        try:
            out[name] = kinds.get(name, str)(value)
        except ValueError as error:
            raise TrainingError(f"setting {name} was given {value!r}: it must be a {kinds[name].__name__}.") from error
    return out


def run(arguments: argparse.Namespace) -> None:
    chosen = settings(arguments.preset, **changes(arguments.set))
    work = Path(arguments.work or Path("runs") / chosen.name)
    work.mkdir(parents=True, exist_ok=True)
    transformers.utils.logging.disable_progress_bar()   # ours shows loss, speed and time left
    train(chosen, work, corpus=arguments.corpus, revision=arguments.revision, report=lambda line: print(line, flush=True))
    target = Path(arguments.export) if arguments.export else work / "model"
    export(chosen, work, target, keep=arguments.keep)
    print(f"exported to {target}", flush=True)
