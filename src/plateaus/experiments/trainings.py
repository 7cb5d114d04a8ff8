"""The chapters on dynamics for several language models at once: trainings of one, or others."""

from __future__ import annotations

from collections.abc import Iterable

import xarray as xr

from plateaus.data import prompts
from plateaus.experiments import contraction, exponents, trajectories
from plateaus.experiments.ends import Ends
from plateaus.networks.language_model import LanguageModel

KEPT = ("pull", "log_total")
"""Of ``trajectories.study``: what the claims about attraction rest on."""


def study(
    models: Iterable[LanguageModel], *, pairs: int = 100, planes: int = 12, seed: int = 0
) -> xr.Dataset:
    """What the claims about dynamics need of each model, side by side along ``training``.

    Returns:
        ``pull`` and ``log_total`` of ``trajectories.study``; ``fixed`` and ``relative``, the
        extents of ``contraction.extents`` at the smallest and the largest number of blocks (dim
        ``blocks``), with ``grows``, ``affine`` and ``appended``; ``overlap`` and ``shifted`` of
        ``exponents.sweep`` at a quarter of the distance.
    """
    rows, names = [], []
    for lm in models:
        rows.append(_of_model(lm, pairs, planes, seed))
        names.append(lm.name)
    joined = xr.concat(rows, xr.DataArray(names, dims="training", name="training"))
    return joined.astype("float32").assign_attrs(pairs=pairs, seed=seed)


def _of_model(lm: LanguageModel, pairs: int, planes: int, seed: int) -> xr.Dataset:
    both = {"trained": lm, "untrained": lm.step_zero(seed)}
    some = prompts.unrelated(lm, pairs, seed=seed)
    ends = {name: Ends.of_prompts(each, some) for name, each in both.items()}
    found = trajectories.study(ends["trained"], ends["untrained"], seed=seed)
    apart = prompts.sharing_context(lm, pairs, seed=seed)
    reached = _ends(contraction.extents(Ends.of_prompts(lm, apart), steps=25))
    over = []
    for each in ends.values():
        few = exponents.planes(each, min(planes, pairs), steps=25)
        swept = exponents.sweep(few, [0.25])[["overlap", "shifted"]]
        over.append(swept.isel(share=0, drop=True))
    weights = xr.DataArray(list(both), dims="weights", name="weights")
    parts = [found[list(KEPT)], reached, xr.concat(over, weights)]
    parts = [p.drop_vars(("pair", "depth"), errors="ignore") for p in parts]
    return xr.merge(parts, combine_attrs="drop")


def _ends(extents: xr.Dataset) -> xr.Dataset:
    few = extents[["fixed", "relative"]].isel(depth=[0, -1]).rename(depth="blocks")
    whole = extents[["grows", "affine", "appended"]]
    return few.merge(whole).assign_coords(blocks=["fewest", "most"])
