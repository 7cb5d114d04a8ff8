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
