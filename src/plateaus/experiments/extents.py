"""How far plateaus reach along segments with more and more blocks in between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from plateaus.experiments.ends import Ends
from plateaus.experiments.runs import Part, Runs
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.networks import nulls

ROUNDING = 1e-6
"""An extent that is smaller by no more than this counts as no smaller."""
FEW = 6
"""Points of a segment that show whether a distance grows evenly on it."""


def reach(ends: Ends, *, steps: int = 41, share: float = 0.25) -> xr.Dataset:
    """How far the plateau of a reaches on the segment to b, for every number of blocks in between.

    The ends enter at every block in turn, so that the last of the ``depth`` blocks is always the
    network's last, and one more block comes first. Ends must share a context: only then do all of
    these segments end in the same two outputs.

    Returns:
        With dims ``depth, pair``: ``fixed``, the first share of the segment at which the output is
        ``share`` of R away, R the median over pairs of the distance of the two outputs; and
        ``relative``, the same with each pair's own distance. 1 where that is never reached.
        ``grows``: the share of depths at which ``fixed`` does not shrink, to a millionth. Controls,
        dim ``pair``: ``affine``, ``relative`` in the network tangent at a; ``appended``, whether
        ``fixed`` does not shrink with nonexpansive blocks appended last.
    """
    blocks = list(reversed(ends.blocks[1:]))
    parts = [_of_runs(runs, blocks, steps) for runs in ends.runs(steps)]
    found = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
    affine, shrunk = found.pop("affine"), found.pop("shrunk")
    whole = np.median(found[1][:, -1])
    rows = [_first(d, share * whole) for d in found.values()]
    own = [_first(d, share * d[:, -1:]) for d in found.values()]
    fixed = np.stack(rows)
    return xr.Dataset(
        {
            "fixed": (("depth", "pair"), fixed),
            "grows": ("pair", (np.diff(fixed, axis=0) >= -ROUNDING).mean(0)),
            "relative": (("depth", "pair"), np.stack(own)),
            "affine": ("pair", _first(affine, share * affine[:, -1:])),
            "appended": ("pair", _first(shrunk, share * whole) >= fixed[-1] - ROUNDING),
        },
        coords={"depth": list(found)},
        attrs=ends.attrs,
    )


def _of_runs(runs: Runs, blocks: Sequence[int], steps: int) -> dict[int | str, np.ndarray]:
    """Distances by how many blocks are in between, and from the first of them in both controls."""
    found = {n: _distances(runs.part(k), steps) for n, k in enumerate(blocks, 1)}
    deepest = runs.part(blocks[-1])
    return {
        **found,
        "affine": _distances(deepest, min(steps, FEW), tangent=True),
        "shrunk": _distances(deepest, steps, shrink=True),
    }


def _distances(
    part: Part, steps: int, *, tangent: bool = False, shrink: bool = False
) -> np.ndarray:
    """Distance of the output from a's along each segment, ``(pairs, steps)``."""
    net, points = part.net, paths.segment(part.a, part.b, steps=steps)
    if tangent:
        net = nulls.linearised(net, at=part.a)
    with torch.no_grad():
        y = net.trace(points)[-1].double()
    if shrink:  # clip, then rectify: neither moves two points apart
        y = y.clamp(-y.abs().median(), y.abs().median()).relu()
    return curves.distance(y).numpy(force=True)


def _first(distance: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    """First place at which a distance ``(pairs, steps)`` reaches a level; 1 if nowhere."""
    scaled = torch.as_tensor(distance / level)
    return np.nan_to_num(curves.crossing(scaled, 1.0).numpy(), nan=1.0)


def of_trainings(extents: xr.Dataset, count: int | None = None) -> xr.Dataset:
    """What claims about trainings rest on: each training's own numbers.

    Args:
        extents: dims ``depth, pair``, or ``blocks, pair`` with the fewest and the most alone; and
            ``training``, or else the pairs of ``count`` trainings come one training after the
            other, equally many of each.

    Returns:
        ``gained``, the median over pairs of ``relative`` at the most blocks minus the fewest;
        ``grows`` and ``appended``, the means of these; ``affine``, the median; dim ``training``.
    """
    if count is not None:
        pairs = extents.sizes["pair"]
        assert pairs % count == 0, "equally many pairs of each training"
        each = extents.drop_vars("pair", errors="ignore").coarsen(pair=pairs // count)
        extents = each.construct(pair=("training", "pair"))
    relative = extents.relative.rename({"depth": "blocks"} if "depth" in extents.dims else {})
    gained = relative.isel(blocks=-1, drop=True) - relative.isel(blocks=0, drop=True)
    found = {
        "gained": gained.median("pair"),
        "grows": extents.grows.mean("pair"),
        "affine": extents.affine.median("pair"),
        "appended": extents.appended.mean("pair"),
    }
    return xr.Dataset(found, attrs=extents.attrs)
