"""Can plateaus be trained away? The reference network on two tasks, with a penalty on the bending
of its paths and without it.
"""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from plateaus.experiments import tasks as toys
from plateaus.experiments.sharpness import over
from plateaus.networks.network import Network
from plateaus.studies import STEPS, Setting, Study, by_seed
from plateaus.training.toy import Trained

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
    """Dims ``task, penalty`` and those of ``Study.run``, with ``loss`` on fresh points [nats]."""

    def each(task: str) -> xr.Dataset:
        settings = {n: Setting(task=task, bending=w, steps=steps) for n, w in WEIGHTS.items()}
        some = Study(settings=settings, seeds=seeds, pairs=pairs)
        networks = {name: trained for name, trained, _ in some.trained()}
        fresh = some.task(settings["without"]).test

        def loss(net: Network) -> xr.Dataset:
            return xr.Dataset({"loss": ((), toys.loss(net, fresh), {"units": "nats"})})

        def lost(trained: Trained) -> xr.Dataset:
            return over("weights", STEPS, lambda at: over("seed", by_seed(trained, at), loss))

        found = some.measured(networks).merge(over("setting", networks, lost))
        return found.rename(setting="penalty")

    return over("task", {task: task for task in tasks}, each)
