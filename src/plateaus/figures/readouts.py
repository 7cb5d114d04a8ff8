"""The axis of read-outs, in order of depth: blocks by their number, then what is read by name."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

SHOWN = 5
"""Blocks named on the axis, about."""
SHORT = {"probabilities": "prob.", "normed": "norm"}


def axis(result: xr.DataArray, ax: Axes) -> np.ndarray:
    """Name the read-outs of `result` on the x axis of `ax`; returns where each one stands.

    The stream after each block comes at equal steps. Named readings, which the head adds to the
    last block, stand apart.
    """
    streams = result.reading.values == "stream"
    blocks = result.block_out.values
    apart = max(1.0, 0.14 * streams.sum())
    at = np.cumsum(np.where(streams, 1.0, apart))
    step = max(1, round(streams.sum() / SHOWN))
    last = blocks[streams].max(initial=0)
    shown = ~streams | ((last - blocks) % step == 0)
    names = [
        str(block) if stream else SHORT.get(str(name), str(name))
        for block, name, stream in zip(blocks, result.reading.values, streams, strict=True)
    ]
    ax.set_xticks(at[shown], [n for n, s in zip(names, shown, strict=True) if s])
    for label, stream in zip(ax.get_xticklabels(), streams[shown], strict=True):
        label.set_rotation(0 if stream else 90)
    ax.set_xlabel("read after block" if streams.all() else "read after block, or at")
    return at
