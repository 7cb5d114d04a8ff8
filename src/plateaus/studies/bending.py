"""Can plateaus be trained away? The reference network on two tasks, with a penalty on the bending
of its paths and without it.
"""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from plateaus.experiments.sharpness import over
from plateaus.studies import Setting, Study

TASKS = ("spiral", "digits")
WEIGHTS = {"without": None, "weight 0": 0.0, "weight 10": 10.0}
"""Of the penalty; 10 is the weight of the language model that is trained with it."""


def study(
    tables: str | None = None,
    *,
    tasks: Sequence[str] = TASKS,
    seeds: Sequence[int] = tuple(range(5)),
    steps: int = 600,
    pairs: int = 100,
) -> xr.Dataset:
    """Dims ``task, penalty`` and those of ``Study.run``."""

    def each(task: str) -> xr.Dataset:
        settings = {n: Setting(task=task, bending=w, steps=steps) for n, w in WEIGHTS.items()}
        found = Study(settings=settings, seeds=seeds, pairs=pairs).run()
        return found.rename(setting="penalty")

    return over("task", {task: task for task in tasks}, each)
