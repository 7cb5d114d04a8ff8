"""Merge heights between all pairs of a set of points, and the tree of the chains that they make."""

from __future__ import annotations

import numpy as np
import torch
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform
from torch import Tensor

from plateaus.geometry import paths
from plateaus.geometry.metrics import heights
from plateaus.networks.network import Network


def on_segments(
    network: Network, x: Tensor, *, metric: str = "l2", steps: int = 33
) -> tuple[np.ndarray, np.ndarray]:
    """h_a(b), and the largest h_a at ``steps`` points of the segment from a to b, for all ordered
    pairs of the n points ``x`` ``(n, d)``: two arrays ``(n, n)``, rows a.

    The first is a lower bound of m(a, b), the second an upper bound as far as the samples tell;
    where they are equal, the segment is as low as a path can be.
    """
    low, high = np.zeros((2, len(x), len(x)))
    for i, a in enumerate(x[:-1]):
        # One segment serves both of its ends.
        with torch.no_grad():
            y = network(paths.segment(a.expand_as(x[i + 1 :]), x[i + 1 :], steps=steps))
            there, back = (heights(y, end, metric).cpu().numpy() for end in (y[:, :1], y[:, -1:]))
        low[i, i + 1 :], low[i + 1 :, i] = there[:, -1], back[:, 0]
        high[i, i + 1 :], high[i + 1 :, i] = there.max(axis=1), back.max(axis=1)
    return low, high


def tree(levels: np.ndarray) -> np.ndarray:
    """Single linkage of max(m(a, b), m(b, a)): the linkage matrix of scipy, ``(n - 1, 4)``.

    Below a level r two points are joined if a chain of points leads from one to the other, each in
    the plateau P_r of the next and the other way round.
    """
    return linkage(squareform(np.maximum(levels, levels.T), checks=False), "single")


def chained(levels: np.ndarray) -> np.ndarray:
    """The least level at which two points are joined by a chain, ``(n, n)``: an ultrametric."""
    return squareform(cophenet(tree(levels)))
