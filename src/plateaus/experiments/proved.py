"""Paths between activations of a language model, proved along their whole length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.experiments.ends import Ends
from plateaus.geometry import paths
from plateaus.geometry.bounds.heights import height_bounds
from plateaus.geometry.bounds.interval import Box, slack
from plateaus.geometry.bounds.program import program
from plateaus.geometry.certified import certify_path
from plateaus.geometry.metrics import heights
from plateaus.geometry.minimax import search
from plateaus.networks.explicit import explicit
from plateaus.networks.network import Network

SEARCH = {"steps": 40, "restarts": 2, "nodes": 9, "dense": 32}


def prove(ends: Ends, chosen: xr.Dataset, *, budget: int = 2_000, seed: int = 0) -> xr.Dataset:
    """Search a path for each chosen pair in the predictions, and prove how high it is.

    Pieces are halved until the path is proved to stay below the middle between its end and the
    straight segment, or the budget is spent. What is proved is about the map that the weights
    define at the prompt, in exact arithmetic (``certify_path``).

    Args:
        chosen: some of the pairs, and their heights, of ``joins.straight`` on the same ends.
        budget: pieces to bound for each path, about.

    Returns:
        Dim ``pair``, in nats: ``end`` (computed), ``segment``, a proved *lower* bound of the
        highest point of the straight segment, ``found``, the highest sample of the path, and
        ``ceiling``, a proved upper bound of h_a on it. Also ``length`` of the path, ``pieces``,
        ``longest`` and ``shortest`` of them, ``examined``; ``label``.

    Raises:
        NotCertifiable: a network that ``networks.explicit`` cannot write out.
    """
    some = chosen.sel(reading="predictions")
    rows = []
    for number, end, straight in zip(some.number, some.end, some.straight, strict=True):
        (part,) = ends[[int(number)]].parts(1)
        net = part.net.reading("logits")
        plain = explicit(net).reading("logits")
        below = end.values * 1.01
        found = search(
            net, part.a, part.b, metric="kl", below=torch.tensor([below]), seed=seed, **SEARCH
        )
        nodes = found.nodes[0].double().cpu()
        middle = float(end + straight) / 2
        proof = certify_path(plain, nodes, metric="kl", below=middle, budget=budget)
        rows.append(
            {
                "end": float(found.ends[0]),
                "segment": _segment_floor(plain, nodes[0], nodes[-1]),
                "found": float(found.peaks[0]),
                "ceiling": proof.ceiling,
                "length": float(proof.lengths.sum()),
                "pieces": len(proof.lengths),
                "longest": float(proof.lengths.max()),
                "shortest": float(proof.lengths.min()),
                "examined": proof.examined,
            }
        )
    columns = {name: ("pair", np.array([row[name] for row in rows])) for name in rows[0]}
    labels = [ends.labels[int(number)] for number in some.number]
    about = {**ends.attrs, "block_in": ends.block, "budget": budget, **SEARCH}
    return xr.Dataset(columns | {"label": ("pair", labels)}, attrs=about)


def bulges(ends: Ends, blocks: Sequence[int], *, length: float = 0.1) -> xr.DataArray:
    """How much one piece of this length, from a towards b, may rise above its ends: the proved
    bound less the highest end, in nats, for the first pair entering each block; dim ``block``.

    It falls with the square of the length, and with it the number of pieces a proof takes.
    """
    found = []
    for block in blocks:
        (part,) = replace(ends[[0]], block=block).parts(1)
        plain = explicit(part.net.reading("logits")).reading("logits")
        a, b = (x[0].double().cpu() for x in (part.a, part.b))
        nodes = torch.stack([a, a + length * (b - a) / (b - a).norm()])
        proof = certify_path(plain, nodes, metric="kl", pieces=1, budget=1)
        found.append(proof.ceiling - proof.highest)
    return xr.DataArray(found, dims="block", coords={"block": list(blocks)}, name="bulge")


def _segment_floor(plain: Network, a: Tensor, b: Tensor, *, samples: int = 257) -> float:
    """A proved lower bound of h_a at the highest sample of the segment from a to b."""
    points = paths.segment(a[None], b[None], steps=samples)[0]
    highest = int(heights(plain(points), plain(a), "kl").argmax())
    x = points[highest].numpy()
    error = slack(2 * np.maximum(abs(a.numpy()), abs(b.numpy())), 2)
    box = Box(low=(x - error)[None], high=(x + error)[None])
    return float(height_bounds(program(plain), box, a.numpy(), "kl").low[0])
