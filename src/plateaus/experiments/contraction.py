"""What makes a plateau curve depart from a straight line, and how plateaus grow with depth."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.experiments import gaps, trajectories
from plateaus.experiments.ends import Ends, Part
from plateaus.geometry import paths
from plateaus.measures import curves, dynamics, lines
from plateaus.networks import nulls

ROUNDING = 1e-6
"""An extent that is smaller by no more than this counts as no smaller."""
FEW = 6
"""Points of a segment that show whether a distance grows evenly on it."""
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
    kinds = gaps.of_lines(result)
    norm = np.log(result.norm.isel(depth=-1) / result.norm.isel(depth=0))
    inside, between = (kinds.sel(kind=k, drop=True) for k in ("inside", "between"))
    terms = (-inside, norm.drop_vars("depth", errors="ignore"), between - norm)
    terms = [t.drop_vars("depth", errors="ignore") for t in terms]
    return xr.concat(terms, xr.DataArray(list(SHARES), dims="term", name="term"))


def by_line(studies: xr.Dataset) -> xr.Dataset:
    """Each line's own means over its gaps, of ``trajectories.follow`` along ``weights``.

    Returns:
        ``log_c`` of each block, dims ``weights, kind, pair, block``; ``total``, the sum over all
        blocks (``weights, kind, pair``), gaps called by the outputs; ``later``, between minus
        inside over the later half of the blocks, called by the states half-way (``weights,
        pair``); and ``terms`` with dim ``term``, see ``shares``. NaN where a line has no gap of a
        kind.
    """
    found = {}
    for weights in studies.weights.values:
        one = studies.sel(weights=weights, drop=True)
        later = gaps.of_lines(one, gaps.HALF_WAY)
        found[weights] = xr.Dataset(
            {
                "log_c": gaps.of_blocks(one),
                "total": gaps.of_lines(one),
                "later": later.sel(kind="between", drop=True) - later.sel(kind="inside", drop=True),
                "terms": shares(one),
            }
        )
    names = xr.DataArray(list(found), dims="weights", name="weights")
    return xr.concat(found.values(), names)


def trainings(lines: xr.Dataset, model: str) -> xr.Dataset:
    """What claims about trainings rest on, of ``by_line`` along ``training``: means over lines.

    Returns:
        ``inside``, the sum of log c inside plateaus over all blocks, and ``later``; dims
        ``weights, training``.
    """
    inside = lines.total.sel(kind="inside", drop=True)
    found = xr.Dataset({"inside": inside, "later": lines.later})
    return found.mean("pair").assign_attrs(model=model)


def identities(ends: Ends, *, steps: int = 41, share: float = 0.25) -> xr.Dataset:
    """How far each line is from what must hold exactly; dim ``pair``.

    Returns:
        ``identity``: c^2 against (1 + p)^2 + q^2, relative, the worst of all gaps and blocks.
        ``telescoping``: the product of all c_l against the ratio of the distances at the two ends,
        relative. ``shares``: the sum of the three shares against one, the departure taken from
        these distances alone. ``affine``: the departure [nats] of the network made affine at a.
    """
    followed = trajectories.follow(ends, steps=steps, share=share)
    terms, kinds = shares(followed), gaps.gap_kinds(followed).values
    rows, at = [], 0
    for part in ends.parts(steps):
        points = paths.segment(part.a, part.b, steps=steps)
        called = kinds[at : at + len(points)]
        with torch.no_grad():
            moved = _gaps(part.net.trace(points))
            tangent = nulls.linearised(part.net, at=part.a)
            flat = _gaps(tangent.trace(points))
        right = (1 + moved.parallel).square() + moved.transverse.square()
        whole, telescoped = moved.last / moved.first, moved.ratio.prod(0)
        rows.append(
            {
                "identity": (moved.ratio.square() / right - 1)
                .abs()
                .nan_to_num(nan=0)
                .amax((0, -1)),
                "telescoping": (telescoped / whole - 1).abs().amax(-1),
                "departure": _departure(whole.log().numpy(force=True), called),
                "affine": _departure((flat.last / flat.first).log().numpy(force=True), called),
            }
        )
        at += len(points)
    found = {k: np.concatenate([np.asarray(row[k]) for row in rows]) for k in rows[0]}
    total = terms.sum("term", skipna=False).values
    deviation = {
        "identity": found["identity"],
        "telescoping": found["telescoping"],
        "shares": np.abs(total / found["departure"] - 1),
        "affine": np.abs(found["affine"]),
    }
    return xr.Dataset({k: ("pair", v) for k, v in deviation.items()}, attrs=ends.attrs)


def _gaps(states: list[Tensor]) -> dynamics.Contraction:
    return dynamics.contraction([x[:, :-1] for x in states], [x[:, 1:] for x in states])


def _departure(log: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Mean of ``log`` ``(pairs, gaps)`` between plateaus minus that inside; NaN without a kind."""
    inside, between = (np.where(kinds == k, log, np.nan) for k in ("inside", "between"))
    means = [np.ma.masked_invalid(x).mean(-1).filled(np.nan) for x in (between, inside)]
    return means[0] - means[1]


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
        sides = lines.plateaus(part.net.trace(points)[-1], share=share)
    return part.a.unsqueeze(1), lines.halfway(points, sides)


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
    affine = _distances(deepest, min(steps, FEW), tangent=True)
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
