"""A toy with more sparse features than dimensions (after Elhage et al. 2022, with depth): residual
networks that are to give back sparse features from a stream that has room for all of them, or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.toy import ToyData
from plateaus.experiments.ends import Ends
from plateaus.experiments.interpolation import interpolate
from plateaus.experiments.readouts import read
from plateaus.experiments.sharpness import over, sharpness
from plateaus.networks.network import Network
from plateaus.networks.residual import ResidualMLP
from plateaus.rules import listing, one_of, real, whole
from plateaus.studies import STEPS, by_seed
from plateaus.training.toy import Case, Recipe, Trained, train_many
from plateaus.training.toy.losses import REGRESSIONS

TARGETS = ("sizes", "presence")


@dataclass(frozen=True, kw_only=True)
class Sparse:
    """Networks of several widths on the same sparse features."""

    features: int = 32
    active: float = 0.01
    """Probability that a further feature is there beside the first; sizes are uniform in [0, 1]."""
    target: str = "sizes"
    """What is to be given back: "sizes", or "presence", 1 for every feature that is there."""
    loss: str = "squared"
    """A name in ``training.toy.losses.REGRESSIONS``."""
    widths: Sequence[int] = (32, 8)
    """Dimensions of the stream; the first has room for all features."""
    blocks: int = 4
    seeds: Sequence[int] = tuple(range(5))
    samples: int = 8_000
    steps: int = 600
    batch: int = 128
    rate: float = 2e-3

    def __post_init__(self) -> None:
        one_of(*TARGETS).check("target", self.target)
        one_of(*REGRESSIONS).check("loss", self.loss)
        real(0, 1).check("active", self.active)
        listing(whole(1, 10**5)).check("widths", list(self.widths))
        listing(whole(0, 2**32 - 1)).check("seeds", list(self.seeds))
        for name in ("features", "blocks", "samples", "batch"):
            whole(1, 10**8).check(name, getattr(self, name))
        whole(0, 10**8).check("steps", self.steps)
        real(above=0).check("rate", self.rate)

    def points(self, count: int, seed: int) -> ToyData:
        """Sparse features as inputs and as targets; at least one is there."""
        random = torch.Generator().manual_seed(seed)
        size = torch.rand(count, self.features, generator=random)
        there = torch.rand(count, self.features, generator=random) < self.active
        one = torch.randint(self.features, (count, 1), generator=random)
        x = size * there.scatter(1, one, True)
        y = x if self.target == "sizes" else (x > 0).to(x.dtype)
        return ToyData(x=x, y=y, clean=y, classes=None)

    def train(self) -> dict[int, Trained]:
        """The networks of every width, by their width."""
        recipe = Recipe(batch=self.batch, rate=self.rate, seeds=tuple(self.seeds))
        points = self.points(self.samples, 0)
        found = {}
        for width in self.widths:
            build = partial(
                ResidualMLP,
                inputs=self.features,
                outputs=self.features,
                width=width,
                blocks=self.blocks,
            )
            case = {"sparse": Case(build=build, data=points, regression=self.loss)}
            found[width] = train_many(case, recipe, steps=self.steps)["sparse"]
        return found

    def run(self, networks: Mapping[int, Trained], *, pairs: int = 100) -> xr.Dataset:
        """Half-exit indices around real activations, in random directions and towards others.

        Returns:
            ``half_exit``, dims ``width, weights, seed, direction, pair``, and ``recovered``, the
            share of active features among the largest answers, dims ``width, weights, seed``.
        """
        fresh = self.points(4 * pairs, 1)
        each = partial(around, fresh=fresh, pairs=pairs)
        by_width = {
            width: over(
                "weights",
                {n: over("seed", by_seed(trained, s), each) for n, s in STEPS.items()},
                lambda found: found,
            )
            for width, trained in networks.items()
        }
        return over("width", by_width, lambda found: found)


RECOVERS = Sparse(target="presence", loss="logistic", steps=5_000, active=0.003)
RECOVERS_AS = "presence, logistic"
"""A toy that gives most features back from a quarter of the dimensions, and its name. Its settings
were chosen by what two seeds of it recovered, before any half-exit index of it was known."""


def study(tables: str | None = None) -> xr.Dataset:
    """The toys of the chapter, one after the other, along ``target``."""
    runs = {target: Sparse(target=target) for target in TARGETS} | {RECOVERS_AS: RECOVERS}
    return over("target", runs, lambda sparse: sparse.run(sparse.train()))


def around(net: Network, *, fresh: ToyData, pairs: int) -> xr.Dataset:
    """One network: paths from real activations behind the input layer, as far in random directions
    as it is, in the median, from one real activation to another.
    """
    a, b = fresh.x[:pairs], fresh.x[pairs : 2 * pairs]
    real = Ends.of_inputs(net, a, b)
    length = float((real.b - real.a).norm(dim=-1).median())
    random = np.random.default_rng(0).standard_normal(tuple(real.a.shape))
    aside = Ends.of_directions(net[1:], real.a, torch.from_numpy(random), length=length)
    kinds = {"random": aside, "real": real}

    def flatness(ends: Ends) -> xr.Dataset:
        found = read(sharpness(interpolate(ends)))[["half_exit", "slope"]]
        found = found.drop_vars(["block_out", "reading"], errors="ignore")
        return found.assign_coords(pair=np.arange(pairs))

    found = over("direction", kinds, flatness)
    return found.assign(recovered=recovered(net, fresh.x))


@torch.no_grad()
def recovered(net: Network, x: Tensor) -> float:
    """Of the features that are there, the share that stands among as many largest answers."""
    said = net(x)
    there = x > 0
    rank = said.argsort(dim=-1, descending=True).argsort(dim=-1)
    hit = there & (rank < there.sum(-1, keepdim=True))
    return float(hit.sum() / there.sum())
