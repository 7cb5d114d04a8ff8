"""Merge heights on sampled lines and grids, and what a sample proves about the function between its
nodes.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np

from plateaus.errors import BadParameter, BadPoints

NEIGHBOURS = {
    4: ((-1, 0), (1, 0), (0, -1), (0, 1)),
    8: ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)),
}


def along_line(heights: np.ndarray, source: int) -> np.ndarray:
    """max of ``heights`` between ``source`` and each node of a line: the sampled m_seg, shape
    ``(n,)``.
    """
    left = np.maximum.accumulate(heights[source::-1])[::-1]
    right = np.maximum.accumulate(heights[source:])
    return np.concatenate([left[:-1], right])


def over_grid(heights: np.ndarray, source: tuple[int, int], *, connectivity: int = 4) -> np.ndarray:
    """Minimax of node values: the least possible highest node on a way from ``source`` to each
    node.

    A flood that always continues from the lowest shore. Works on any ordered entries, so also on
    object arrays of fractions.

    Raises:
        BadParameter: connectivity is neither 4 nor 8.
        BadPoints: no grid, NaN heights, or a source off the grid.
    """
    if connectivity not in NEIGHBOURS:
        raise BadParameter(f"A grid is flooded with connectivity 4 or 8, not {connectivity!r}.")
    if heights.ndim != 2 or not all(0 <= i < n for i, n in zip(source, heights.shape, strict=True)):
        raise BadPoints(
            f"A flood needs a grid of heights and a node of it, got shape {heights.shape} and "
            f"{source}."
        )
    if (heights != heights).any():
        raise BadPoints("A flood was given NaN heights: every node needs a number.")
    rows, columns = heights.shape
    level = np.empty_like(heights)
    seen = np.zeros(heights.shape, dtype=bool)
    queue: list[tuple[Any, int, int]] = [(heights[source], *source)]
    seen[source] = True
    while queue:
        h, i, j = heapq.heappop(queue)
        level[i, j] = h
        for di, dj in NEIGHBOURS[connectivity]:
            k, m = i + di, j + dj
            if 0 <= k < rows and 0 <= m < columns and not seen[k, m]:
                seen[k, m] = True  # the first shore to reach a node is the lowest one
                heapq.heappush(queue, (max(h, heights[k, m]), k, m))
    return level


@dataclass(frozen=True, kw_only=True)
class Band:
    """Bounds lower <= m_slice <= upper at each node. A radius strictly inside the band is not
    decided.
    """

    lower: np.ndarray
    upper: np.ndarray


def line_band(heights: np.ndarray, source: int, *, rise: Any) -> Band:
    """Bounds of m_seg on a line whose height changes by at most ``rise`` = L epsilon between
    neighbours.

    Between two nodes the height is at most (h_i + h_{i+1} + L epsilon) / 2.
    """
    crest = (heights[:-1] + heights[1:] + rise) / 2
    right = np.maximum.accumulate(np.concatenate([heights[source : source + 1], crest[source:]]))
    left = np.maximum.accumulate(
        np.concatenate([heights[source : source + 1], crest[:source][::-1]])
    )[::-1]
    return Band(lower=along_line(heights, source), upper=np.concatenate([left[:-1], right]))


def grid_band(
    heights: np.ndarray,
    source: tuple[int, int],
    *,
    along: tuple[Any, Any],
    across: Any | None = None,
) -> Band:
    """Bounds of the merge height on a plane window from node values.

    Args:
        along: how much h can change between neighbours in a row and in a column, (L_s e_s, L_t
            e_t).
        across: how much h can change between diagonal neighbours; default the sum of ``along``
            (directional constants). In the Euclidean metric it is L sqrt(e_s^2 + e_t^2).

    Upper bounds follow grid edges (half an edge away from a node at most); the lower bound follows
    the closed Voronoi squares that a path meets: they form a 4-connected chain, and no point of a
    square is further from its node than half a diagonal.
    """
    across = along[0] + along[1] if across is None else across
    four = over_grid(heights, source, connectivity=4)
    eight = over_grid(heights, source, connectivity=8)
    return Band(
        lower=four - across / 2,
        upper=np.minimum(four + max(along) / 2, eight + across / 2),
    )
