"""Ship what a run trained: a folder with its checkpoints, measurements, card and checksums."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from plateaus.disk import write_json
from plateaus.errors import TrainingError
from plateaus.training.folders import RECORD, replaced, write_sums
from plateaus.training.loop import begin, cost
from plateaus.training.run import ShippedRun


def export(run: ShippedRun, target: Path, *, keep: int = 99) -> dict[str, Any]:
    """Put the last checkpoint of a finished run into ``target``, measured as it ships, and earlier
    ones into ``target/checkpoints/step-<n>``.

    ``keep`` limits the earlier ones: step 0 is kept first, then the latest. Returns what
    ``training.json`` says.

    Raises:
        TrainingError: the run has not come to its end, or ``target`` is not to be replaced.
    """
    (step, log), pace = begin(run), run.pace
    if step < pace.last_step:
        raise TrainingError(
            f"{run.work} has no finished run: train with the same --work to its end first."
        )
    first, *earlier, last = [row["step"] for row in log if "loss" not in row]
    steps = [*([first, *earlier[max(0, len(earlier) + 1 - keep) :]] if keep else []), last]
    with replaced(target, run.work) as folder:
        run.ship(folder, steps)
        record = {
            "name": run.s.name,
            "recipe": run.kind,
            "settings": asdict(run.s),
            "data": run.data,
            "steps": last,
            pace.unit: last * pace.per_step,
            "parameters": sum(p.numel() for p in run.shipped.parameters()),
            "checkpoints": steps,
            "quality": run.quality(first, last),
            "device": run.place.type,
            **cost(log, pace.unit),
            "versions": {"torch": torch.__version__},
            "log": log,
        }
        finish(folder, record, run.card(record))
    return record


def finish(folder: Path, record: dict[str, Any], card: str) -> None:
    """Write record, card and, over all that is there, the checksums."""
    write_json(record, folder / RECORD)
    (folder / "README.md").write_text(card, encoding="utf-8")
    write_sums(folder)
