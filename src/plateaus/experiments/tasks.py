"""Which tasks, losses and architectures make plateaus: many small trainings, measured alike.

The plateau score of a pair is one minus its half-exit index: 0 for every affine network, near 1
where the output stays before it goes. Beside it stands the maximum slope. Both are those of
segments between points that are to be told apart, entering behind the input layer.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import cross_entropy

from plateaus.data import tasks as data
from plateaus.data.tasks import Task
from plateaus.data.toy import ToyData
from plateaus.experiments.ends import Ends
from plateaus.experiments.interpolation import interpolate
from plateaus.experiments.readouts import read
from plateaus.experiments.sharpness import over, sharpness
from plateaus.measures import statistics
from plateaus.networks.network import Network

WEIGHTS = ("untrained", "trained")
READINGS = ("stream", "output", "probabilities")
"""After the last block; the output of a classification are its logits."""
KEPT = ("slope", "half_exit")


def measured(
    networks: Mapping[str, Mapping[Hashable, Network]],
    task: Task,
    *,
    pairs: int = 100,
    points: ToyData | None = None,
) -> xr.Dataset:
    """Networks of all seeds before and after training, on the same pairs of test points.

    Args:
        networks: "untrained" and "trained", and of each the networks by their seed.
        points: others in the place of the test points, told apart by the labels they were given.

    Returns:
        ``slope`` and ``half_exit`` in the stream after the last block, dims ``weights, seed,
        pair``; their medians over pairs where else it can be read, ``slope_at`` and
        ``half_exit_at``, dims ``weights, seed, reading``; ``quality``, the accuracy, or of a
        regression the share of variance explained, on the ``fitted`` points as given and on the
        ``fresh`` ones as they truly are, dims ``weights, seed, data``; of the fresh ones also
        ``loss``, see `loss`, and ``margin``, the median of the true class's logit minus the largest
        other.
    """
    given = task.test if points is None else ToyData(
        x=points.x, y=points.y, clean=points.y, classes=points.classes
    )  # fmt: skip
    a, b = data.pairs(given, pairs)
    each = partial(of_network, task=task, a=a, b=b, fitted=task.train if points is None else points)
    by_weights = {name: over("seed", networks[name], each) for name in WEIGHTS}
    return over("weights", by_weights, lambda x: x)


def of_network(net: Network, *, task: Task, a: Tensor, b: Tensor, fitted: ToyData) -> xr.Dataset:
    """What ``measured`` says of one network, between the points ``a`` and ``b``."""
    found = sharpness(interpolate(Ends.of_inputs(net, a, b)))[list(KEPT)]
    last = read(found).drop_vars(["block_out", "reading"], errors="ignore")
    at = xr.concat([_at(found, name) for name in READINGS], _named("reading", READINGS))
    quality = [_quality(net, fitted.x, fitted.y, fitted), _quality(net, task.test.x,
               task.test.clean, task.test)]  # fmt: skip
    return last.assign(
        **{f"{k}_at": at[k] for k in KEPT},
        quality=("data", quality),
        loss=((), loss(net, task.test), {"units": loss_units(task.test)}),
        margin=_margin(net, task.test),
    ).assign_coords(data=["fitted", "fresh"], pair=np.arange(len(a)))


def scores(study: xr.Dataset) -> xr.Dataset:
    """``score``, one minus the half-exit index, and ``gain``, what training added to the slope.

    Returns:
        Dims ``bound`` (value, low, high: an interval over seeds and pairs) and ``setting``, the
        score also with ``weights``.
    """
    order = ("setting", "seed", "pair")
    score = (1 - study.half_exit).transpose("weights", *order)
    gain = study.slope.sel(weights="trained") - study.slope.sel(weights="untrained")
    found = {
        "score": (("bound", "weights", "setting"), statistics.nested(score.values)),
        "gain": (("bound", "setting"), statistics.nested(gain.transpose(*order).values)),
    }
    coords = {name: study[name].values for name in ("weights", "setting")}
    return xr.Dataset(found, coords | {"bound": ["value", "low", "high"]})


def pick(study: xr.Dataset, setting: str, model: str = "") -> tuple[xr.Dataset, xr.Dataset]:
    """One setting after and before training, for ``evidence``; named ``model`` or as it is."""
    one = study.sel(setting=setting).assign_attrs(model=model or setting)
    return tuple(one.sel(weights=name) for name in reversed(WEIGHTS))


def saved(result: xr.Dataset, *, decimals: int | None = 3) -> xr.Dataset:
    """The same in float32 with so many decimals (None: all), packed small when it is written; of a
    loss, which may be small, all are kept.
    """
    small = result.astype("float32")
    for name in small.data_vars:
        if decimals is not None and name != "loss":
            small[name] = small[name].round(decimals)
        small[name].encoding = {"zlib": True, "complevel": 9, "shuffle": True}
    return small


@torch.no_grad()
def loss(net: Network, points: ToyData) -> float:
    """Of a classification the cross-entropy to the true classes, of a regression the mean squared
    error, in the units of ``loss_units``; whatever loss the network was trained with.
    """
    said = net(points.x)
    if points.classes is not None:
        return cross_entropy(said, points.clean).item()
    return (said - points.clean.to(said.dtype)).square().mean().item()


def loss_units(points: ToyData) -> str:
    """What `loss` counts in; the targets of a task have variance 1 where it trains."""
    return "nats" if points.classes is not None else "variance of the targets"


def _named(dim: str, names: Sequence[str]) -> xr.DataArray:
    return xr.DataArray(list(names), dims=dim, name=dim)


def _at(found: xr.Dataset, name: str) -> xr.Dataset:
    """Medians over pairs at one reading; NaN where the network does not have it."""
    known = set(found.reading.values.tolist())
    name = ("logits" if "logits" in known else "output") if name == "output" else name
    seen = read(found, name) if name in known else xr.full_like(read(found), np.nan)
    return seen.drop_vars(["block_out", "reading"], errors="ignore").median("pair")


@torch.no_grad()
def _quality(net: Network, x: Tensor, y: Tensor, like: ToyData) -> float:
    said = net(x)
    if like.classes is not None:
        return (said.argmax(-1) == y).double().mean().item()
    y = y.to(said.dtype)
    return (1 - (said - y).square().mean() / y.var(unbiased=False)).item()


@torch.no_grad()
def _margin(net: Network, points: ToyData) -> float:
    if points.classes is None:
        return float("nan")
    logits = net(points.x)
    own = logits.gather(1, points.clean[:, None])[:, 0]
    rest = logits.scatter(1, points.clean[:, None], -torch.inf).max(1).values
    return (own - rest).median().item()
