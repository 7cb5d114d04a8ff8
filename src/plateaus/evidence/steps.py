"""Evidence on the steps of the stream along a path (S6), from ``experiments.passage``."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.evidence.interpolation import Two, median
from plateaus.measures import curves
from plateaus.measures.statistics import NOTHING

Three = tuple


def longest(result: xr.Dataset) -> np.ndarray:
    """Alpha of the longest step of the output ``(pair,)``."""
    return result.step.values[result.step_size.transpose("pair", "step").values.argmax(-1)]


def boundary(result: xr.Dataset) -> np.ndarray:
    """Alpha where root JSD of the prediction reaches half of its end ``(pair,)``."""
    jsd = torch.as_tensor(result.root_jsd.transpose("pair", "alpha").values)
    return curves.crossing(jsd / jsd[:, -1:], 0.5).numpy()


def around(result: xr.Dataset, far: float = 0.4, points: int = 33) -> xr.DataArray:
    """Steps over their median along the path, laid so that all boundaries are one: dims ``pair,
    offset``, the distance in alpha from the boundary; NaN where the path has ended.
    """
    size = result.step_size.transpose("pair", "step")
    size = (size / size.median("step")).values
    offset, at = np.linspace(-far, far, points), boundary(result)
    rows = [
        np.interp(a + offset, result.step.values, row, left=np.nan, right=np.nan)
        for a, row in zip(at, size, strict=True)
    ]
    coords = {"offset": offset}
    return xr.DataArray(np.array(rows), dims=("pair", "offset"), coords=coords, name="step")


@criterion
def distance_to_boundary(trained: xr.Dataset, step_0: xr.Dataset) -> Three:
    """Controls: the boundary of another pair, and before training."""
    if "root_jsd" not in trained:
        return NOTHING, NOTHING, NOTHING
    at, step = boundary(trained), longest(trained)
    other = median(abs(step - np.roll(at, 1)))
    return median(abs(step - at)), other, median(abs(longest(step_0) - boundary(step_0)))


@criterion
def peak(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """Longest step divided by the median step; control: before training."""
    sizes = (result.step_size for result in (trained, step_0))
    return tuple(median(s.max("step") / s.median("step")) for s in sizes)
