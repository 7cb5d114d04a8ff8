"""The networks behind the chapter on contraction: toys of three shapes and trained language models,
each line of each training measured alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data import prompts, toy
from plateaus.experiments import contraction, extents, gaps, trajectories
from plateaus.experiments.ends import Ends
from plateaus.experiments.sharpness import over
from plateaus.measures import chains
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.networks.network import Block, Network
from plateaus.networks.residual import ResidualMLP
from plateaus.studies import STEPS
from plateaus.training.toy import Recipe, Trained, train

SHAPES = {
    "residual": {},
    "no-skip": {"blocks": 8, "skip": False},
    "tied": {"blocks": 8, "skip": False, "tied": True},
    "no-skip-12": {"blocks": 12, "skip": False},
}
"""The proposal's network of 20 blocks; fully connected twins with as many layers as still train,
then one with the same block eight times; and one that is too deep, of which the loss alone is kept.
"""
MODELS = ("laboratory-6l", *(f"laboratory-6l-seed{k}" for k in range(1, 5)), "prose-12l")
"""Shipped language models: five trainings of one, and a single one on prose."""


@dataclass(frozen=True, kw_only=True)
class Toys:
    """The toys and the lines on which they are measured."""

    seeds: Sequence[int] = tuple(range(5))
    samples: int = 10_000
    epochs: int = 6
    lines: int = 50
    """Of each training; no two trainings of a toy share one."""
    few: int = 20
    """Of these, for what is measured of pairs of all trainings together."""
    uses: Sequence[int] = (4, 8, 16)
    """How often the one block of a network with tied weights is used."""
    checkpoints: Sequence[int] = ()
    """Steps that are kept, beside the first and the last."""

    def train(self, name: str) -> Trained:
        """All seeds of one shape on the proposal's spiral."""
        points = toy.spiral(samples=self.samples, noise=0.02, seed=0)
        recipe = Recipe(
            epochs=self.epochs,
            batch=256,
            rate=2e-3,
            seeds=tuple(self.seeds),
            checkpoints=tuple(self.checkpoints),
        )
        return train(partial(ResidualMLP, **SHAPES[name]), points, recipe)

    def ends(self, net: Network, k: int, lines: int | None = None) -> Ends:
        """The lines of the ``k``-th training, between points of different classes."""
        count = self.lines * len(self.seeds)
        a, b = toy.different_classes(toy.spiral(samples=max(4000, 8 * count), seed=1), count)
        mine = slice(k, None, len(self.seeds))
        return Ends.of_inputs(net, a[mine][:lines], b[mine][:lines])

    def run(self) -> tuple[xr.Dataset, dict[str, xr.Dataset]]:
        """What ``lines_of`` gives of each training, and what else is asked of a shape: of each the
        ``loss`` at the end, the mean of the last epoch [nats], by ``seed``.
        """
        rows, more = [], {}
        for name in SHAPES:
            trained = self.train(name)
            loss = {"loss": ("seed", trained.loss[-1].numpy(force=True))}
            more[name] = xr.Dataset(loss, coords={"seed": list(self.seeds)})
            if name == "no-skip-12":
                continue
            nets = {w: trained.networks(step=s) for w, s in STEPS.items()}
            for k, seed in enumerate(self.seeds):
                both = {w: self.ends(nets[w][k], k) for w in ("trained", "untrained")}
                found = lines_of(both).expand_dims(training=[f"{name}, seed {seed}"])
                rows.append(found.assign_coords(network=("training", [name])))
            if name == "tied":
                used = over("seed", dict(zip(self.seeds, nets["trained"], strict=True)), self.used)
                more[name] = more[name].merge(used)
                continue
            each = [
                extents.reach(self.ends(net, k, self.few)) for k, net in enumerate(nets["trained"])
            ]
            more[name] = more[name].merge(xr.concat(each, "pair", combine_attrs="drop"))
            if name == "residual":
                one = self.ends(nets["trained"][0], 0, 1)
                chains = {n: chain_of(one, fine=n) for n in FINE}
                more[name] = more[name].merge(over("fine", chains, lambda found: found))
        return xr.concat(rows, "training", join="outer"), more

    def used(self, net: Network) -> xr.Dataset:
        """``inside``, the sum of log c inside plateaus, and how far the state of a is, after the
        last use, from where it was one use (``moves``) and two uses before (``returns``), and from
        that of b (``apart``), in units of its norm; dims ``uses, pair``. And ``period`` of where it
        settles in the long run.
        """
        (first, block), d = net.blocks[:2], net.dims[-1]

        def after(times: int) -> xr.Dataset:
            longer = replace(net, blocks=(first, *times * [block]), dims=(2, *(times + 1) * [d]))
            ends = self.ends(longer, 0)
            inside = gaps.of_lines(trajectories.follow(ends)).sel(kind="inside", drop=True)
            with torch.no_grad():
                two, one, last = longer[1:].trace(ends.a)[-3:]
                other = longer[1:].trace(ends.b)[-1]
            gone = {"moves": one, "returns": two, "apart": other}
            gone = {k: (last - x).norm(dim=-1) / last.norm(dim=-1) for k, x in gone.items()}
            return xr.Dataset(
                {"inside": inside} | {k: ("pair", x.numpy()) for k, x in gone.items()}
            )

        found = over("uses", {n: n for n in self.uses}, after)
        starts = self.ends(net, 0).a
        return found.assign(period=("pair", period(block, starts)))


