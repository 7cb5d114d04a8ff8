"""Into how many plateaus real activations fall, and how large these are, over several trainings of
one language model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr

from plateaus.data import prompts
from plateaus.experiments.directions import perturb
from plateaus.experiments.ends import Ends
from plateaus.experiments.readouts import read
from plateaus.experiments.regions import clusters
from plateaus.experiments.sharpness import half_exit, over
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load

TRAININGS = ("laboratory-6l", *(f"laboratory-6l-seed{k}" for k in range(1, 5)))
QUARTER = 0.25
"""The radius, in median distances of two outputs."""
TEXTS = ("stories", "shuffled")
BASES = ("real", "random")
"""Around which points sizes are measured, see ``experiments.directions``."""


def study(trainings: Sequence[str] = TRAININGS) -> xr.Dataset:
    """``of_training`` of each, along ``seed``."""
    each = dict(enumerate(trainings))
    return over(
        "seed", each, lambda name: of_training(load(name), began=trainings.index(name))
    ).assign_attrs(model=trainings[0])


def of_training(
    lm: LanguageModel,
    *,
    began: int = 0,
    activations: int = 200,
    pairs: int = 100,
    tokens: int = 10,
    seed: int = 0,
) -> xr.Dataset:
    """One training and its step 0, of weights that are drawn from the seed ``began``.

    Returns:
        ``number`` of plateaus of ``activations`` last words of one context, and ``least``, dims
        ``weights, text``: the beginning of a story, and the same words in another order.
        ``half_exit``, dims ``weights, base, pair``: the index along great circles from real
        activations, and from random points with their mean and covariance, towards such points.
    """
    some = prompts.unrelated(lm, pairs, tokens=tokens, seed=seed)
    context = some.a[0, :-1]
    order = torch.randperm(len(context), generator=torch.Generator().manual_seed(seed))
    texts = dict(zip(TEXTS, (context, context[order.to(context.device)]), strict=True))
    words = lm.clean_run(context[None])[1][0].topk(activations).indices

    def each(net: LanguageModel) -> xr.Dataset:
        count = partial(_counted, net, words)
        ends = Ends.of_prompts(net, some)
        return over("text", texts, count).merge(over("base", {b: b for b in BASES}, partial(
            _sizes, ends, seed)))  # fmt: skip

    return over("weights", {"trained": lm, "step 0": lm.step_zero(began)}, each, model=lm.name)


def _counted(lm: LanguageModel, words: torch.Tensor, context: torch.Tensor) -> xr.Dataset:
    found = clusters(lm, context, words, shares=[QUARTER])
    return found[["number", "least", "largest"]].isel(share=0)


def _sizes(ends: Ends, seed: int, base: str) -> xr.Dataset:
    found = half_exit(read(perturb(ends, base=base, seed=seed).distance))
    found = found.drop_vars(["block_out", "reading"], errors="ignore")
    return found.assign_coords(pair=np.arange(len(ends))).to_dataset(name="half_exit")
