"""Behind the claim of a semantic attractor: language models beside networks made to attract."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import xarray as xr

from plateaus.data import prompts
from plateaus.data.meaning import SIMILAR
from plateaus.experiments import decoys, trajectories
from plateaus.experiments.ends import Ends
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.studies.contraction import MODELS

FEW, MANY = 50, 100
"""Pairs for each of several trainings, and for a model of which there is one."""


def study(models: Sequence[str] = MODELS, *, few: int = FEW, many: int = MANY) -> xr.Dataset:
    """Side by side along ``training``, what ``of_model`` gives of each, with an untrained network
    of its own; the last one is the single one.
    """
    counts = [few] * (len(models) - 1) + [many]
    rows = [
        of_model(load(name, dtype=torch.float64), n, draw=k)
        for k, (name, n) in enumerate(zip(models, counts, strict=True))
    ]
    names = xr.DataArray(list(models), dims="training", name="training")
    return xr.concat(rows, names, join="outer", combine_attrs="drop")


def of_model(lm: LanguageModel, pairs: int, *, seed: int = 0, draw: int = 0) -> xr.Dataset:
    """``pull``, ``made`` and ``log_total`` of ``trajectories.study``; ``beside``, the ``log_total``
    of ``decoys.study``, with the dim ``given`` for its networks; and ``words`` of the mates.

    Args:
        draw: the seed of the untrained network's weights.
    """
    both = lm, lm.step_zero(draw)
    some = prompts.unrelated(lm, pairs, seed=seed)
    found = trajectories.study(*(Ends.of_prompts(each, some) for each in both), seed=seed)
    mates = prompts.sharing_context(lm, pairs, seed=seed, meaning=SIMILAR)
    near = decoys.study(*(Ends.of_prompts(each, mates) for each in both))
    near = near.assign(words=("pair", decoys.words(mates)))
    beside = near.rename(network="given", log_total="beside")
    kept = found[["pull", "made", "log_total"]].assign_coords(pair=range(pairs))
    return xr.merge([kept, beside], combine_attrs="drop")


def beside(kept: xr.Dataset) -> xr.Dataset:
    """What ``decoys.study`` gave, of one or several models in what ``study`` gave."""
    found = kept[["beside", "words"]].rename(given="network", beside="log_total")
    return found.dropna("pair", how="all").assign_attrs(kept.attrs)
