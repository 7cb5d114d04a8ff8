"""What makes a plateau curve depart from a straight line, and how plateaus grow with depth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.experiments import trajectories
from plateaus.experiments.ends import Ends, Part
from plateaus.geometry import paths
from plateaus.measures import curves, dynamics
from plateaus.networks import nulls

ROUNDING = 1e-6
"""An extent that is smaller by no more than this counts as no smaller."""
SHARES = ("contraction", "norm", "expansion")
"""Of interiors in absolute distances; by a growing norm, which dilutes all distances; of boundaries
beyond that."""


def shares(result: xr.Dataset) -> xr.DataArray:
    """The departure of each line from an even one, in three terms that add up to it exactly.

    With L_in and L_out the mean sum of log c inside plateaus and between them, and G the growth of
    the logarithm of the stream's norm, the departure is L_out - L_in = -L_in + G + (L_out - G).

    Args:
        result: what ``trajectories.follow`` gave; an affine network has departure zero.

    Returns:
        The three terms [nats], dims ``term, pair``; their shares are these divided by their sum.
    """
    kinds = trajectories.of_lines(result)
    norm = np.log(result.norm.isel(depth=-1) / result.norm.isel(depth=0))
    inside, between = (kinds.sel(kind=k, drop=True) for k in ("inside", "between"))
    terms = (-inside, norm.drop_vars("depth", errors="ignore"), between - norm)
    terms = [t.drop_vars("depth", errors="ignore") for t in terms]
    return xr.concat(terms, xr.DataArray(list(SHARES), dims="term", name="term"))


def trainings(studies: Mapping[str, xr.Dataset], model: str) -> xr.Dataset:
    """Each training's means over lines, of ``trajectories.study``; dims ``weights, training``.

    Returns:
        ``inside``, the sum of log c inside plateaus over all blocks; ``later``, between minus
        inside over the later half of the blocks, where the states half-way call the gaps;
        and ``terms`` with dim ``term``, see ``shares``.
    """
    rows = []
    for study in studies.values():
        each = []
        for weights in ("trained", "untrained"):
            one = study.sel(weights=weights)
            later = trajectories.of_lines(one, trajectories.HALF_WAY)
            gap = later.sel(kind="between", drop=True) - later.sel(kind="inside", drop=True)
            inside = trajectories.of_lines(one).sel(kind="inside", drop=True)
            found = {"inside": inside, "later": gap, "terms": shares(one)}
            each.append(xr.Dataset(found).drop_vars("weights", errors="ignore").mean("pair"))
        names = xr.DataArray(["trained", "untrained"], dims="weights", name="weights")
        rows.append(xr.concat(each, names))
    names = xr.DataArray(list(studies), dims="training", name="training")
    return xr.concat(rows, names).assign_attrs(model=model)


def sublayers(ends: Ends, *, steps: int = 41, share: float = 0.25) -> xr.Dataset:
    """Along and across, by kind of sublayer, for a and the point half-way to its plateau's exit.

    Returns:
        ``along`` (p) and ``across`` (q), dims ``sublayer, pair, block``; p of the sublayers add up
        to the block's.
    """
    rows = []
    for part in ends.parts(steps):
        found = dynamics.sublayers(part.net, *_inside(part, steps, share))
        data = {
            name: xr.concat(
                [xr.DataArray(v[k][..., 0].T.numpy(force=True), dims=("pair", "block"))
                 for v in found.values()],
                xr.DataArray(list(found), dims="sublayer", name="sublayer"),
            )
            for k, name in enumerate(("along", "across"))
        }  # fmt: skip
        rows.append(xr.Dataset(data))
    first = ends.block
    result = xr.concat(rows, "pair")
    return result.assign_coords(block=np.arange(first, first + result.sizes["block"])).assign_attrs(
        ends.attrs
    )


def _inside(part: Part, steps: int, share: float) -> tuple[Tensor, Tensor]:
    points = paths.segment(part.a, part.b, steps=steps)
    with torch.no_grad():
        sides = trajectories.lines.plateaus(part.net.trace(points)[-1], share=share)
    return part.a.unsqueeze(1), trajectories.lines.halfway(points, sides)


def extents(ends: Ends, *, steps: int = 41, share: float = 0.25) -> xr.Dataset:
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
    curves_at = {n: _distances(ends.at(k), steps) for n, k in enumerate(blocks, 1)}
    whole = np.median(curves_at[1][:, -1])
    rows = [_reach(d, share * whole) for d in curves_at.values()]
    own = [_reach(d, share * d[:, -1:]) for d in curves_at.values()]
    deepest = ends.at(blocks[-1])
    affine = _distances(deepest, steps, tangent=True)
    shrunk = _distances(deepest, steps, shrink=True)
    fixed = np.stack(rows)
    return xr.Dataset(
        {
            "fixed": (("depth", "pair"), fixed),
            "grows": ("pair", (np.diff(fixed, axis=0) >= -ROUNDING).mean(0)),
            "relative": (("depth", "pair"), np.stack(own)),
            "affine": ("pair", _reach(affine, share * affine[:, -1:])),
            "appended": ("pair", _reach(shrunk, share * whole) >= fixed[-1] - ROUNDING),
        },
        coords={"depth": list(curves_at)},
        attrs=ends.attrs,
    )


def _distances(
    ends: Ends, steps: int, *, tangent: bool = False, shrink: bool = False
) -> np.ndarray:
    """Distance of the output from a's along each segment, ``(pairs, steps)``."""
    rows = []
    for part in ends.parts(steps):
        net, points = part.net, paths.segment(part.a, part.b, steps=steps)
        if tangent:
            net = nulls.linearised(net, at=part.a)
        with torch.no_grad():
            y = net.trace(points)[-1].double()
        if shrink:  # clip, then rectify: neither moves two points apart
            y = y.clamp(-y.abs().median(), y.abs().median()).relu()
        rows.append(curves.distance(y).numpy(force=True))
    return np.concatenate(rows)


def _reach(distance: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    """First place at which a distance ``(pairs, steps)`` reaches a level; 1 if nowhere."""
    scaled = torch.as_tensor(distance / level)
    return np.nan_to_num(curves.crossing(scaled, 1.0).numpy(), nan=1.0)
