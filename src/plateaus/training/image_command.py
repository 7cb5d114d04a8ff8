"""``plateaus train vision`` and ``plateaus train contrastive``: read the command line, train,
export.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import transformers

from plateaus.data.images import load_images
from plateaus.errors import TrainingError
from plateaus.training import contrastive as contrastive_recipe
from plateaus.training import vision as vision_recipe
from plateaus.training.folders import check_target
from plateaus.training.image_export import export
from plateaus.training.image_settings import CONTRASTIVE, VISION, ImageSettings, settings
from plateaus.training.options import assignments


def vision(arguments: argparse.Namespace) -> None:
    _run(arguments, VISION, vision_recipe.train)


def contrastive(arguments: argparse.Namespace) -> None:
    _run(arguments, CONTRASTIVE, contrastive_recipe.train)


def _run(arguments: argparse.Namespace, presets: dict[str, ImageSettings], train: Callable) -> None:
    s = settings(
        presets, arguments.preset, **assignments(arguments.set, next(iter(presets.values())))
    )
    if arguments.data is None:
        raise TrainingError(
            "training on images needs some: give --data a folder with .npz files, one such file, or hub:<dataset>."
        )
    work = Path(arguments.work or Path("runs") / s.name)
    target = Path(work / "model" if arguments.export is None else arguments.export)
    check_target(target, work)
    images = load_images(arguments.data, s.images, arguments.revision)
    transformers.utils.logging.disable_progress_bar()  # ours shows loss, speed and time left
    train(s, work, images, report=lambda line: print(line, flush=True))
    export(s, work, target, images, keep=arguments.keep)
    print(f"exported to {target}", flush=True)
