"""Experiment 2 of the proposal: equidistant points of a line, followed through every block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.prompts import Pairs
from plateaus.geometry import paths
from plateaus.measures import curves, dynamics
from plateaus.networks import nulls
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.network import Network

NEITHER, OF_A, OF_B = 0, 1, 2
"""Where a point of a line lies: in neither plateau, in that of its first or in that of its last
point.
"""


@dataclass(frozen=True, kw_only=True)
class Lines:
    """P lines of equidistant points between real activations, and the network they enter."""

    net: Network
    """The blocks after the patch."""
    points: Tensor
    """``(P, steps, d)``; the first and the last of each line are real activations a and b."""
    real: Tensor
    """Real activations of the same space, ``(k, d)``."""
    first: int = 0
    """Number of the block that the points enter, for labels."""


def of_toy(net: Network, a: Tensor, b: Tensor, *, steps: int, patch: int = 1) -> Lines:
    """Lines between the activations that inputs a, b ``(P, 2)`` cause where block ``patch``
    begins.
    """
    start, end = net.states(a, patch), net.states(b, patch)
    return Lines(
        net=net[patch:],
        points=paths.segment(start, end, steps=steps),
        real=torch.cat([start, end]),
        first=patch,
    )


def of_language_model(lm: LanguageModel, pairs: Pairs, *, steps: int, patch: int = 1) -> Lines:
    """Lines between the last-position activations of prompts A and B, in the context of A."""
    net = lm.at(pairs.a[:, :-1])
    start = net.states(pairs.a[:, -1:], patch)[:, 0]
    end = lm.at(pairs.b[:, :-1]).states(pairs.b[:, -1:], patch)[:, 0]
    return Lines(
        net=net[patch:],
        points=paths.segment(start, end, steps=steps),
        real=torch.cat([start, end]),
        first=patch,
    )


def follow(lines: Lines, *, share: float = 0.25, seed: int = 0) -> xr.Dataset:
    """Every point of every line through every block, and how each gap between neighbours grows.

    Membership: with R the distance of the outputs of a and b and r = ``share`` R, a point is in the
    plateau of a if no sampled point from a up to it has h_a >= r; likewise for b. That is
    membership on the line as far as its samples show: enough to be in P_r(a) up to what happens
    between samples, and not a proof of being outside, since a detour may lead in.

    Returns:
        Dims ``line, depth, point`` (depth counts states, from the patch to the last), ``block`` and
        ``gap``: ``position`` on the chord from a (0) to b (1) of that depth; ``from_a`` the
        absolute distance; ``plateau`` 0, 1, 2 (see ``NEITHER``); ``log_ratio`` log c of the gap
        between neighbours, by block, of which ``log_along`` = log|1 + p| is the part along the gap
        and the rest, never negative, that across it; ``random_log_ratio`` the same for one pair of
        points with the first gap's difference, placed at random with the mean and covariance of
        real activations; ``gini`` of the gaps; ``norm`` mean norm of the stream.
    """
    with torch.no_grad():
        states = lines.net.trace(lines.points)
    gaps = dynamics.contraction([x[:, :-1] for x in states], [x[:, 1:] for x in states])
    start = dynamics.matched(lines.real, len(lines.points), seed=seed).unsqueeze(1)
    elsewhere = dynamics.of_pairs(
        lines.net, start, start + lines.points[:, 1:2] - lines.points[:, :1]
    )
    n, steps = len(lines.net), lines.points.shape[1]
    every = lambda f: torch.stack([f(x).cpu() for x in states], dim=1).numpy()  # noqa: E731
    return xr.Dataset(
        {
            "position": (("line", "depth", "point"), every(dynamics.chord_position)),
            "from_a": (
                ("line", "depth", "point"),
                every(lambda x: (x.double() - x[:, :1].double()).norm(dim=-1)),
            ),
            "plateau": (("line", "point"), plateaus(states[-1], share=share).cpu().numpy()),
            "log_ratio": (("line", "block", "gap"), gaps.ratio.log().movedim(0, 1).cpu().numpy()),
            "log_along": (
                ("line", "block", "gap"),
                (1 + gaps.parallel).abs().log().movedim(0, 1).cpu().numpy(),
            ),
            "random_log_ratio": (("line", "block"), elsewhere.ratio.log()[..., 0].T.cpu().numpy()),
            "gini": (("line", "depth"), every(dynamics.spacing_gini)),
            "norm": (("line", "depth"), every(lambda x: x.norm(dim=-1).mean(-1))),
            "distance": (("line", "point"), curves.normalised_distance(states[-1]).cpu().numpy()),
        },
        coords={
            "depth": np.arange(lines.first, lines.first + n + 1),
            "block": np.arange(lines.first, lines.first + n),
            "alpha": ("point", paths.fractions(steps).numpy()),
        },
        attrs={"share": share, "network": lines.net.name},
    )


def plateaus(y: Tensor, *, share: float) -> Tensor:
    """0, 1 or 2 for each output ``(P, steps, c)`` along a line (see ``follow``); ``(P, steps)``."""
    y = y.double()
    to_a, to_b = (y - y[:, :1]).norm(dim=-1), (y - y[:, -1:]).norm(dim=-1)
    radius = share * to_a[:, -1:]
    of_a = to_a.cummax(-1).values < radius
    of_b = to_b.flip(-1).cummax(-1).values.flip(-1) < radius
    return of_a.int() * OF_A + of_b.int() * OF_B


def gap_kinds(result: xr.Dataset) -> xr.DataArray:
    """For each gap: both ends in one plateau ("inside"), or not ("between"); dims ``line, gap``."""
    left, right = (result.plateau.values[:, k : result.sizes["point"] - 1 + k] for k in (0, 1))
    return xr.DataArray(
        np.where((left == right) & (left != NEITHER), "inside", "between"), dims=("line", "gap")
    )


def by_block(result: xr.Dataset) -> xr.DataArray:
    """Median log c of each kind of pair at each block; dims ``kind, block``."""
    kinds = gap_kinds(result)
    found = {
        kind: result.log_ratio.where(kinds == kind).median(("line", "gap"))
        for kind in ("inside", "between")
    }
    if "random_log_ratio" in result:
        found["random"] = result.random_log_ratio.median("line")
    return xr.concat(found.values(), dim=xr.DataArray(list(found), dims="kind", name="kind"))


def parts(result: xr.Dataset) -> xr.DataArray:
    """Sum over blocks of log c inside plateaus, split by the contraction identity; mean over gaps,
    dims ``part``.

    "along" is log|1 + p|, "across" is log(1 + q^2 / (1 + p)^2) / 2.
    """
    inside = gap_kinds(result) == "inside"
    along, whole = (
        result[name].sum("block").where(inside).mean() for name in ("log_along", "log_ratio")
    )
    return xr.concat(
        [along, whole - along], dim=xr.DataArray(["along", "across"], dims="part", name="part")
    )


def fullest(result: xr.Dataset) -> int:
    """The line whose two plateaus both hold many points: the one to draw. Ties go to the sharper
    line.
    """
    held = np.minimum(*((result.plateau.values == which).sum(-1) for which in (OF_A, OF_B)))
    jump = np.diff(result.distance.values, axis=-1).max(-1)
    return int(np.lexsort((jump, held))[-1])


def three_points(line: xr.Dataset) -> tuple[int, int, int]:
    """The experiment's three points of one line: a, one in the middle of its plateau, one in that
    of b.
    """
    of_a, of_b = (int((line.plateau.values == which).sum()) for which in (OF_A, OF_B))
    return 0, max(1, of_a // 2), line.sizes["point"] - 1 - of_b // 2


def halfway(lines: Lines, result: xr.Dataset) -> Tensor:
    """For each line the sampled point half-way between a and the last one in its plateau, ``(P, 1,
    d)``.

    Lines whose first gap already leaves the plateau give the first point after a.
    """
    index = torch.as_tensor((result.plateau.values == OF_A).sum(-1) // 2).clamp_min(1)
    return lines.points[torch.arange(len(index)), index].unsqueeze(1)


def against_nulls(
    lines: Lines, result: xr.Dataset, untrained: Lines, before: xr.Dataset
) -> xr.DataArray:
    """Sum over blocks of log c of pairs inside one plateau, in the network and in three nulls.

    The pair is (a, the point half-way to the exit). "untrained" does everything anew with fresh
    weights; "linearised" is the affine network tangent at the mean real activation; "sign-flipped"
    has x - F(x). ``result`` and ``before`` are what ``follow`` gave for the two lines. Dims
    ``network, line``.
    """
    a, x = lines.points[:, :1], halfway(lines, result)
    centre = lines.real.mean(0).expand(
        len(a), -1
    )  # at several prompts each has an expansion point of its own
    found = {
        "trained": dynamics.of_pairs(lines.net, a, x),
        "untrained": dynamics.of_pairs(
            untrained.net, untrained.points[:, :1], halfway(untrained, before)
        ),
        "linearised": dynamics.of_pairs(nulls.linearised(lines.net, at=centre), a, x),
        "sign-flipped": dynamics.of_pairs(nulls.sign_flipped(lines.net), a, x),
    }
    values = np.stack([c.log_total[:, 0].cpu().numpy() for c in found.values()])
    return xr.DataArray(
        values, dims=("network", "line"), coords={"network": list(found)}, name="log_total"
    )


def attraction(lines: Lines, *, seed: int = 0) -> xr.DataArray:
    """How much straighter the updates pull towards the nearest real activation than towards a
    random one.

    For one point of each line, at a random place: the mean over blocks of
    cos(F_l(x) - F_l(a), a_l - x_l), a the nearest of the real activations, minus the same for the
    nearest of equally many random points with their mean and covariance. Dims ``anchor, line``:
    "real", "random".
    """
    count, steps = lines.points.shape[:2]
    place = torch.from_numpy(np.random.default_rng(seed).integers(1, steps - 1, count))
    x = lines.points[torch.arange(count), place]
    anchors = {
        "real": lines.real,
        "random": dynamics.matched(lines.real, len(lines.real), seed=seed),
    }
    found = [
        dynamics.of_pairs(
            lines.net, x.unsqueeze(1), dynamics.nearest(x, among).unsqueeze(1)
        ).alignment.mean(0)[:, 0]
        for among in anchors.values()
    ]
    return xr.DataArray(
        torch.stack(found).cpu().numpy(), dims=("anchor", "line"), coords={"anchor": list(anchors)}
    )


def study(lines: Lines, untrained: Lines, *, share: float = 0.25, seed: int = 0) -> xr.Dataset:
    """``follow`` with its controls: the result for ``lines``, and beside it

    ``log_total`` (``network, line``), ``pull`` (``weights, anchor, line``; see ``attraction``) and,
    for the untrained network, the same variables with "untrained_" before their names.
    """
    result, before = (follow(x, share=share, seed=seed) for x in (lines, untrained))
    pull = xr.concat([attraction(x, seed=seed) for x in (lines, untrained)], dim="weights")
    kept = ("log_ratio", "log_along", "plateau", "position", "gini", "norm")
    return result.assign(
        log_total=against_nulls(lines, result, untrained, before),
        pull=pull.assign_coords(weights=["trained", "untrained"]),
        **{f"untrained_{name}": before[name] for name in kept},
    )


def untrained(result: xr.Dataset) -> xr.Dataset:
    """The untrained network's part of a ``study``, under the names that ``follow`` gives."""
    kept = {
        name: name.removeprefix("untrained_")
        for name in result
        if str(name).startswith("untrained_")
    }
    return result[list(kept)].rename(kept)
