"""``plateaus train lm``: reads the command line, trains, and exports the model with its card."""

from __future__ import annotations

import argparse
from pathlib import Path

import transformers

from plateaus.training.folders import check_target
from plateaus.training.lm import train
from plateaus.training.lm_export import export
from plateaus.training.lm_settings import PRESETS, settings
from plateaus.training.options import assignments


def run(arguments: argparse.Namespace) -> None:
    chosen = settings(arguments.preset, **assignments(arguments.set, PRESETS["prose"]))
    work = Path(arguments.work or Path("runs") / chosen.name)
    target = Path(work / "model" if arguments.export is None else arguments.export)
    check_target(target, work)
    work.mkdir(parents=True, exist_ok=True)
    transformers.utils.logging.disable_progress_bar()  # ours shows loss, speed and time left
    train(
        chosen,
        work,
        corpus=arguments.corpus,
        revision=arguments.revision,
        report=lambda line: print(line, flush=True),
    )
    export(chosen, work, target, keep=arguments.keep)
    print(f"exported to {target}", flush=True)
