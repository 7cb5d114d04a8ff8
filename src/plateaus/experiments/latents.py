"""One feature of a dictionary, or a few of them, taken away from an activation or put into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.experiments import synthetic, targets
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.measures import curves
from plateaus.networks.dictionary import Dictionary

COUNTS = (1, 4)
REMOVED, ADDED = "removed", "added"
WAYS = ("features", "difference", "isotropic")
"""Along what one goes: the features themselves; the difference between the activations of two other
prompts, which are real but no feature; a direction that knows nothing. All three equally far."""
DOSES = (0.5, 1.0)
"""Shares of the way."""


@checked
def displacement(
    dictionary: Dictionary, real: Tensor, other: Tensor, *, count: int, added: bool
) -> Tensor:
    """What the strongest ``count`` features add up to, ``(n, d)``.

    Taken away are those that are active on ``real`` ``(n, d)``, as strong as they are there; put in
    are those of ``other`` that are not active on ``real``, as strong as they are on ``other``.
    Fewer are active on some: then it is these.
    """
    z = dictionary.encode(real)
    if added:
        z = torch.where(z > 0, torch.zeros_like(z), dictionary.encode(other))
    best = z.topk(min(count, dictionary.features), dim=-1)
    kept = torch.zeros_like(z).scatter(-1, best.indices, best.values)
    return (kept if added else -kept) @ dictionary.W_dec


@checked
def edits(
    ends: Ends,
    dictionary: Dictionary,
    *,
    counts: Sequence[int] = COUNTS,
    seed: int = 0,
    through: Callable[[Ends], Ends] = lambda ends: ends,
) -> xr.Dataset:
    """How far the output moves when features are taken away from the first ends or put in.

    Args:
        through: what carries the same points into another network, such as one untrained.

    Returns:
        ``moved``, dims ``edit, way, dose, pair``: L2 between the stream after the last block and
        that at the first end, over the median distance between two real activations' outputs; NaN
        where no feature is active. ``length``, dims ``edit, pair``, of what
        is added to the activation over the activation's own.
    """
    other, ways, length, names = targets.real(ends, 2 * seed + 1), [], [], []
    for added in (False, True):
        for count in counts:
            v = displacement(dictionary, ends.a, other, count=count, added=added)
            far = v.norm(dim=-1)
            ways.append(torch.stack([v, *(_as_far(w, far) for w in _controls(ends, seed))], 1))
            length.append((far / ends.a.norm(dim=-1)).cpu().numpy())
            names.append(f"{count} {ADDED if added else REMOVED}")
    carried = through(ends)
    scale = synthetic.radius(carried) / synthetic.QUARTER
    length = np.array(length, dtype="float32")
    found = _moved(carried, torch.stack(ways, 1)) / scale
    found = np.where(length[:, None, None] > 0, np.moveaxis(found, 0, -1), np.nan)
    dims = ("edit", "way", "dose", "pair")
    return xr.Dataset(
        {"moved": (dims, found.astype("float32")), "length": (("edit", "pair"), length)},
        coords={"edit": names, "way": list(WAYS), "dose": list(DOSES)},
        attrs=ends.attrs,
    )


def _controls(ends: Ends, seed: int) -> tuple[Tensor, Tensor]:
    one, another = (targets.real(ends, 2 * seed + k) for k in (3, 5))
    same = (one == another).all(-1, keepdim=True)  # the same prompt was dealt twice
    drawn = np.random.default_rng(seed).standard_normal(tuple(ends.a.shape))
    return torch.where(same, one - ends.a, one - another), torch.from_numpy(drawn).to(ends.a)


def _as_far(w: Tensor, length: Tensor) -> Tensor:
    return w * (length / w.norm(dim=-1))[:, None]


def _moved(ends: Ends, ways: Tensor) -> np.ndarray:
    """Distances ``(pairs, edits, ways, doses)`` along ways ``(pairs, edits, ways, d)``; all points
    of a pair are run together.
    """
    points = ways[:, :, :, None] * torch.tensor(DOSES).to(ways)[:, None]
    rows, start = [], 0
    for part in ends.parts(points[0, ..., 0].numel() + 1):
        some = points[start : start + len(part.a)]
        start += len(part.a)
        along = torch.cat([part.a[:, None], part.a[:, None] + some.flatten(1, -2)], dim=1)
        with torch.no_grad():
            seen = part.net.readings(along, readouts=False)[-1].value
        rows.append(curves.distance(seen)[:, 1:].reshape(some.shape[:-1]).cpu())
    return torch.cat(rows).numpy()
