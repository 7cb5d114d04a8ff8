"""Experiment 2 of the proposal: equidistant points of a line, followed through every block."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter
from plateaus.experiments import pulls
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.runs import Part
from plateaus.experiments.sharpness import over
from plateaus.geometry import paths
from plateaus.measures import curves, dynamics, exponents, lines
from plateaus.networks import nulls

VARIABLES = {
    "position": ("position on the chord from a (0) to b (1) of that depth", "1"),
    "from_a": ("distance from a", "stream units"),
    "plateau": ("0: in neither plateau, 1: in that of a, 2: in that of b", "1"),
    "early": ("the same, by the states half-way through the blocks", "1"),
    "log_ratio": ("log c of the gap between neighbours", "1"),
    "log_along": ("its part along the gap, log |1 + p|", "1"),
    "random_log_ratio": ("log c of a pair at a random place", "1"),
    "gini": ("inequality of the gaps", "1"),
    "norm": ("mean norm of the stream", "stream units"),
    "distance": ("d(α) / d(1)", "1"),
    "pull": ("cosine of update and direction to the anchor", "1"),
    "made": ("the same where real activations of other lines were made to attract", "1"),
    "log_total": ("sum of log c over all blocks, from a to half-way to the exit", "1"),
}
"""What ``follow`` returns: long name and unit."""
ONCE = ("log_total", "made")
"""Of these, what belongs to the trained network alone or to its nulls."""


@checked
def study(
    ends: Ends, untrained: Ends, *, steps: int = 41, share: float = 0.25, seed: int = 0
) -> xr.Dataset:
    """``follow`` of the trained and of the untrained network, side by side along ``weights``.

    ``log_total`` has dims ``network, pair`` instead: "trained" and what could fake an attraction,
    "untrained", "linearised" (the affine network tangent at the mean real activation) and
    "sign-flipped" (x - F(x)). ``made`` is of the trained one alone.
    """
    options = {"steps": steps, "share": share, "seed": seed}
    both = {"trained": ends, "untrained": untrained}
    found = {
        name: follow(each, against_nulls=each is ends, **options) for name, each in both.items()
    }
    result = over("weights", found, lambda one: one.drop_vars((*ONCE, "network"), errors="ignore"))
    before = found["untrained"].log_total.assign_coords(network=["untrained"])
    totals = xr.concat([found["trained"].log_total, before], "network")
    return result.assign(log_total=totals, made=found["trained"].made).assign_attrs(ends.attrs)


@checked
def follow(
    ends: Ends,
    *,
    steps: int = 41,
    share: float = 0.25,
    seed: int = 0,
    against_nulls: bool = False,
) -> xr.Dataset:
    """Every point of every line through every block, and how each gap between neighbours grows.

    Args:
        share: radius of a plateau, in units of the distance between the outputs of a and b.
        against_nulls: whether to measure ``log_total`` in the linearised and the sign-flipped
            network too, and ``made``, the ``pull`` where there is an attraction to be seen.

    Returns:
        ``VARIABLES`` with dims ``pair``; ``depth``, the block about to be entered; ``point`` of the
        line; ``block``; ``gap`` between neighbouring points; ``anchor`` ("real", the nearest end of
        another line, or "random", of the same mean and covariance, put at the same distance); and
        ``network``. The pair at a random place has the first gap's difference and starts at a
        random point of the same mean and covariance.
    """
    if steps < 3:
        raise BadParameter(
            f"A line has points between its ends, got steps={steps}: give 3 or more."
        )
    real = torch.cat([ends.a, ends.b])
    random = dynamics.matched(real, len(real), seed=seed)
    own = torch.eye(len(ends), dtype=torch.bool, device=real.device).repeat(1, 2)
    starts = dynamics.matched(real, len(ends), seed=seed).unsqueeze(1)
    places = torch.from_numpy(np.random.default_rng(seed).integers(1, steps - 1, len(ends)))
    parts, at = [], 0
    for part in ends.parts(steps):
        rows = slice(at, at + len(part.a))
        points = paths.segment(part.a, part.b, steps=steps)
        found = _lines(part, points, starts[rows], share)
        x = points[torch.arange(len(points)), places[rows]].unsqueeze(1)
        half = lines.halfway(points, torch.as_tensor(found.plateau.values))
        centre = real.mean(0) if against_nulls else None
        found = found.assign(log_total=_total(part, half, centre))
        found["pull"] = pulls.towards(part.net, x, real, random, own[rows])
        if against_nulls:
            found["made"] = pulls.made(part.net, x, real, random, own[rows])
        parts.append(found)
        at = rows.stop
    result = xr.concat(parts, "pair").assign_coords(pair=list(ends.labels))
    for name in VARIABLES.keys() & result.keys():
        words, unit = VARIABLES[name]
        result[name].attrs.update(long_name=words, units=unit)
    return result.assign_attrs(ends.attrs, block_in=ends.block, steps=steps, share=share)


def _lines(part: Part, points: Tensor, start: Tensor, share: float) -> xr.Dataset:
    with torch.no_grad():
        states = part.net.trace(points)
    gaps = dynamics.contraction([x[:, :-1] for x in states], [x[:, 1:] for x in states])
    elsewhere = dynamics.of_pairs(part.net, start, start + points[:, 1:2] - points[:, :1])
    from_a = lambda x: (x.double() - x[:, :1].double()).norm(dim=-1)  # noqa: E731
    first, n = part.net.first, len(part.net)
    return xr.Dataset(
        {
            "position": (("pair", "depth", "point"), _every(dynamics.chord_position, states)),
            "from_a": (("pair", "depth", "point"), _every(from_a, states)),
            "plateau": (("pair", "point"), _sides(states[-1], share)),
            "early": (("pair", "point"), _sides(states[(len(states) - 1) // 2], share)),
            "log_ratio": (("pair", "block", "gap"), _by_block(gaps.ratio)),
            "log_along": (("pair", "block", "gap"), _by_block((1 + gaps.parallel).abs())),
            "random_log_ratio": (("pair", "block"), _by_block(elsewhere.ratio)[..., 0]),
            "gini": (("pair", "depth"), _every(dynamics.spacing_gini, states)),
            "norm": (("pair", "depth"), _every(lambda x: x.norm(dim=-1).mean(-1), states)),
            "distance": (("pair", "point"), curves.normalised_distance(states[-1]).cpu().numpy()),
        },
        coords={
            "depth": np.arange(first, first + n + 1),
            "block": np.arange(first, first + n),
            "alpha": ("point", paths.fractions(points.shape[1]).numpy()),
        },
    )


def _total(part: Part, half: Tensor, centre: Tensor | None) -> xr.DataArray:
    """Sum of log c from a to ``half`` in the network, and with a centre in two of its nulls."""
    networks = {"trained": part.net}
    if centre is not None:
        each = centre.expand(len(part.a), -1)  # at several prompts each has its own expansion point
        networks |= nulls.both(part.net, at=each)
    a = part.a.unsqueeze(1)
    found = [dynamics.of_pairs(net, a, half).log_total[:, 0] for net in networks.values()]
    values = torch.stack(found).cpu().numpy()
    return xr.DataArray(values, dims=("network", "pair"), coords={"network": list(networks)})


def _sides(y: Tensor, share: float) -> np.ndarray:
    return lines.plateaus(y, share=share).cpu().numpy()


def _every(measure: Callable[[Tensor], Tensor], states: list[Tensor]) -> np.ndarray:
    return torch.stack([measure(x).cpu() for x in states], dim=1).numpy()


def _by_block(ratio: Tensor) -> np.ndarray:
    """Logarithms of ``(blocks, pairs, gaps)``, pairs first."""
    return ratio.log().movedim(0, 1).cpu().numpy()


def attractions(studies: Mapping[str, xr.Dataset], model: str) -> xr.Dataset:
    """Of several trainings of one network, how much more updates point to real anchors than to
    random ones at the same distance: ``gap``, medians over points, dims ``weights, training``; and
    ``made``, the same where real ones were made to attract, if all have it.
    """
    names = xr.DataArray(list(studies), dims="training", name="training")
    every = all("made" in s for s in studies.values())
    found = {
        name: xr.concat([pulls.gap(s[of]).median("pair") for s in studies.values()], names)
        for name, of in (("gap", "pull"), *([("made", "made")] if every else []))
    }
    return xr.Dataset(found, attrs={"model": model})


def fullest(result: xr.Dataset) -> int:
    """The line whose two plateaus both hold many points: the one to draw. Ties go to the sharper
    line.
    """
    sides = (lines.OF_A, lines.OF_B)
    held = np.minimum(*((result.plateau.values == side).sum(-1) for side in sides))
    jump = np.diff(result.distance.values, axis=-1).max(-1)
    return int(np.lexsort((jump, held))[-1])


def three_points(line: xr.Dataset) -> tuple[int, int, int]:
    """The experiment's three points of one line: a, one in the middle of its plateau, one in that
    of b.
    """
    of_a, of_b = (int((line.plateau.values == side).sum()) for side in (lines.OF_A, lines.OF_B))
    return 0, max(1, of_a // 2), line.sizes["point"] - 1 - of_b // 2


@checked
def on_basis(ends: Ends, *, steps: int = 41, share: float = 0.25) -> xr.Dataset:
    """The points of one line on two axes that are the same at every depth.

    The first axis is the chord from a to b where the last block ends, the second what the chord
    where the line enters has across it. Points are seen from a's own trajectory.

    Returns:
        ``place`` [stream units], dims ``depth, point, axis``; and ``plateau`` of points.
    """
    part = next(ends.parts(steps))
    points = paths.segment(part.a, part.b, steps=steps)
    with torch.no_grad():
        states = part.net.trace(points)
    seen = torch.stack([(x - x[:, :1])[0].double() for x in states])
    basis = exponents.frame(seen[-1, -1], seen[0, -1])
    first = part.net.first
    return xr.Dataset(
        {
            "place": (("depth", "point", "axis"), (seen @ basis.T).numpy(force=True)),
            "plateau": ("point", _sides(states[-1], share)[0]),
        },
        coords={"depth": np.arange(first, first + len(states))},
        attrs=ends.attrs,
    )


def ends_total(ends: Ends) -> np.ndarray:
    """Sum of log c over all blocks from a to b themselves, ``(pairs,)``."""
    parts = ends.parts(2)
    found = [dynamics.of_pairs(p.net, p.a.unsqueeze(1), p.b.unsqueeze(1)) for p in parts]
    return torch.cat([pair.log_total[:, 0] for pair in found]).numpy(force=True)
