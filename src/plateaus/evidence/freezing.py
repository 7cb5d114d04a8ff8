"""The slope that an attention, a head or an MLP is needed for, from ``experiments.freezing``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.paired import gap
from plateaus.measures.statistics import Measured, measured


def change(result: xr.Dataset, sublayer: str | int, block: int) -> Measured:
    """Median slope with that one held minus that with none held."""
    return gap(result.slope.sel(sublayer=sublayer, block=block), result.whole)


def changes(result: xr.Dataset) -> dict[str | int, np.ndarray]:
    """By sublayer (value, low, high) of every block, ``(3, block)``."""
    found = {}
    for name in result.sublayer.values.tolist():
        each = [change(result, name, block) for block in result.block.values]
        found[name] = np.array([(m.value, *m.ci) for m in each]).T
    return found


def seen(result: xr.Dataset) -> tuple[int, int]:
    """Of how many the interval leaves zero out, and how many there are; one in twenty by chance."""
    _, low, high = np.concatenate(list(changes(result).values()), axis=1)
    return int(((low > 0) | (high < 0)).sum()), len(low)


def most(result: xr.Dataset, sublayer: str = "mlp") -> tuple[int, Measured]:
    """The block without which the median slope is least, and the change."""
    middle = result.slope.sel(sublayer=sublayer).median("pair")
    block = int(result.block[int(middle.argmin("block"))])
    return block, change(result, sublayer, block)


def head(result: xr.Dataset) -> tuple[int, str | int, Measured]:
    """Block and number of the head whose holding moves the median slope furthest, chosen by
    every other pair of ``heads_one_by_one``; the change over the pairs that did not choose. Of
    ``one_by_one``, block and name of a sublayer likewise.
    """
    block, number, left = _chosen(result)
    return block, number, change(left, number, block)


def further(result: xr.Dataset, other: xr.Dataset) -> Measured:
    """Median slope with the one held that ``head`` chooses of ``result``, minus that with the one
    that it chooses of ``other``; over the same pairs, which chose neither.
    """
    held = []
    for each in (result, other):
        block, number, left = _chosen(each)
        held.append(left.slope.sel(sublayer=number, block=block))
    return gap(*held)


def _chosen(result: xr.Dataset) -> tuple[int, str | int, xr.Dataset]:
    choose, left = (result.isel(pair=slice(k, None, 2)) for k in (0, 1))
    moved = abs(choose.slope.median("pair") - choose.whole.median())
    at = moved.argmax(("sublayer", "block"))
    return int(moved.block[at["block"]]), moved.sublayer[at["sublayer"]].item(), left


def added_up(result: xr.Dataset, sublayer: str) -> Measured:
    """Sum over blocks of the changes that each makes alone."""
    slope = result.slope.sel(sublayer=sublayer).transpose("block", "pair").values
    return measured(*slope, result.whole.values, statistic=_total)


def left_over(result: xr.Dataset, sublayer: str) -> Measured:
    """Slope above a straight line's plus that sum: below zero if the changes that each makes alone
    take away more than there is.
    """
    slope = result.slope.sel(sublayer=sublayer).transpose("block", "pair").values
    return measured(*slope, result.whole.values, statistic=_left)


def _left(*values: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(values[-1], axis) - 1 + _total(*values, axis=axis)


def _total(*values: np.ndarray, axis: int = -1) -> np.ndarray:
    *held, whole = (np.median(v, axis) for v in values)
    return np.sum(np.array(held) - whole, axis=0)
