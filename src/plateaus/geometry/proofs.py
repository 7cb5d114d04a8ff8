"""Proved upper bounds of h_a along polylines: from a found path to a member of the plateau."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadPath, NotCertifiable, Undecided
from plateaus.geometry.bounds.heights import height_bounds
from plateaus.geometry.bounds.interval import UNIT, Box, float_up, slack
from plateaus.geometry.bounds.parts import length
from plateaus.geometry.bounds.program import Program, program
from plateaus.geometry.certified import certify_path
from plateaus.geometry.checks import not_negative, whole
from plateaus.geometry.exact.program import ExactNetwork
from plateaus.geometry.found import FoundPaths
from plateaus.geometry.inner import peak
from plateaus.geometry.metrics import check_metric, heights, steepness
from plateaus.geometry.polyline import sampled
from plateaus.networks.network import Network


def certify(
    found: FoundPaths,
    network: Network | ExactNetwork,
    a: Tensor,
    *,
    metric: str = "l2",
    lipschitz: float | None = None,
    rounding: float | None = None,
    dense: int = 64,
) -> FoundPaths:
    """The same paths with a proved upper bound of max h_a on each.

    An ``ExactNetwork`` is followed piece by piece and the bound is the maximum itself, rounded up
    to a float. A transformer that ``networks.explicit`` wrote out is followed by
    ``certified.certify_path``, if no Lipschitz bound is given. Otherwise a Lipschitz bound L closes
    the gaps between samples: on a piece of length e with ends of heights h and h' it is at most
    (h + h' + k L e) / 2, where k is how fast the metric changes with the output
    (``metrics.steepness``), and heights at samples lie between proved bounds.

    Args:
        a: ``(P, d)``, the points at which the paths begin.
        lipschitz: a bound on |f(x) - f(y)|_2 / |x - y|_2.
        rounding: a bound on the error of computed heights; needed only where
            ``bounds.program`` cannot follow the network.
        dense: pieces of each leg.

    Raises:
        BadPath: a path does not begin at its a.
        BadParameter: unknown metric, or a bound that is negative or not finite.
        Undecided: no Lipschitz bound was given for a network that cannot be followed, or the
            heights of samples are not known within any bound.
    """
    nodes = _from_anchors(found.nodes, a)
    if isinstance(network, ExactNetwork):
        ceilings = [_exact_peak(network, path, metric) for path in nodes.tolist()]
        return replace(found, ceilings=torch.tensor(ceilings, dtype=torch.float64))
    check_metric(metric)
    if lipschitz is None:
        ceilings = [_smooth_peak(network, path, metric) for path in nodes]
        return replace(found, ceilings=torch.tensor(ceilings, dtype=torch.float64))
    lipschitz, dense = not_negative(lipschitz, "A Lipschitz bound"), whole(dense, "dense", least=1)
    with torch.no_grad():
        outputs = network(found.nodes[:, :1]).shape[-1]
    high = _height_ceilings(network, nodes, dense, metric, rounding)
    legs = nodes.diff(dim=1)
    gaps = length(legs.flatten(0, 1).numpy()).reshape(legs.shape[:2]).repeat(dense, axis=1) / dense
    rise = steepness(metric, outputs) * lipschitz * gaps
    crest = (high[:, :-1] + high[:, 1:] + rise) / 2 * (1 + 16 * UNIT)
    return replace(found, ceilings=torch.as_tensor(np.maximum(crest.max(1), high.max(1))))


def _from_anchors(nodes: Tensor, a: Tensor) -> Tensor:
    """The nodes in float64, if each path begins at its a."""
    nodes, a = nodes.detach().cpu().double(), torch.atleast_2d(torch.as_tensor(a)).detach().cpu()
    if a.shape != nodes[:, 0].shape or not torch.equal(nodes[:, 0], a.to(nodes)):
        raise BadPath(
            f"{len(nodes)} paths were to be certified from points a of shape {tuple(a.shape)} at "
            "which they do not begin: give the a of the search, one for each path."
        )
    if not torch.isfinite(nodes).all():
        raise BadPath("A path with NaN or infinite nodes proves nothing: search it again.")
    return nodes


def _exact_peak(network: ExactNetwork, nodes: list, metric: str) -> float:
    return float_up(peak(network, nodes[0], nodes, metric=metric))


def _smooth_peak(network: Network, nodes: Tensor, metric: str) -> float:
    try:
        return certify_path(network, nodes, metric=metric).ceiling
    except NotCertifiable as error:
        raise Undecided(
            "A path of a network without an exact form is certified by a Lipschitz bound, and none "
            "was given: compute one with geometry.bounds.lipschitz, or leave the path as found."
        ) from error


def _height_ceilings(
    network: Network, nodes: Tensor, dense: int, metric: str, rounding: float | None
) -> np.ndarray:
    """Upper bounds of h_a at the samples of each path, ``(P, (K - 1) dense + 1)``."""
    steps = followed(network)
    if steps is None and rounding is None:
        raise Undecided(
            f"Nothing bounds the rounding of {network.name}'s heights, because a block is not made "
            "of steps that intervals can follow: give rounding, a bound on that error."
        )
    if steps is None:
        rounding = not_negative(rounding, "A bound on the rounding of heights")
        points = sampled(nodes[:, None], dense)[:, 0].to(network.device, network.dtype)
        with torch.no_grad():
            h = heights(network(points), network(points[:, :1]), metric).cpu().numpy()
        return h + rounding
    paths = nodes.numpy()
    points = sampled(nodes[:, None], dense)[:, 0].numpy()
    error = slack(2 * abs(paths).max(axis=(1, 2), keepdims=True), 2)
    return np.stack(
        [
            height_bounds(steps, Box(low=x - e, high=x + e), path[0], metric).high
            for x, e, path in zip(points, error, paths, strict=True)
        ]
    )


def followed(network: Network) -> Program | None:
    """The network as steps for interval arithmetic, or None if a block is made of others."""
    try:
        return program(network)
    except NotCertifiable:
        return None
