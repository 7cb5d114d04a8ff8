"""What makes a plateau curve depart from a straight line."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.experiments import gaps, trajectories
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.runs import Part
from plateaus.geometry import paths
from plateaus.measures import dynamics, lines
from plateaus.networks import nulls

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


@checked
def identities(
    ends: Ends, *, steps: int = 41, share: float = 0.25, followed: xr.Dataset | None = None
) -> xr.Dataset:
    """How far each line is from what must hold exactly; dim ``pair``.

    Args:
        followed: what ``trajectories.follow`` gave of these lines with the same options, if known.

    Returns:
        ``identity``: c^2 against (1 + p)^2 + q^2, relative, the worst of all gaps and blocks.
        ``telescoping``: the product of all c_l against the ratio of the distances at the two ends,
        relative. ``shares``: the sum of the three shares against one, the departure taken from
        these distances alone. ``affine``: the departure [nats] of the network made affine at a.
    """
    if followed is None:
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


@checked
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
