"""Pairs of activations that a straight segment separates, and paths that join them after all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.prompts import Pairs
from plateaus.geometry import paths
from plateaus.geometry.metrics import heights
from plateaus.geometry.minimax import FoundPaths, search
from plateaus.geometry.polyline import sampled
from plateaus.networks.language_model import LanguageModel

READINGS = {"stream": "l2", "logits": "l2", "predictions": "kl"}
"""What is read after the last block, and the distance it is read in: L2, L2, and KL in nats."""
CLEAR = 0.05
"""An excess barrier is clear if the segment rises this much above its end, relative to it, and (KL
only) by as many nats.
"""


def between_words(
    lm: LanguageModel,
    contexts: Tensor,
    *,
    words: int = 150,
    nearest: int = 3,
    steps: int = 11,
    patch: int = 1,
    seed: int = 0,
) -> xr.Dataset:
    """Segments between activations of one context that predict nearly the same: where a barrier
    would be an *excess*.

    For each context, ``words`` tokens of the vocabulary are each put last; every resulting
    activation entering block ``patch`` is joined to those of the ``nearest`` others in KL(p_a ||
    p_b).

    Args:
        contexts: token ids ``(C, T)``.

    Returns:
        Dim ``pair``: ``context``, ``word_a``, ``word_b`` (numbers) and, with dim ``reading``,
        ``end`` = h_a(b) and ``straight`` = max of h_a over ``steps`` points of the segment.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for number, context in enumerate(contexts):
        ids = torch.randperm(lm.bridge.cfg.d_vocab, generator=generator)[:words].to(lm.device)
        with torch.no_grad():
            net = lm.at(context)
            x = net.states(ids, block=patch)
            predicted = lm.logits(net[patch:](x))
            distance = torch.stack([heights(predicted, y, "kl") for y in predicted])
            distance.fill_diagonal_(torch.inf)
            distance[torch.cdist(x, x) == 0] = torch.inf
            near = distance.argsort(dim=1)[:, :nearest]
            i, j = (
                torch.arange(len(ids), device=near.device).repeat_interleave(nearest),
                near.flatten(),
            )
            found = _along(lm, net[patch:], x[i], x[j], steps)
        columns = {
            "context": np.full(len(i), number),
            "word_a": ids[i].cpu().numpy(),
            "word_b": ids[j].cpu().numpy(),
        }
        parts.append(found.assign({k: ("pair", v) for k, v in columns.items()}))
    return xr.concat(parts, "pair").assign_attrs(
        model=lm.name, patch=patch, steps=steps, words=words, nearest=nearest
    )


def between_prompts(
    lm: LanguageModel, pairs: Pairs, *, steps: int = 11, patch: int = 1
) -> xr.Dataset:
    """The same segments between prompts A and B, in A's context; dims ``pair, reading``."""
    with torch.no_grad():
        net = lm.at(pairs.a[:, :-1])
        a = net.states(pairs.a[:, -1:], block=patch)[:, 0]
        b = lm.at(pairs.b[:, :-1]).states(pairs.b[:, -1:], block=patch)[:, 0]
        found = _along(lm, net[patch:], a, b, steps)
    return found.assign_attrs(model=lm.name, patch=patch, steps=steps)


