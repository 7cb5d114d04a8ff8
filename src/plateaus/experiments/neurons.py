"""Where on a path the boundary lies, and what single neurons are given at the two ends alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.pairs import Pairs
from plateaus.experiments.ends import Ends
from plateaus.experiments.runs import Part
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.network import Network
from plateaus.networks.perceptron import perceptron

HALF = 0.5
"""Of rho: as far from the output of one end as from that of the other."""
PLANTED = 10
"""Neurons that places are made of, to see whether a regression can find them."""
SPREAD = 0.1
"""Standard deviation of such places."""
FAR = 2.0
"""Shares of a neuron's way are cut off so far from the middle."""


def at_ends(lm: LanguageModel, pairs: Pairs, *, steps: int = 25, seed: int = 0) -> xr.Dataset:
    """The boundary between the two ends of every pair, and Gram matrices of what may foretell it.

    Exchanging the ends turns a place alpha into 1 - alpha. So each quantity is one that changes its
    sign then, and places are counted from the middle.

    Returns:
        Dim ``pair``: ``place``, alpha - 1/2 where rho first reaches one half; ``planted``, places
        made of ten neurons at the ends; ``word_a``, ``word_b`` and ``context``, numbers of the last
        tokens and of what stands before them. Dims ``of, pair, other``: ``gram``, inner products of
        "ends" (pre-activation at B minus that at A, of each neuron behind the patch, gates where it
        is gated, over their root mean square), of "logits" (the same for the logits), of
        "crossings" (for each block, the mean place where neurons would change sides if they went
        straight from end to end, minus 1/2) and of "boundary" (the share of its way from A to B
        that each neuron has come at the boundary, minus 1/2).

    Raises:
        UnsupportedModel: MLPs that cannot be read.
    """
    ends = Ends.of_prompts(lm, pairs)
    found = [_part(part, steps) for part in ends.parts(steps)]
    place = np.concatenate([place for place, _ in found])
    rows = {k: np.concatenate([some[k] for _, some in found]) for k in found[0][1]}
    rows |= {k: _scaled(rows[k]) for k in ("ends", "logits")}
    planted = _planted(rows["ends"], np.random.default_rng(seed))
    words = np.unique(torch.stack([pairs.a[:, -1], pairs.b[:, -1]], 1).cpu(), return_inverse=True)
    context = np.unique(pairs.a[:, :-1].cpu(), axis=0, return_inverse=True)[1]
    last = words[1].reshape(-1, 2)
    return xr.Dataset(
        {
            "place": ("pair", place),
            "planted": ("pair", planted),
            "word_a": ("pair", last[:, 0]),
            "word_b": ("pair", last[:, 1]),
            "context": ("pair", context.ravel()),
            "gram": (("of", "pair", "other"), np.stack([x @ x.T for x in rows.values()])),
        },
        coords={"of": list(rows)},
        attrs=ends.attrs | {"source": ends.source, "block_in": ends.block},
    )


def _part(part: Part, steps: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    with torch.no_grad():
        path = paths.segment(part.a, part.b, steps=steps)
        place = curves.crossing(curves.relative_distance(part.net.reading(None)(path)), HALF)
        at = place[:, None].to(part.a)
        x = torch.stack([part.a, part.b, part.a + at * (part.b - part.a)], dim=1)
        blocks, y = _pre_activations(part.net, x)
        logits = part.net.readouts["logits"](part.net.readouts["normed"](y[:, :2])).double()
    z = torch.cat(blocks, dim=-1)
    way = (z[:, 2] - z[:, 0]) / (z[:, 1] - z[:, 0])
    way = (way - HALF).nan_to_num(0.0).clamp(-FAR, FAR)
    crossings = torch.stack([_crossings(z[:, 0], z[:, 1]) for z in blocks], dim=1)
    rows = {
        "ends": z[:, 1] - z[:, 0],
        "logits": logits[:, 1] - logits[:, 0],
        "crossings": crossings,
        "boundary": way,
    }
    return (place - HALF).cpu().numpy(), {k: v.cpu().numpy() for k, v in rows.items()}


def _pre_activations(net: Network, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """Those of every block's neurons, each ``(P, n, m)``, and what leaves the last block."""
    found = []
    for block in net.blocks:
        mlp = perceptron(block, x[:, :2])
        after, parts = block.with_parts(x)
        found.append(mlp.switches(x + parts["attention"]).double())
        x = after
    return found, x


def _crossings(a: Tensor, b: Tensor) -> Tensor:
    """Mean of alpha - 1/2 over the neurons whose sign at b ``(P, m)`` is not that at a; ``(P,)``,
    0 where there is none.
    """
    changed = (a > 0) != (b > 0)
    at = torch.where(changed, a / torch.where(changed, a - b, 1.0) - HALF, 0.0)
    return at.sum(-1) / changed.sum(-1).clamp_min(1)


def _scaled(rows: np.ndarray) -> np.ndarray:
    """Every quantity over its root mean square; what is 0 everywhere stays so."""
    size = np.sqrt(np.square(rows).mean(0))
    return rows / np.where(size > 0, size, 1.0)


def _planted(rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A sum of a few columns, as wide as places may be; ``(pair,)``."""
    weight = np.zeros(rows.shape[1])
    weight[generator.permutation(len(weight))[:PLANTED]] = generator.standard_normal(PLANTED)
    return SPREAD * _scaled(rows @ weight[:, None])[:, 0]


def of_neurons(trained: Mapping[str, xr.Dataset], step_0: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Results of ``at_ends`` (model -> result) side by side, dims ``weights, model`` and theirs, as
    float32.
    """
    both = [
        xr.concat(
            [r.assign_coords(pair=range(r.sizes["pair"])) for r in rows.values()],
            xr.DataArray(list(rows), dims="model", name="model"),
            join="outer",
            combine_attrs="drop_conflicts",
        )
        for rows in (trained, step_0)
    ]
    weights = xr.DataArray(["trained", "step 0"], dims="weights", name="weights")
    joined = xr.concat(both, weights, join="outer", combine_attrs="drop_conflicts")
    for name in ("place", "planted", "gram"):
        joined[name] = joined[name].astype("float32")
    return joined
