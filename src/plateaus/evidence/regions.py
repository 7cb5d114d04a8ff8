"""Evidence from ``experiments.regions``: how sharp the colours of slices are (J5)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.measures import slices
from plateaus.measures.statistics import Measured, median

Two = tuple[Measured, Measured]


def edge_shares(planes: xr.Dataset) -> np.ndarray:
    """Of every triple, the share of the colour change in the fifth where it is steepest."""
    return slices.edge_share(planes.colour.transpose("triple", "beta", "alpha", "channel").values)


@criterion
def edge_share(trained: xr.Dataset, step_0: xr.Dataset) -> Two:
    """J5; control: the same triples before training."""
    return median(edge_shares(trained)), median(edge_shares(step_0))


@criterion
def edge_gain(trained: xr.Dataset, step_0: xr.Dataset) -> Measured:
    """J5: the same after training minus before it, triple by triple."""
    return median(edge_shares(trained) - edge_shares(step_0))
