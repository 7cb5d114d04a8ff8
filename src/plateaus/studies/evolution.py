"""How plateaus come through a long training: slopes and scores at checkpoints that are equally
spaced on a logarithmic axis, and merge heights around several points, exact where the network is
piecewise linear; all with true labels and, the control, with shuffled ones.
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
from plateaus.data.toy import spiral_depth
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
"""Radii at which a plateau's area is taken, in units of R, the height that nine tenths of the nodes
stay below."""
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
    architecture: str = "residual"
    blocks: int = 20
    exact_blocks: int = 2
    """Of the network without normalisation."""
    width: int = 16
    batch: int = 128
    rate: float = 2e-3

    def run(self) -> xr.Dataset:
        """Both networks, see ``curves`` and ``planes_of``; ``at``, the points around which planes
        are, and ``inside``, their ``data.toy.spiral_depth``.
        """
        networks = self.trained()
        drawn = {"sampled": networks["true"], "exact": self.few(), "shuffled": networks["shuffled"]}
        planes = over("plane", {n: n for n in PLANES}, lambda n: self.planes_of(drawn[n], n))
        points = self.points()
        where = {
            "at": (("anchor", "axis"), points.numpy()),
            "inside": ("anchor", spiral_depth(points, classes=2).numpy()),
        }
        return self.curves(networks).merge(planes).assign(where)

    def points(self) -> Tensor:
        """The points around which planes are, ``(anchors, 2)``."""
        return data.task("spiral", None).test.x[: self.anchors].double()

    def trained(self) -> dict[str, Trained]:
        """The networks of every kind of labels, with all their checkpoints."""
        return self._trained(self.study(self.architecture, self.blocks, LABELS))

    def few(self) -> Trained:
        """The networks whose planes are exact, of true labels."""
        return self._trained(self.study("no-norm", self.exact_blocks, LABELS[:1]))["true"]

    def _trained(self, study: Study) -> dict[str, Trained]:
        return {name: trained for name, trained, _ in study.trained()}

    def study(self, architecture: str, blocks: int, labels: Sequence[str]) -> Study:
        """One setting for each kind of labels."""
        shape = {"architecture": architecture, "blocks": blocks, "steps": self.steps}
        shape |= {"width": self.width, "batch": self.batch, "rate": self.rate}
        kept = {*log_spaced(self.steps, self.moments), *self.planes} - {0}
        return Study(
            settings={kind: Setting(labels=kind, **shape) for kind in labels},
            seeds=self.seeds,
            pairs=self.pairs,
            checkpoints=tuple(sorted(kept)),
        )

    def curves(self, networks: dict[str, Trained]) -> xr.Dataset:
        """What ``experiments.tasks.measured`` says at every checkpoint; dims ``labels, step, seed``
        and those of a network.
        """
        study = self.study(self.architecture, self.blocks, LABELS)

        def of_labels(kind: str) -> xr.Dataset:
            setting = study.settings[kind]
            task, trained = study.task(setting), networks[kind]
            a, b = data.pairs(task.test, self.pairs)
            each = partial(toys.of_network, task=task, a=a, b=b, fitted=setting.points(task))
            steps = {step: by_seed(trained, step) for step in trained.steps}
            return over("step", steps, lambda nets: over("seed", nets, each))

        return over("labels", {kind: kind for kind in LABELS}, of_labels)

    def planes_of(self, trained: Trained, name: str) -> xr.Dataset:
        """Around each anchor at each kept moment, dims ``moment, anchor, seed``: ``area``, the
        share of the nodes that lie in the plateaus of the radii ``SHARES`` (dim ``share``);
        ``pieces`` of the plane if it is exact, and then ``off``, the share of the nodes at which
        the merge height of the grid is ``FAR`` from it; and, of the first seed, ``terrain``, the
        merge height at every node. Radii and heights are in units of R.
        """
        around = partial(PLANES[name], resolution=self.resolution)
        each = dict(enumerate(self.points()))

        def at(step: int) -> xr.Dataset:
            nets = by_seed(trained, step)
            return over("anchor", each, lambda a: over("seed", nets, partial(around, anchor=a)))

        found = over("moment", {step: step for step in self.planes}, at)
        merge = found.merge_height.isel(seed=0, drop=True).rename("terrain")
        return found.drop_vars("merge_height").assign(terrain=merge)


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


PLANES = {"sampled": sampled, "exact": exactly, "shuffled": sampled}
"""Of the network of many blocks, of that of few, and of the first with shuffled labels."""


def _units(height: np.ndarray, merge: np.ndarray) -> xr.Dataset:
    """Merge heights of the square in units of R, and the areas of two plateaus."""
    unit = np.quantile(height, 0.9)
    axis = np.linspace(-1, 1, len(merge))
    areas = [(merge < share * unit).mean() for share in SHARES]
    found = {"merge_height": (("x2", "x1"), merge / unit), "area": ("share", areas)}
    return xr.Dataset(found, {"x1": axis, "x2": axis, "share": list(SHARES)})


def study(tables: str | None = None) -> xr.Dataset:
    """The evolution that the chapter of it shows."""
    return Evolution().run()
