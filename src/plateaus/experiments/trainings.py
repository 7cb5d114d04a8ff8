"""The chapters on dynamics for several language models at once: trainings of one, or others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import xarray as xr

from plateaus.data import prompts
from plateaus.experiments import exponents, extents, trajectories
from plateaus.experiments.ends import Ends
from plateaus.experiments.sharpness import over
from plateaus.networks.language_model import LanguageModel

KEPT = ("pull", "log_total")
"""Of ``trajectories.study``: what the claims about attraction rest on."""
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Radii at which boundaries are laid over exponents."""
NODES = 25
"""Of a plane in each direction."""


def study(
    models: Iterable[LanguageModel],
    *,
    pairs: int = 100,
    planes: int = 12,
    swept: Sequence[str] = exponents.SWEPT,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> xr.Dataset:
    """What the claims about dynamics need of each model, side by side along ``training``.

    Args:
        swept: what is kept of ``exponents.sweep``.
        shares: at which radii.

    Returns:
        ``pull`` and ``log_total`` of ``trajectories.study``; ``fixed`` and ``relative``, the
        extents of ``extents.reach`` at the smallest and the largest number of blocks (dim
        ``blocks``), with ``grows``, ``affine`` and ``appended``; and what was ``swept``, with dims
        ``weights, plane, share``.
    """
    rows, names = [], []
    for lm in models:
        of_planes = partial(over_planes, planes=min(planes, pairs), swept=swept, shares=shares)
        rows.append(_of_model(lm, pairs, of_planes, seed))
        names.append(lm.name)
    joined = xr.concat(rows, xr.DataArray(names, dims="training", name="training"))
    return joined.assign_attrs(pairs=pairs, seed=seed)


def _of_model(
    lm: LanguageModel, pairs: int, of_planes: Callable[[Ends], xr.Dataset], seed: int
) -> xr.Dataset:
    both = {"trained": lm, "untrained": lm.step_zero(seed)}
    some = prompts.unrelated(lm, pairs, seed=seed)
    ends = {name: Ends.of_prompts(each, some) for name, each in both.items()}
    found = trajectories.study(ends["trained"], ends["untrained"], seed=seed)
    apart = prompts.sharing_context(lm, pairs, seed=seed)
    reached = _ends(extents.reach(Ends.of_prompts(lm, apart), steps=25))
    swept = over("weights", ends, of_planes)
    parts = [found[list(KEPT)], reached, swept]
    parts = [p.drop_vars(("pair", "depth"), errors="ignore") for p in parts]
    joined = xr.merge(parts, combine_attrs="drop")
    return joined.assign_coords({d: range(joined.sizes[d]) for d in ("pair", "plane")})


def over_planes(
    ends: Ends, planes: int, swept: Sequence[str], shares: Sequence[float]
) -> xr.Dataset:
    """``exponents.sweep`` of so many planes."""
    found = exponents.planes(ends, planes, steps=NODES)
    return exponents.sweep(found, shares)[list(swept)]


def _ends(found: xr.Dataset) -> xr.Dataset:
    few = found[["fixed", "relative"]].isel(depth=[0, -1]).rename(depth="blocks")
    whole = found[["grows", "affine", "appended"]]
    return few.merge(whole).assign_coords(blocks=["fewest", "most"])