FINE = (200, 2000)
"""Among how many radii each ball of the toy's chain is sought, once coarsely and once finely."""
LONG, LONGEST = 2000, 24
"""Uses of a block after which it has settled if ever, and the longest period that is looked for."""


def period(block: Block, x: Tensor) -> np.ndarray:
    """Of each point ``(P, d)``: after how many uses of the block the state comes back to where it
    was, to a millionth of its norm, once it has been used long; 0 if it never does.
    """
    with torch.no_grad():
        for _ in range(LONG):
            x = block(x)
        found, y = torch.zeros(len(x)), x
        for k in range(1, LONGEST + 1):
            y = block(y)
            back = (y - x).norm(dim=-1) < 1e-6 * x.norm(dim=-1)
            found[back & (found == 0)] = k
    return found.numpy()


def lines_of(both: Mapping[str, Ends], **options: Any) -> xr.Dataset:
    """One training, followed with these options of ``trajectories.follow``: what
    ``contraction.by_line`` gives, ``log_c`` of the trained network alone, and the worst of its
    lines in each of ``contraction.identities``.
    """
    followed = over("weights", both, partial(trajectories.follow, **options))
    found = contraction.by_line(followed)
    found["log_c"] = found.log_c.sel(weights="trained", drop=True)
    blocks = np.arange(found.sizes["block"])  # counted from where the lines enter
    found = found.assign_coords(block=blocks, pair=np.arange(found.sizes["pair"]))
    followed = followed.sel(weights="trained", drop=True)
    worst = contraction.identities(both["trained"], followed=followed, **options)
    return found.merge(worst.max("pair"), combine_attrs="drop")


def chain_of(ends: Ends, *, share: float = 0.25, count: int = 64, **options: int) -> xr.Dataset:
    """A chain of balls around the first a, sampled in ``count`` directions: ``radii`` by the blocks
    ``passed``, and ``direct``, that of the largest ball that needs no chain.

    Args:
        options: ``steep`` and ``fine`` of ``chains.chain``.
    """
    part = next(ends.parts(1))
    a, b = part.net.trace(part.a[0])[-1], part.net.trace(part.b[0])[-1]
    drawn = np.random.default_rng(0).standard_normal((count, part.a.shape[-1]))
    unit = torch.nn.functional.normalize(torch.from_numpy(drawn), dim=-1)
    radius = share * float((a - b).norm())
    radii, direct = chains.chain(part.net, part.a[0], radius, unit, **options)
    return xr.Dataset({"radii": ("passed", radii.numpy()), "direct": float(direct)})


def of_model(lm: LanguageModel, lines: int, seed: int) -> xr.Dataset:
    """``lines_of`` a language model; where its first weights are not kept, others are drawn from
    the seed.
    """
    some = prompts.unrelated(lm, lines, seed=0)
    weights = {"trained": lm, "untrained": lm.step_zero(seed)}
    return lines_of({w: Ends.of_prompts(each, some) for w, each in weights.items()})


def study(toys: Toys | None = None, models: Sequence[str] = MODELS) -> xr.Dataset:
    """Everything side by side: lines along ``training``, whose ``network`` it names; extents of two
    shapes, of the pairs of all trainings; one block used again and again; and a chain of balls:
    see ``of_network`` and ``of_shape``.
    """
    toys = toys or Toys()
    lines, more = toys.run()
    rows = [lines]
    for k, name in enumerate(models):
        lm = load(name, dtype=torch.float64)
        found = of_model(lm, toys.lines, k).expand_dims(training=[name])
        rows.append(found.assign_coords(network=("training", [name.split("-seed")[0]])))
    parts = [xr.concat(rows, "training", join="outer", combine_attrs="drop")]
    for shape, found in more.items():
        own = {d: _of(shape, d) for d in found.dims if d not in SHARED}
        parts.append(found.rename(own | {n: _of(shape, n) for n in found.data_vars}))
    return xr.merge(parts, combine_attrs="drop")


SHARED = ("uses", "seed", "passed", "fine")
"""Dims that only one shape has."""


def _of(shape: str, name: str) -> str:
    return f"{name}_of_{shape}"


def of_network(kept: xr.Dataset, name: str) -> xr.Dataset:
    """The trainings of one network in what ``study`` gave, with the blocks that it has."""
    own = kept[[n for n in kept.data_vars if "training" in kept[n].dims]]
    own = own.isel(training=(kept.network == name).values).drop_vars("network")
    return own.dropna("block", how="all", subset=["log_c"]).assign_attrs(model=name)


def of_shape(kept: xr.Dataset, shape: str) -> xr.Dataset:
    """What else ``study`` asked of a shape, under its own names."""
    ending = _of(shape, "")
    own = kept[[str(n) for n in kept.data_vars if str(n).endswith(ending)]]
    names = {n: str(n).removesuffix(ending) for n in {*own.dims, *own.data_vars}}
    return own.rename({n: new for n, new in names.items() if n != new}).assign_attrs(model=shape)
