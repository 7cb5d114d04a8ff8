"""Search for a low path: an upper bound of the merge height in the whole space, for any network.

m(a, b) = inf over paths of max h_a. A polyline from a to b is bent until its highest point is as
low as gradients can make it, as the nudged elastic band of chemistry does for mountain passes:
nodes move across the path only, and are spread again along it, densest where it is high. What is
found is an upper bound on m(a, b), as good as the evidence that nothing higher lies between the
samples. A search that finds nothing proves nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPath
from plateaus.geometry import descent
from plateaus.geometry.checks import not_negative, real, whole
from plateaus.geometry.exact.convert import floating
from plateaus.geometry.exact.program import ExactNetwork
from plateaus.geometry.found import FoundPaths
from plateaus.geometry.metrics import check_metric, heights
from plateaus.geometry.proofs import certify
from plateaus.networks.network import Network

__all__ = ["FoundPaths", "certify", "search"]


def search(
    network: Network | ExactNetwork,
    a: Tensor,
    b: Tensor,
    *,
    metric: str = "l2",
    nodes: int = 33,
    steps: int = 300,
    restarts: int = 4,
    bow: float = 0.3,
    dense: int = 8,
    shell: tuple[float, float] | None = None,
    below: float | Tensor | None = None,
    seed: int = 0,
) -> FoundPaths:
    """Bend the segment from a to b until the largest h_a on it is low.

    Args:
        a, b: ``(P, d)``. A network at P prompts takes them one pair for each prompt.
        nodes: K, nodes of the polyline, both ends included.
        steps: gradient steps; the temperature of the soft maximum and the step length fall during
            them.
        restarts: paths per pair. The first begins straight, the others bowed in a random direction.
        bow: the height of these bows in units of |b - a|.
        dense: evaluations on each leg in the final count.
        shell: keep the nodes' norms in this range: a search for a path among points as long as real
            ones.
        below: stop as soon as every pair has a path below this level.
        seed: of the random bows.

    Raises:
        BadPath: identical ends.
        BadParameter: unknown metric, fewer than three nodes, or a number of steps, restarts or
            samples that is not positive.
    """
    check_metric(metric)
    least = {"nodes": (nodes, 3), "steps": (steps, 1), "restarts": (restarts, 1)}
    for name, (value, few) in {**least, "dense": (dense, 1), "seed": (seed, 0)}.items():
        whole(value, f"The number of {name} of a search" if few else "A seed", least=few)
    bow, shell = real(bow, "The bow of a path"), _shell(shell)
    if isinstance(network, ExactNetwork):
        network = floating(network)
    a, b = network.check(a), network.check(b)
    if a.ndim != 2 or a.shape != b.shape:
        raise BadPath(
            f"A search takes pairs of points of shape (P, d), got {tuple(a.shape)} and "
            f"{tuple(b.shape)}."
        )
    if (a == b).all(-1).any():
        raise BadPath("A search was given two identical end points: a and b must differ.")
    with torch.no_grad():
        centre = network(a[:, None])
    height = _heights(network, centre, metric)
    paths = descent.bows(a, b, nodes, restarts, bow, seed)
    best = descent.descend(height, paths, steps=steps, shell=shell, below=below)
    straight = torch.lerp(
        a[:, None], b[:, None], torch.linspace(0, 1, nodes, device=a.device, dtype=a.dtype)[:, None]
    )
    candidates = torch.cat([straight[:, None], best], dim=1)
    with torch.no_grad():
        ends = height(b[:, None])[:, 0]
    # Every path ends at b; evaluated in another batch its height may differ in the last digits.
    final = torch.maximum(descent.peaks(height, candidates, dense), ends[:, None])
    winner = final.argmin(dim=1)  # the straight segment stands first: it wins ties
    rows = torch.arange(len(a), device=a.device)
    return FoundPaths(
        nodes=candidates[rows, winner],
        peaks=final[rows, winner],
        straight=final[:, 0],
        ends=ends,
        samples=(nodes - 1) * dense + 1,
    )


def _shell(shell: tuple[float, float] | None) -> tuple[float, float] | None:
    if shell is None:
        return None
    try:
        low, high = (not_negative(v, "A norm of a shell") for v in shell)
    except (TypeError, ValueError):
        low, high = 1, 0
    if low > high:
        raise BadParameter(f"A shell is two norms low <= high, got {shell!r}: give these two.")
    return low, high


def _heights(network: Network, centre: Tensor, metric: str) -> descent.Heights:
    """h_a on points ``(P, ..., d)``: the network sees ``(P, n, d)``."""

    def height(x: Tensor) -> Tensor:
        flat = x.reshape(len(x), -1, x.shape[-1])
        return heights(network(flat), centre, metric).reshape(x.shape[:-1])

    return height
