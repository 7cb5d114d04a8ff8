"""How plateaus come through a long training: slopes and scores at checkpoints that are equally
spaced on a logarithmic axis, and merge heights around several points, exact where the network is
piecewise linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
import xarray as xr
from torch import Tensor

from plateaus.data import tasks as data
from plateaus.experiments import tasks as toys
from plateaus.experiments.landscape import landscape
from plateaus.experiments.sharpness import over
from plateaus.geometry.exact.convert import exact
from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.raster import raster
from plateaus.networks.network import Network
from plateaus.studies import Setting, Study, by_seed
from plateaus.training.toy import Trained, log_spaced

LABELS = ("true", "shuffled")
SHARES = (0.2, 0.8)
"""Radii between which a plateau's area is to grow, in units of the height that nine tenths of the
nodes stay below."""
FAR = 0.1
"""In the same units."""


@dataclass(frozen=True, kw_only=True)
class Evolution:
    """The reference network, trained long; and a smaller one whose plane is exact."""

    steps: int = 5_000
    moments: int = 13
    """Checkpoints but step 0."""
    seeds: Sequence[int] = tuple(range(5))
    pairs: int = 100
    planes: Sequence[int] = (0, 35, 292, 5_000)
    """Checkpoints whose planes are kept."""
    anchors: int = 3
    resolution: int = 61
    blocks: int = 20
    exact_blocks: int = 2
    """Of the network without normalisation."""

    def run(self) -> xr.Dataset:
        """Both networks: see ``curves`` and ``planes``."""
        networks = self.trained("residual", self.blocks, LABELS)
        few = self.trained("no-norm", self.exact_blocks, LABELS[:1])["true"]
        drawn = {"sampled": networks["true"], "exact": few}
        planes = over("plane", {n: n for n in PLANES}, lambda n: self.planes_of(drawn[n], n))
        return self.curves(networks).merge(planes)

    def study(self, architecture: str, blocks: int, labels: Sequence[str]) -> Study:
        """One setting for each kind of labels."""
        shape = {"architecture": architecture, "blocks": blocks, "steps": self.steps}
        kept = {*log_spaced(self.steps, self.moments), *self.planes} - {0}
        return Study(
            settings={kind: Setting(labels=kind, **shape) for kind in labels},
            seeds=self.seeds,
            pairs=self.pairs,
            checkpoints=tuple(sorted(kept)),
        )

    def trained(self, architecture: str, blocks: int, labels: Sequence[str]) -> dict[str, Trained]:
        """The networks of every kind of labels, with all their checkpoints."""
        study = self.study(architecture, blocks, labels)
        return {name: trained for name, trained, _ in study.trained()}

    def curves(self, networks: dict[str, Trained]) -> xr.Dataset:
        """What ``experiments.tasks.measured`` says at every checkpoint, and ``loss`` on fresh
        points [nats]; dims ``labels, step, seed`` and those of a network.
        """
        study = self.study("residual", self.blocks, LABELS)

        def of_labels(kind: str) -> xr.Dataset:
            setting = study.settings[kind]
            task, trained = study.task(setting), networks[kind]
            a, b = data.pairs(task.test, self.pairs)
            each = partial(toys.of_network, task=task, a=a, b=b, fitted=setting.points(task))

            def of_one(net: Network) -> xr.Dataset:
                return each(net).assign(loss=((), toys.loss(net, task.test), {"units": "nats"}))

            steps = {step: by_seed(trained, step) for step in trained.steps}
            return over("step", steps, lambda nets: over("seed", nets, of_one))

        return over("labels", {kind: kind for kind in LABELS}, of_labels)

    def planes_of(self, trained: Trained, name: str) -> xr.Dataset:
        """Around each anchor at each kept moment, dims ``moment, anchor, seed``: ``growth`` of the
        plateau's area between the radii ``SHARES``, ``pieces`` of the plane if it is exact, and
        then ``off``, the share of the nodes at which the merge height of the grid is ``FAR`` from
        it; and, of the first seed, ``terrain``, the merge height at every node. Heights are in
        units of that which nine tenths of the nodes stay below; ``at`` are the anchors.
        """
        points = data.task("spiral", None).test.x[: self.anchors].double()
        around = partial(PLANES[name], resolution=self.resolution)

        def at(step: int) -> xr.Dataset:
            nets = by_seed(trained, step)
            each = dict(enumerate(points))
            return over("anchor", each, lambda a: over("seed", nets, partial(around, anchor=a)))

        found = over("moment", {step: step for step in self.planes}, at)
        merge = found.merge_height.isel(seed=0, drop=True).rename("terrain")
        at_plane = xr.DataArray(points.numpy(), dims=("anchor", "axis"))
        return found.drop_vars("merge_height").assign(terrain=merge, at=at_plane)


def sampled(net: Network, *, anchor: Tensor, resolution: int) -> xr.Dataset:
    """The square around 0 on a grid: a picture and no certificate."""
    field = landscape(net, anchor, resolution=resolution)
    nothing = {"off": ((), np.nan), "pieces": ((), np.nan)}
    return _units(field.height.values, field.merge_height.values).assign(nothing)


def exactly(net: Network, *, anchor: Tensor, resolution: int) -> xr.Dataset:
    """The same square, its merge heights in rational arithmetic, drawn at the same nodes."""
    field = landscape(net, anchor, resolution=resolution)
    plane = ExactPlane.of(
        exact(net), window=((-1, -1), (1, 1)), anchor=[Fraction(v) for v in anchor.tolist()]
    )
    height, merge, _ = raster(plane, field.x1.values, field.x2.values)
    found = _units(height, merge)
    grid = field.merge_height.values / np.quantile(height, 0.9)
    off = (np.abs(grid - found.merge_height.values) > FAR).mean()
    return found.assign(off=((), off), pieces=((), float(plane.affine_pieces)))


PLANES = {"sampled": sampled, "exact": exactly}


def _units(height: np.ndarray, merge: np.ndarray) -> xr.Dataset:
    """Merge heights of the square in units of R, and what the plateau's area grows by."""
    unit = np.quantile(height, 0.9)
    small, large = (int((merge < share * unit).sum()) for share in SHARES)
    axis = np.linspace(-1, 1, len(merge))
    found = {"merge_height": (("x2", "x1"), merge / unit), "growth": ((), large / max(1, small))}
    return xr.Dataset(found, {"x1": axis, "x2": axis})


def study(tables: str | None = None) -> xr.Dataset:
    """The evolution that the chapter of toys shows."""
    return Evolution().run()
