"""Certified paths through smooth networks: a proved upper bound of h_a along a polyline.

Each leg is cut into pieces. On a piece the output stays within a bulge of the chord of its two
computed ends (``bounds.tube``), and h_a is convex in the output, so that it is nowhere higher than
at the higher end, plus the bulge. Pieces that are not yet low enough are halved, and their bulges
fall to a quarter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadPath, BadPoints
from plateaus.geometry import checks
from plateaus.geometry.bounds.chain import maps
from plateaus.geometry.bounds.heights import heights_between
from plateaus.geometry.bounds.interval import UNIT, Box, around
from plateaus.geometry.bounds.program import program
from plateaus.geometry.bounds.tube import Map, bulges
from plateaus.geometry.exact.norms import radius
from plateaus.geometry.metrics import check_metric, steepness
from plateaus.networks.network import Network


@dataclass(frozen=True, kw_only=True)
class CertifiedPath:
    """What has been proved about one polyline from a."""

    ceiling: float
    """h_a <= ceiling on the whole path: its end lies in P_r(a) for every larger r."""
    highest: float
    """The largest height among the samples: what ``ceiling`` is to be compared with."""
    lengths: np.ndarray
    """How long each piece is, in activation space; from a to b, ``(pieces,)``."""
    ceilings: np.ndarray
    """The bound on each piece."""
    examined: int
    """Pieces for which a bound was computed, those that were then halved included: the cost."""

    def statement(self) -> str:
        """What has been shown, in a sentence."""
        return (
            f"b lies in P_r(a) for every r > {self.ceiling:.6g}: proved on {len(self.lengths)} "
            f"pieces of length {self.lengths.min():.2g} to {self.lengths.max():.2g}; the highest "
            f"sample is {self.highest:.6g}"
        )


def certify_path(
    network: Network,
    nodes: Tensor,
    *,
    metric: str = "l2",
    below: float | None = None,
    tolerance: float = 0.01,
    pieces: int = 8,
    budget: int = 20_000,
    at_once: int = 16,
) -> CertifiedPath:
    """A proved upper bound of h_a on the polyline through ``nodes``, for a = nodes[0].

    What is proved holds for the map that the weights define, in exact arithmetic, along the
    polyline through the float64 points at which pieces meet. Library functions are granted
    ``bounds.functions.ULPS``.

    Args:
        network: a GPT-2 at one prompt as ``networks.explicit`` writes it out, in the reading whose
            height is meant; or any chain of LayerNorm with a perceptron, attention or a head.
        nodes: ``(K, d)``, from a to b.
        below: halve pieces until the bound is below this level.
        tolerance: without ``below``, until it is within this fraction of the highest sample.
        pieces: of each leg, to begin with.
        budget: stop after about so many pieces, with what is then proved.
        at_once: pieces in one batch; bounds memory.

    Raises:
        BadPath: fewer than two nodes, or equal neighbours.
        BadPoints: nodes of another space, or not finite.
        BadParameter, BadRadius: unknown metric, or numbers that make no sense.
        NotCertifiable: a network of other parts.
    """
    chain, nodes = maps(program(network)), _nodes(network, nodes)
    tolerance = checks.not_negative(tolerance, "The tolerance of a certified path")
    pieces, budget, at_once = (
        checks.whole(value, name, least=1)
        for value, name in ((pieces, "pieces"), (budget, "budget"), (at_once, "at_once"))
    )
    goal = None if below is None else float(radius(below))
    check_metric(metric)
    anchor = _anchor(chain, nodes[:1])
    t = np.linspace(0, 1, pieces + 1)[:-1, None]
    points = [u + t * (v - u) for u, v in zip(nodes, nodes[1:], strict=False)]
    points = np.concatenate([*points, nodes[-1:]])
    known = _Pieces.of(chain, anchor, metric, points[:-1], points[1:], at_once)
    examined = len(known.ceilings)
    while True:
        level = (1 + tolerance) * known.highest if goal is None else goal
        high = (known.ceilings >= level) & (known.lengths > 0)
        if not high.any() or examined >= budget:
            return CertifiedPath(
                ceiling=float(known.ceilings.max()),
                highest=float(known.highest),
                lengths=known.lengths,
                ceilings=known.ceilings,
                examined=examined,
            )
        start, end = known.start[high], known.end[high]
        middle = (start + end) / 2
        halves = _Pieces.of(
            chain,
            anchor,
            metric,
            np.stack([start, middle], 1).reshape(-1, start.shape[1]),
            np.stack([middle, end], 1).reshape(-1, start.shape[1]),
            at_once,
        )
        examined += len(halves.ceilings)
        known = known.with_halves(high, halves)


@dataclass(frozen=True, kw_only=True)
class _Pieces:
    start: np.ndarray
    end: np.ndarray
    ceilings: np.ndarray
    highest: float

    @classmethod
    def of(
        cls,
        chain: tuple[Map, ...],
        anchor: Box,
        metric: str,
        start: np.ndarray,
        end: np.ndarray,
        at_once: int,
    ) -> _Pieces:
        tubes = [
            bulges(chain, start[i : i + at_once], end[i : i + at_once])
            for i in range(0, len(start), at_once)
        ]
        outputs = anchor.low.shape[-1]
        top = np.maximum(
            *(
                np.concatenate([heights_between(around(y), anchor, metric).high for y in side])
                for side in ([t.start for t in tubes], [t.end for t in tubes])
            )
        )
        bulge = np.concatenate([tube.bulge for tube in tubes])
        ceilings = (top + steepness(metric, outputs) * bulge) * (1 + 8 * UNIT)
        return cls(start=start, end=end, ceilings=ceilings, highest=float(top.max()))

    @property
    def lengths(self) -> np.ndarray:
        return np.linalg.norm(self.end - self.start, axis=1)

    def with_halves(self, which: np.ndarray, halves: _Pieces) -> _Pieces:
        """Each marked piece replaced by its two halves, in order."""
        at = np.repeat(np.arange(len(which)), 1 + which)
        marked = which[at]
        fields = {}
        for name in ("start", "end", "ceilings"):
            mixed = getattr(self, name)[at]
            mixed[marked] = getattr(halves, name)
            fields[name] = mixed
        return _Pieces(**fields, highest=max(self.highest, halves.highest))


def _anchor(chain: tuple[Map, ...], a: np.ndarray) -> Box:
    """A box that holds f(a), ``(c,)``: a piece of no length bulges by rounding alone."""
    tube = bulges(chain, a, a)
    return Box(low=tube.start[0] - tube.bulge, high=tube.start[0] + tube.bulge)


def _nodes(network: Network, nodes: Tensor) -> np.ndarray:
    nodes = checks.tensor(nodes).detach().cpu().double()
    if nodes.ndim != 2 or nodes.shape[1] != network.dims[0] or not torch.isfinite(nodes).all():
        raise BadPoints(
            f"A certified path has nodes of shape (K, {network.dims[0]}) with finite coordinates, "
            f"got shape {tuple(nodes.shape)}."
        )
    if len(nodes) < 2 or (nodes[1:] == nodes[:-1]).all(dim=1).any():
        raise BadPath("A path has at least two nodes, and each differs from the one before it.")
    return nodes.numpy()
