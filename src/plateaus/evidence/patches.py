"""Evidence from ``experiments.sweep``: where is patched, and how many blocks follow (S2, S3)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.evidence.interpolation import Two, median
from plateaus.experiments.readouts import read
from plateaus.measures.statistics import NOTHING, trend


def at_end(result: xr.Dataset) -> np.ndarray:
    """Width behind the last block ``(pair, block_in)``."""
    return read(result.width).transpose("pair", "block_in").values


def at_gap(result: xr.Dataset, gap: int) -> np.ndarray:
    """Width where ``gap`` blocks lie between patch and reading ``(pair, positions)``."""
    wide = result.width.transpose("pair", "block_in", "readout").values
    apart = result.block_out.values[None] - result.block_in.values[:, None] + 1
    rows, columns = np.nonzero(apart == gap)
    return wide[:, rows, columns]


@criterion
def width_gained(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Width with the last block patched minus with the first; control: before training."""
    found = (at_end(result) for result in (trained, step_0))
    return tuple(median(w[:, -1] - w[:, 0]) for w in found)


@criterion
def rank_by_patch(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Does the width rise steadily with the patched block? Control: before training."""
    found = (at_end(result) for result in (trained, step_0))
    return tuple(median(trend(np.arange(w.shape[1]), w)) for w in found)


@criterion
def by_gap(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Width at N = 1 minus that at the largest N with two positions; control: before training."""
    largest = trained.sizes["block_in"] - 1
    if largest < 2:
        return NOTHING, NOTHING
    found = ((at_gap(r, 1), at_gap(r, largest)) for r in (trained, step_0))
    return tuple(median(near.mean(1) - far.mean(1)) for near, far in found)


@criterion
def by_depth(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Width at the deepest position minus at the first, N a third; control: before training."""
    gap = max(1, round((int(trained.block_in.max()) + 1) / 3))
    found = [at_gap(result, gap) for result in (trained, step_0)]
    if found[0].shape[1] < 2:
        return NOTHING, NOTHING
    return tuple(median(w[:, -1] - w[:, 0]) for w in found)
