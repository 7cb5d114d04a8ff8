"""Evidence about networks as dynamical systems: N9, P7 and P8."""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.measures.statistics import Measured, measured, median, share

Two = tuple[Measured, Measured]
Three = tuple[Measured, Measured, Measured]


@criterion
def fixed_radius(extents: xr.Dataset) -> Two:
    """N9 at a fixed radius; control: nonexpansive blocks appended last."""
    grows = measured(extents.grows.values, statistic=np.mean)
    return grows, share(extents.appended.values.astype(bool))


@criterion
def relative_radius(extents: xr.Dataset) -> Two:
    """N9 at a quarter of each pair's own distance; control: the affine network."""
    gained = extents.relative.isel(depth=-1) - extents.relative.isel(depth=0)
    flat = np.round(extents.affine.values - 0.25, 9) + 0.0  # a processor's last digits, and no -0
    return median(gained.values), median(flat)


@criterion
def fixed_over_trainings(trainings: xr.Dataset) -> Two:
    """N9 at a fixed radius over trainings, of ``extents.of_trainings``; control as there."""
    return median(trainings.grows.values), median(trainings.appended.values)


@criterion
def relative_over_trainings(trainings: xr.Dataset) -> Two:
    """N9 at a relative radius over trainings, of ``extents.of_trainings``; control as there."""
    flat = np.round(trainings.affine.values - 0.25, 6) + 0.0  # of extents kept in single precision
    return median(trainings.gained.values), median(flat)


@criterion
def expansion(trainings: xr.Dataset) -> Two:
    """P7, what the states half-way know of the later blocks; control: untrained."""
    trained, untrained = (
        median(trainings.later.sel(weights=w).values) for w in ("trained", "untrained")
    )
    return trained, untrained


@criterion
def contraction(trainings: xr.Dataset, tied: xr.Dataset) -> Two:
    """P7, the sum of log c inside plateaus; control: networks with tied weights."""
    return tuple(median(t.inside.sel(weights="trained").values) for t in (trainings, tied))


@criterion
def overlap(swept: xr.Dataset, untrained: xr.Dataset, *, at: float = 0.25) -> Three:
    """P8; controls: the boundary shifted by half a window, and before training."""
    one, before = (s.sel(share=at, method="nearest") for s in (swept, untrained))
    return tuple(median(x.values) for x in (one.overlap, one.shifted, before.overlap))


@criterion
def overlap_over_trainings(swept: xr.Dataset, *, at: float = 0.25) -> Three:
    """P8 over trainings: medians over planes of ``swept`` with dims ``training, weights``."""
    one = swept.sel(share=at, method="nearest")
    one = one[["overlap", "shifted"]].median("plane")
    of = one.sel(weights="trained"), one.sel(weights="untrained")
    return tuple(median(x.values) for x in (of[0].overlap, of[0].shifted, of[1].overlap))
