"""Behind the chapters on dynamics: trainings side by side, and networks through their training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
import xarray as xr

from plateaus.data import prompts
from plateaus.experiments import extents, gaps, trainings, trajectories
from plateaus.experiments.ends import Ends
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.networks.source import RECORD, find, mapping
from plateaus.studies.contraction import MODELS, Toys

SHAPES = ("residual", "no-skip")
STEPS = (10, 40, 100)
"""Of the toys, beside the last."""
FEW, MANY = 50, 100
"""Pairs for each of several trainings, and for a model of which there is one."""
PLANES = 12
"""Of each training."""


def study(
    models: Sequence[str] = MODELS, toys: Toys | None = None, *, few: int = FEW, many: int = MANY
) -> xr.Dataset:
    """Side by side along ``training``, what ``trainings.study`` gives of each language model; and
    along ``state`` what ``of_state`` gives of networks whose weights were kept on the way: each
    state has a ``model``, a ``seed`` and a ``step``.
    """
    several, single = models[:-1], models[-1:]
    rows = [
        of_models(map(_double, several), few),
        trainings.study(map(_double, single), pairs=many, planes=PLANES),
    ]
    toys = toys or Toys(checkpoints=STEPS)
    (name,) = single
    last = mapping(find(name).folder / RECORD)["steps"]
    return joined(rows, [*of_toys(toys), *of_language(_double(name), few, name=name, last=last)])


def of_models(several: Iterable[LanguageModel], pairs: int = FEW) -> xr.Dataset:
    """``trainings.study`` of several trainings, with planes at one radius."""
    of_planes = {"planes": PLANES, "swept": ("overlap", "shifted"), "shares": (0.25,)}
    return trainings.study(several, pairs=pairs, **of_planes)


def joined(rows: Sequence[xr.Dataset], states: Sequence[xr.Dataset]) -> xr.Dataset:
    """Models and states as one dataset; what they have fewer of is filled with NaN."""
    through = xr.concat(states, "state", join="outer", combine_attrs="drop").rename(pair="line")
    models = xr.concat(rows, "training", join="outer", combine_attrs="drop")
    return xr.merge([models, through], combine_attrs="drop")


def _double(name: str):
    return load(name, dtype=torch.float64)


def of_state(ends: Ends, apart: Ends, *, model: str, seed: int, step: int) -> xr.Dataset:
    """One network at one step of its training.

    Returns:
        Each line's ``total`` of ``gaps.of_lines`` (``kind, pair``); ``to_half``, the sum of log c
        from a to the point half-way to the exit; ``attraction``, how much straighter updates point
        to real anchors than to random ones; and of ``extents.reach``, of the pairs ``apart``,
        ``gained`` at the relative radius from the fewest to the most blocks, and ``grew``, which
        is its ``grows``.
    """
    followed = trajectories.follow(ends, steps=21)
    reached = extents.reach(apart, steps=21)
    pull = followed.pull.sel(anchor="real") - followed.pull.sel(anchor="random")
    found = {
        "total": gaps.of_lines(followed).drop_vars("pair"),
        "to_half": ("pair", followed.log_total.sel(network="trained").values),
        "attraction": ("pair", pull.values),
    }
    gained = reached.relative.isel(depth=-1) - reached.relative.isel(depth=0)
    of = {"gained": ("apart", gained.values), "grew": ("apart", reached.grows.values)}
    names = {"model": model, "seed": seed, "step": step}
    here = xr.Dataset(found | of).assign_coords(pair=range(len(ends)), apart=range(len(apart)))
    return here.expand_dims("state").assign_coords({k: ("state", [v]) for k, v in names.items()})


def of_toys(toys: Toys, shapes: Sequence[str] = SHAPES) -> Iterator[xr.Dataset]:
    """All kept steps of all seeds of two shapes, each on its own lines."""
    for name in shapes:
        trained = toys.train(name)
        for step in trained.steps:
            for k, net in enumerate(trained.networks(step=step)):
                ends = toys.ends(net, k)
                few = toys.ends(net, k, toys.few)
                yield of_state(ends, few, model=name, seed=toys.seeds[k], step=step)


def of_language(
    final: LanguageModel, pairs: int, *, name: str, last: int, seed: int = 0
) -> Iterator[xr.Dataset]:
    """All kept steps of a language model, on the same prompts.

    Args:
        name, seed: of the state.
        last: the step of the model itself.
    """
    some = prompts.unrelated(final, pairs, seed=0)
    apart = prompts.sharing_context(final, pairs, seed=0)
    steps = {int(at.removeprefix("step-")): at for at in final.checkpoints}
    for step, at in {**steps, last: None}.items():
        lm = final.checkpoint(at) if at else final
        ends = Ends.of_prompts(lm, some), Ends.of_prompts(lm, apart)
        yield of_state(*ends, model=name, seed=seed, step=step)
