"""Language models on the way through their training, which is carried out again because their
checkpoints were not kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
import xarray as xr

from plateaus.data import prompts
from plateaus.experiments.ends import Ends
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.studies.dynamics import of_state
from plateaus.training.folders import write_sums
from plateaus.training.language.run import LanguageRun
from plateaus.training.language.settings import LanguageSettings, settings
from plateaus.training.loop import begin, train

RUNS = Path("runs")
"""Where trainings are kept, so that one that was ended goes on; as of ``plateaus train``."""


AGAIN = tuple(settings(name, threads=1) for name in ("laboratory-6l", "laboratory-6l-seed1"))
PAIRS = 50


def study(again: Sequence[LanguageSettings] = AGAIN, *, runs: Path = RUNS) -> xr.Dataset:
    """Side by side along ``state``, what ``dynamics.of_state`` gives of each kept step."""
    states = []
    for s in again:
        every = list(trained(s, runs / s.name))
        some = prompts.unrelated(every[-1][1], PAIRS, seed=0)
        apart = prompts.sharing_context(every[-1][1], PAIRS, seed=0)
        for step, lm in every:
            ends = Ends.of_prompts(lm, some), Ends.of_prompts(lm, apart)
            name = {"model": s.name.split("-seed")[0], "seed": s.seed, "step": step}
            states.append(of_state(*ends, **name))
    return xr.concat(states, "state", combine_attrs="drop").rename(pair="line")


def trained(s: LanguageSettings, work: Path) -> Iterator[tuple[int, LanguageModel]]:
    """Step and model at each checkpoint of a training that is carried out, or gone on with, in
    ``work``; the last is the model itself.
    """
    torch._dynamo.reset()
    run = LanguageRun(s, work)
    if begin(run)[0] < s.last_step:
        train(run)
    steps = s.checkpoint_steps
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / s.name
        folder.mkdir()
        run.ship(folder, steps)
        write_sums(folder)
        for step in steps:
            at = None if step == steps[-1] else f"step-{step}"
            yield step, load(str(folder), checkpoint=at, dtype=torch.float64)
