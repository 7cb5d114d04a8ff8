"""The slope that one block's attention or MLP is needed for, from ``experiments.freezing``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.paired import gap
from plateaus.measures.statistics import Measured, measured


def change(result: xr.Dataset, sublayer: str, block: int) -> Measured:
    """Median slope with that one held minus that with none held."""
    return gap(result.slope.sel(sublayer=sublayer, block=block), result.whole)


def changes(result: xr.Dataset) -> dict[str, np.ndarray]:
    """By sublayer (value, low, high) of every block, ``(3, block)``."""
    found = {}
    for name in map(str, result.sublayer.values):
        each = [change(result, name, block) for block in result.block.values]
        found[name] = np.array([(m.value, *m.ci) for m in each]).T
    return found


def most(result: xr.Dataset, sublayer: str = "mlp") -> tuple[int, Measured]:
    """The block without which the median slope is least, and the change."""
    middle = result.slope.sel(sublayer=sublayer).median("pair")
    block = int(result.block[int(middle.argmin("block"))])
    return block, change(result, sublayer, block)


def added_up(result: xr.Dataset, sublayer: str) -> Measured:
    """Sum over blocks of the changes that each makes alone."""
    slope = result.slope.sel(sublayer=sublayer).transpose("block", "pair").values
    return measured(*slope, result.whole.values, statistic=_total)


def _total(*values: np.ndarray) -> float:
    *held, whole = map(np.median, values)
    return float(np.sum(np.array(held) - whole))
