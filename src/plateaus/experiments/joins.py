"""Pairs of activations that a straight segment separates, and paths that join them after all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.prompts import Pairs
from plateaus.errors import BadParameter
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.runs import Part
from plateaus.geometry import paths
from plateaus.geometry.metrics import heights
from plateaus.geometry.minimax import FoundPaths, search
from plateaus.geometry.polyline import sampled
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.network import Network

READINGS = {"stream": ("stream", "l2"), "logits": ("logits", "l2"), "predictions": ("logits", "kl")}
"""What is read after the last block, and the distance it is read in: L2, L2, and KL in nats."""
CLEAR = 0.05
"""An excess barrier is clear if the segment rises this much above its end, relative to it, and (KL
only) by as many nats.
"""


def close_words(
    lm: LanguageModel,
    contexts: Tensor,
    *,
    words: int = 150,
    nearest: int = 3,
    block: int = 1,
    seed: int = 0,
) -> Pairs:
    """Pairs that share a context and predict nearly the same: where a barrier would be an *excess*.

    For each context, ``words`` tokens of the vocabulary are each put last; each is paired with the
    ``nearest`` others in KL(p_a || p_b). Words whose activations entering ``block`` are the same
    are no pair.

    Args:
        contexts: token ids ``(C, T)``.

    Raises:
        BadParameter: more words than the model knows, or hardly more than are to be near.
    """
    if not nearest < words <= lm.vocabulary:
        raise BadParameter(
            f"{lm.name} knows {lm.vocabulary} words, got words={words} with {nearest} near each: "
            f"give a number from {nearest + 1} to {lm.vocabulary}."
        )
    generator = torch.Generator().manual_seed(seed)
    a, b, labels = [], [], []
    for context in contexts:
        ids = torch.randperm(lm.vocabulary, generator=generator)[:words].to(lm.device)
        near = _nearest(lm.at(context), ids, block, nearest)
        first, second = ids.repeat_interleave(nearest), ids[near.flatten()]
        a.append(_prompts(context, first))
        b.append(_prompts(context, second))
        labels += _labels(lm, context, first, second)
    return Pairs(a=torch.cat(a), b=torch.cat(b), labels=tuple(labels), source="close words")


def _nearest(net: Network, ids: Tensor, block: int, count: int) -> Tensor:
    """For each continuation the ``count`` others that predict most alike, ``(k, count)``."""
    with torch.no_grad():
        x = net.states(ids, block=block)
        predicted = net.reading("logits")[block:](x)
        distance = torch.stack([heights(predicted, y, "kl") for y in predicted])
        distance.fill_diagonal_(torch.inf)
        distance[torch.cdist(x, x) == 0] = torch.inf
        return distance.argsort(dim=1)[:, :count]


def _prompts(context: Tensor, last: Tensor) -> Tensor:
    return torch.cat([context.expand(len(last), -1), last[:, None]], dim=1)


def _labels(lm: LanguageModel, context: Tensor, a: Tensor, b: Tensor) -> Iterator[str]:
    begun = lm.tokenizer.decode(context)
    word = {int(i): lm.tokenizer.decode(i).strip() for i in torch.cat([a, b]).unique()}
    return (f"{begun} … {word[int(i)]} → {word[int(j)]}" for i, j in zip(a, b, strict=True))


@checked
def straight(ends: Ends, *, steps: int = 11) -> xr.Dataset:
    """Heights on the segment from a to b, read three ways (``READINGS``).

    Returns:
        Dims ``pair, reading``: ``end`` = h_a(b) and ``straight`` = max of h_a over ``steps`` points
        of the segment; ``number`` of the pair among the ends.
    """
    rows = []
    for part in ends.parts(steps):
        rows.append(_ends_and_tops(part.net, paths.segment(part.a, part.b, steps=steps)))
    end, top = torch.cat(rows, dim=-1).cpu().numpy().transpose(1, 2, 0)
    return xr.Dataset(
        {"end": (("pair", "reading"), end), "straight": (("pair", "reading"), top)},
        coords={"reading": list(READINGS), "number": ("pair", np.arange(len(ends)))},
        attrs=ends.attrs | {"block_in": ends.block, "steps": steps},
    )


def _ends_and_tops(net: Network, points: Tensor) -> Tensor:
    """h_a(b) and max h_a for points ``(pairs, steps, d)`` in all readings: ``(readings, 2,
    pairs)``. The blocks run once.
    """
    found = []
    with torch.no_grad():
        stream = net.reading("stream")(points)
        outputs = {name: net.reading(name)[len(net) :](stream) for name in ("stream", "logits")}
    for name, metric in READINGS.values():
        h = heights(outputs[name], outputs[name][:, :1], metric)
        found.append(torch.stack([h[:, -1], h.amax(1)]))
    return torch.stack(found)


def clear(segments: xr.Dataset) -> xr.DataArray:
    """Which segments have a clear excess barrier; boolean, dims ``pair, reading``."""
    floor = xr.where(segments.reading == "predictions", CLEAR, 0.0)
    excess = segments.straight - segments.end
    return (excess > CLEAR * segments.end) & (excess > floor)


def highest(segments: xr.Dataset, count: int, *, reading: str = "predictions") -> xr.Dataset:
    """The ``count`` pairs with the largest excess among those that are clear in this reading."""
    kept = segments.isel(pair=np.flatnonzero(clear(segments).sel(reading=reading)))
    excess = (kept.straight - kept.end).sel(reading=reading)
    return kept.isel(pair=np.argsort(-excess.values, kind="stable")[:count])


def join(
    ends: Ends,
    chosen: xr.Dataset,
    *,
    reading: str = "predictions",
    steps: int = 40,
    restarts: int = 2,
    nodes: int = 9,
    dense: int = 32,
    shell: bool = True,
    slack: float = 0.01,
    at_once: int = 32,
    seed: int = 0,
) -> xr.Dataset:
    """Search a path for each chosen pair, in one reading.

    Args:
        chosen: some of the pairs, and their heights, of ``straight`` on the same ends.
        shell: keep the nodes' norms between the smallest and largest norm of all the pairs' ends.
        slack: a search stops once the path is within this fraction of its end's height.

    Returns:
        Dim ``pair``: ``end``, ``straight`` and ``found``, maxima of h_a over ``samples`` points
        (nats for "predictions"); ``norm_low``, ``norm_high`` among the samples and ``norm_a``,
        ``norm_b``; ``label``. With dim ``t``, the place on the path from 0 to 1, equal for each
        leg: ``height_straight`` and ``height_found``.
    """
    options = {"steps": steps, "restarts": restarts, "nodes": nodes, "dense": dense, "seed": seed}
    found = []
    for i in range(0, chosen.sizes["pair"], at_once):
        some = chosen.sel(reading=reading).isel(pair=slice(i, i + at_once))
        group = ends[some.number.values.tolist()]
        (part,) = group.parts(1)
        # A radius just above the end: each pair is done once its path stays below it.
        below = torch.as_tensor(some.end.values, device=part.a.device) * (1 + slack)
        result = _join(part, reading, shell, below, options)
        found.append(result.assign(label=("pair", list(group.labels))))
    about = {"reading": reading, "samples": (nodes - 1) * dense + 1, **options}
    return xr.concat(found, "pair").assign_attrs(ends.attrs, block_in=ends.block, **about)


def _join(part: Part, reading: str, shell: bool, below: Tensor, options: dict) -> xr.Dataset:
    name, metric = READINGS[reading]
    net, a, b = part.net.reading(name), part.a, part.b
    norms = torch.cat([a, b]).norm(dim=-1)
    within = (float(norms.min()), float(norms.max())) if shell else None
    found = search(net, a, b, metric=metric, shell=within, below=below, **options)
    length = sampled(found.nodes[:, None], options["dense"])[:, 0].norm(dim=-1)
    columns = {
        "end": found.ends,
        "straight": found.straight,
        "found": found.peaks,
        "norm_a": a.norm(dim=-1),
        "norm_b": b.norm(dim=-1),
        "norm_low": length.amin(1),
        "norm_high": length.amax(1),
    }
    data = {k: ("pair", v.cpu().numpy()) for k, v in columns.items()}
    profiles = _profiles(net, metric, a, b, found, options["dense"])
    return xr.Dataset(data | profiles, coords={"t": np.linspace(0, 1, found.samples)})


def _profiles(
    net: Network, metric: str, a: Tensor, b: Tensor, found: FoundPaths, dense: int
) -> dict[str, tuple]:
    points = sampled(found.nodes[:, None], dense)[:, 0]
    line = paths.segment(a, b, steps=points.shape[1])
    with torch.no_grad():
        centre = net(a[:, None])
        profiles = {
            name: heights(net(x), centre, metric).cpu().numpy()
            for name, x in (("straight", line), ("found", points))
        }
    return {f"height_{name}": (("pair", "t"), h) for name, h in profiles.items()}


def joined(results: xr.Dataset) -> xr.DataArray:
    """Pairs whose path stays below the middle between h_a(b) and the segment's highest point: one
    plateau for the r between.
    """
    return results.found < (results.end + results.straight) / 2
