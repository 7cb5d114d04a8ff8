"""Regions of activation space: slices through three real activations, and how many regions many
activations of one context fall into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.pairs import Pairs
from plateaus.errors import BadParameter
from plateaus.experiments.given import checked
from plateaus.geometry import paths
from plateaus.measures import merging, slices
from plateaus.networks.language_model import LanguageModel

WINDOW = (-0.25, 1.25)
"""Of both coordinates of a slice, as published."""
SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Radii, in median distances of two outputs."""


@checked
def triples(
    lm: LanguageModel, pairs: Pairs, count: int, *, block: int = 1, resolution: int = 25
) -> xr.Dataset:
    """Colours of ``count`` planes, each through the activations of three unrelated prompts.

    The corners A, B, C of triple k are prompts A and B of pair k and A of pair k + count. Each
    distance is from its own corner's output, in that corner's own prompt.

    Args:
        pairs: at least 2 ``count`` of them.
        resolution: points along each edge of the window [-0.25, 1.25]^2.

    Returns:
        ``colour`` (dims ``triple, beta, alpha, channel``, dimensionless, float32), ``distance``
        (dims ``triple, corner, beta, alpha``, units of the stream that leaves the last block) and
        ``place``, the corners' coordinates (dims ``triple, corner, axis``).
    """
    if len(pairs.a) < 2 * count:
        raise BadParameter(
            f"{count} triples are made from {2 * count} pairs of prompts, got {len(pairs.a)}: give "
            "more pairs, or ask for fewer triples."
        )
    prompts = [pairs.a[:count], pairs.b[:count], pairs.a[count : 2 * count]]
    nets = [lm.at(ids[:, :-1]) for ids in prompts]
    corners = [net.trace(net.embed(ids[:, -1:]))[block][:, 0]
               for net, ids in zip(nets, prompts, strict=True)]  # fmt: skip
    planes = torch.stack(
        [paths.plane(*abc, steps=resolution, alpha=WINDOW, beta=WINDOW)
         for abc in zip(*corners, strict=True)]
    )  # fmt: skip
    rows = []
    for net, corner in zip(nets, corners, strict=True):
        points = torch.cat([corner[:, None], planes.flatten(1, 2)], dim=1)
        with torch.no_grad():
            y = net[block:](points).double()
        rows.append((y[:, 1:] - y[:, :1]).norm(dim=-1))
    distance = torch.stack(rows, dim=1).unflatten(-1, (resolution, resolution)).cpu().numpy()
    axis = np.linspace(*WINDOW, resolution)
    return xr.Dataset(
        {
            "colour": (("triple", "beta", "alpha", "channel"),
                       slices.colours(distance).astype("float32")),
            "distance": (("triple", "corner", "beta", "alpha"), distance.astype("float32")),
            "place": (("triple", "corner", "axis"), _places(*corners)),
        },
        coords={"alpha": axis, "beta": axis, "corner": list("ABC")},
        attrs={"model": lm.name, "block_in": block, "source": pairs.source},
    )  # fmt: skip


def _places(a: Tensor, b: Tensor, c: Tensor) -> np.ndarray:
    """Coordinates of the corners: (0, 0), (1, 0) and (s, 1)."""
    ab = (b - a).double()
    s = ((c - a).double() * ab).sum(-1) / ab.square().sum(-1)
    zero, one = torch.zeros_like(s), torch.ones_like(s)
    corners = [(zero, zero), (one, zero), (s, one)]
    return torch.stack([torch.stack(xy, dim=-1) for xy in corners], dim=1).cpu().numpy()


@checked
def clusters(
    lm: LanguageModel, context: Tensor, words: Tensor, *, block: int = 1, steps: int = 9,
    shares: Sequence[float] = SHARES,
) -> xr.Dataset:  # fmt: skip
    """Into how many plateaus the activations of many last words of one context are seen to fall.

    Single linkage of max(m(a, b), m(b, a)), where m is the largest height on ``steps`` points of
    the segment. A path off the segment may be lower, so more may be joined: the number is an upper
    bound, up to what lies between the samples. Heights alone, h_a(b) <= m(a, b), give a lower one.

    Args:
        context: token ids ``(T,)``; words: token ids ``(n,)``.
        shares: radii, in median distances of two outputs.

    Returns:
        Dim ``share``: ``number``; ``least``, the same with h_a(b) in the place of m; ``largest``,
        the part of the activations in the largest plateau. Dims ``a, b``: ``merge``, in median
        distances.
    """
    shares = list(shares) if np.iterable(shares) else [shares]
    if bad := [r for r in shares if not isinstance(r, Real) or not 0 < r < np.inf]:
        raise BadParameter(
            f"A radius is a number above 0, in median distances, got {bad[0]!r}: give such numbers."
        )
    net = lm.at(context)
    x = net.trace(net.embed(words))[block]
    if len(x) < 2:
        raise BadParameter(
            f"Plateaus are told apart among at least 2 activations, got {len(x)}: give more words."
        )
    low, high = merging.on_segments(net[block:], x, steps=steps)
    typical = np.median(low[~np.eye(len(x), dtype=bool)])
    found = [merging.chained(h / typical) for h in (high, low)]
    labels = [[_labels(level, r) for r in shares] for level in found]
    number, least = ([int(k.max()) + 1 for k in row] for row in labels)
    largest = [np.bincount(k).max() / len(x) for k in labels[0]]
    return xr.Dataset(
        {
            "number": ("share", number),
            "least": ("share", least),
            "largest": ("share", largest),
            "merge": (("a", "b"), (high / typical).astype("float32")),
        },
        coords={"share": list(shares)},
        attrs={"model": lm.name, "block_in": block, "activations": len(x), "steps": steps},
    )


def _labels(levels: np.ndarray, radius: float) -> np.ndarray:
    """Number of the cluster of each point, from the ultrametric of ``merging.chained``."""
    together = levels < radius
    np.fill_diagonal(together, True)
    return np.unique(together.argmax(1), return_inverse=True)[1]


def together(
    planes: Mapping[str, xr.Dataset],
    planes_0: Mapping[str, xr.Dataset],
    numbers: Mapping[str, xr.Dataset],
    numbers_0: Mapping[str, xr.Dataset],
) -> xr.Dataset:
    """What ``triples`` and ``clusters`` gave (model -> result), trained first, then step 0; dims
    ``weights, model`` and theirs.
    """
    kept = ["number", "least", "largest"]
    rows = [
        xr.concat(
            [xr.merge([p[name][["colour"]], n[name][kept]]) for name in p],
            xr.DataArray(list(p), dims="model", name="model"),
            combine_attrs="drop_conflicts",
        )
        for p, n in ((planes, numbers), (planes_0, numbers_0))
    ]
    weights = xr.DataArray(["trained", "step 0"], dims="weights", name="weights")
    return xr.concat(rows, weights, combine_attrs="drop_conflicts")