def _along(lm: LanguageModel, tail, a: Tensor, b: Tensor, steps: int) -> xr.Dataset:
    stream = tail(paths.segment(a, b, steps=steps))
    rows = []
    for reading, metric in READINGS.items():
        y = stream if reading == "stream" else lm.logits(stream)
        h = heights(y, y[:, :1], metric)
        rows.append(torch.stack([h[:, -1], h.amax(1)]))
    ends, tops = torch.stack(rows, dim=-1).cpu().numpy()
    return xr.Dataset(
        {"end": (("pair", "reading"), ends), "straight": (("pair", "reading"), tops)},
        coords={"reading": list(READINGS)},
    )


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
    lm: LanguageModel,
    contexts: Tensor,
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
        chosen: pairs of ``between_words`` on the same ``contexts``.
        shell: keep the nodes' norms between the smallest and largest norm of all the pairs' ends.
        slack: a search stops once the path is within this fraction of its end's height.

    Returns:
        Dim ``pair``: ``end``, ``straight`` and ``found``, maxima of h_a over ``samples`` points
        (nats for "predictions"); ``norm_low``, ``norm_high`` of the path and ``norm_a``,
        ``norm_b``; ``label``. With dim ``t``, the place on the path from 0 to 1, equal for each
        leg: ``height_straight`` and ``height_found``.
    """
    chosen = chosen.sel(reading=reading)
    groups = [
        chosen.isel(pair=slice(i, i + at_once)) for i in range(0, chosen.sizes["pair"], at_once)
    ]
    options = {"steps": steps, "restarts": restarts, "nodes": nodes, "dense": dense, "seed": seed}
    parts = [_join(lm, contexts, group, shell, slack, options) for group in groups]
    return xr.concat(parts, "pair").assign_attrs(
        model=lm.name, reading=reading, samples=(nodes - 1) * dense + 1, **options
    )


def _join(
    lm: LanguageModel,
    contexts: Tensor,
    chosen: xr.Dataset,
    shell: bool,
    slack: float,
    options: dict,
) -> xr.Dataset:
    context = contexts[torch.as_tensor(chosen.context.values, device=contexts.device)]
    words = [
        torch.as_tensor(chosen[k].values, device=contexts.device)[:, None]
        for k in ("word_a", "word_b")
    ]
    net, patch = lm.at(context), chosen.attrs["patch"]
    with torch.no_grad():
        a, b = (net.states(w, block=patch)[:, 0] for w in words)
    reading, metric = chosen.reading.item(), READINGS[chosen.reading.item()]
    tail = net.reading("stream" if reading == "stream" else "logits")[patch:]
    norms = torch.cat([a, b]).norm(dim=-1)
    # A radius just above the end: each pair is done as soon as its path stays below it.
    target = torch.as_tensor(chosen.end.values, device=a.device) * (1 + slack)
    found = search(
        tail,
        a,
        b,
        metric=metric,
        shell=(float(norms.min()), float(norms.max())) if shell else None,
        below=target,
        **options,
    )
    length = found.nodes.norm(dim=-1).cpu().numpy()
    columns = {
        "end": found.ends,
        "straight": found.straight,
        "found": found.peaks,
        "norm_a": a.norm(dim=-1),
        "norm_b": b.norm(dim=-1),
    }
    data = {k: ("pair", v.cpu().numpy()) for k, v in columns.items()}
    data |= {
        "norm_low": ("pair", length.min(1)),
        "norm_high": ("pair", length.max(1)),
        "label": ("pair", list(_labels(lm, context, words))),
    }
    profiles = _profiles(tail, metric, a, b, found, options["dense"])
    return xr.Dataset(data | profiles, coords={"t": np.linspace(0, 1, found.samples)})


def _profiles(
    tail, metric: str, a: Tensor, b: Tensor, found: FoundPaths, dense: int
) -> dict[str, tuple]:
    points = sampled(found.nodes[:, None], dense)[:, 0]
    line = paths.segment(a, b, steps=points.shape[1])
    with torch.no_grad():
        centre = tail(a[:, None])
        profiles = {
            name: heights(tail(x), centre, metric).cpu().numpy()
            for name, x in (("straight", line), ("found", points))
        }
    return {f"height_{name}": (("pair", "t"), h) for name, h in profiles.items()}


def _labels(lm: LanguageModel, context: Tensor, words: list[Tensor]) -> Iterator[str]:
    for ids, first, second in zip(context, *words, strict=True):
        yield f"{lm.tokenizer.decode(ids)} … {lm.tokenizer.decode(first).strip()} → {lm.tokenizer.decode(second).strip()}"


def joined(results: xr.Dataset) -> xr.DataArray:
    """Pairs whose path stays below the middle between h_a(b) and the segment's highest point: one
    plateau for the r between.
    """
    return results.found < (results.end + results.straight) / 2
