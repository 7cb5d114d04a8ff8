"""Evidence from ``experiments.directions``: angles at which perturbations are felt (H1 to H4).

Results compared with each other are of the same base points. Angles are in degrees; where KL never
reaches 0.5 nats, the angle is 180.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.evidence.paired import gap
from plateaus.experiments.readouts import read
from plateaus.measures import curves
from plateaus.measures.statistics import Measured, median, share

Two = tuple[Measured, Measured]
Three = tuple[Measured, Measured, Measured]
EARLY, LATE = 40.0, 90.0
"""Degrees: where a plateau is still flat, and where every perturbation is felt."""


def difference(x: np.ndarray, y: np.ndarray) -> Measured:
    """Median of x minus y over pairs."""
    return median(np.asarray(x) - np.asarray(y))


def reach(result: xr.Dataset) -> np.ndarray:
    """Angle of KL = 0.5 nats ``(pair,)``."""
    return result.reach.values


def reached(result: xr.Dataset) -> Measured:
    """Median angle of KL = 0.5 nats over base points."""
    return median(reach(result))


def median_reach(results: Mapping[str, xr.Dataset]) -> dict[str, float]:
    """The same of several results, without intervals."""
    return {name: float(np.median(reach(result))) for name, result in results.items()}


def half(result: xr.Dataset) -> np.ndarray:
    """Angle at which KL reaches half of what it is at 90 degrees: it exists in any network."""
    return _half(result.kl, result)


def by_reading(result: xr.Dataset) -> dict[str, float]:
    """Median angle at which each distance reaches half of what it is at 90 degrees."""
    return {name: float(np.nanmedian(angles)) for name, angles in halves(result).items()}


def halves(result: xr.Dataset) -> dict[str, np.ndarray]:
    """The same angles base point by base point ``(pair,)``, by distance."""
    found = {"KL, predictions": result.kl}
    found |= {f"L2, {name}": read(result.distance, name) for name in ("stream", "normed")}
    return {name: _half(curve, result) for name, curve in found.items()}


def _half(curve: xr.DataArray, result: xr.Dataset) -> np.ndarray:
    curve = curve.assign_coords(alpha=result.degrees.values)
    scaled = torch.as_tensor((curve / curve.interp(alpha=LATE)).transpose("pair", "alpha").values)
    return float(result.degrees[-1]) * curves.crossing(scaled, 0.5).numpy()


def flatness(result: xr.Dataset) -> np.ndarray:
    """KL at 40 degrees divided by KL at 90 degrees ``(pair,)``."""
    return _kl_at(result, EARLY) / _kl_at(result, LATE)


def louder(random: xr.Dataset, real: xr.Dataset, degrees: float) -> Measured:
    """Share of base points around whose random twin KL is larger so far out."""
    return share(_kl_at(random, degrees) > _kl_at(real, degrees))


def kl_at(result: xr.Dataset, degrees: float) -> Measured:
    """Median KL [nats] there."""
    return median(_kl_at(result, degrees))


def _kl_at(result: xr.Dataset, degrees: float) -> np.ndarray:
    return result.kl.assign_coords(alpha=result.degrees.values).interp(alpha=degrees).values


def by_edge(edges: xr.Dataset) -> dict[str, np.ndarray]:
    """1/p of ``experiments.superellipse``: edges at the first corner, in the mean over both, and
    the edge of the other two ``(pair,)``; NaN where a direction is not felt.
    """
    at_first = edges.inverse.sel(edge=["0-1", "0-2"]).mean("edge", skipna=False)
    return {"real and random": at_first.values, "two random": edges.inverse.sel(edge="1-2").values}


@criterion
def angle_gained(
    real: xr.Dataset, random: xr.Dataset, real_0: xr.Dataset, random_0: xr.Dataset
) -> Two:
    """H1, random directions from real and from random base points; control: before training."""
    return gap(reach(real), reach(random)), gap(half(real_0), half(random_0))


@criterion
def flat_at_40(real: xr.Dataset, random: xr.Dataset) -> Two:
    """H1: KL at 40 degrees against 90; control: from random base points."""
    return median(flatness(real)), median(flatness(random))


@criterion
def random_minus_real(
    random: xr.Dataset,
    real: xr.Dataset,
    again: xr.Dataset,
    random_0: xr.Dataset,
    real_0: xr.Dataset,
) -> Three:
    """H2; controls: a second set of random directions, and before training."""
    effect = difference(reach(random), reach(real))
    return effect, difference(reach(random), reach(again)), difference(half(random_0), half(real_0))


@criterion
def isotropic_minus_random(
    isotropic: xr.Dataset,
    random: xr.Dataset,
    again: xr.Dataset,
    isotropic_0: xr.Dataset,
    random_0: xr.Dataset,
) -> Three:
    """H2; controls: a second set of isotropic directions, and before training."""
    return (
        difference(reach(isotropic), reach(random)),
        difference(reach(isotropic), reach(again)),
        difference(half(isotropic_0), half(random_0)),
    )


def corner_is_best(triangles: xr.Dataset) -> np.ndarray:
    """Whether the angle is smallest at the first corner and nowhere else ``(pair,)``."""
    corner = triangles.reach.isel(mixture=np.flatnonzero(triangles.w0 == 1)[0])
    others = triangles.reach.isel(mixture=np.flatnonzero(triangles.w0 < 1))
    return (corner < others.min("mixture")).values


@criterion
def optimum_at_corner(real: xr.Dataset, random: xr.Dataset) -> Two:
    """H3 on triangles of directions; control: three random corners."""
    return share(corner_is_best(real)), share(corner_is_best(random))


@criterion
def local_maximum(real: xr.Dataset, random: xr.Dataset) -> Two:
    """H3 on great circles through a direction; control: random directions."""
    return median(real.both_lower.values), median(random.both_lower.values)


@criterion
def plateau_at_last(
    real: xr.Dataset, random: xr.Dataset, early_real: xr.Dataset, early_random: xr.Dataset
) -> Two:
    """H4: the angle of H1 at the last block; control: at block 1."""
    return gap(reach(real), reach(random)), gap(reach(early_real), reach(early_random))


@criterion
def direction_at_last(
    random: xr.Dataset, real: xr.Dataset, early_random: xr.Dataset, early_real: xr.Dataset
) -> Two:
    """H4: the angle of H2 at the last block; control: at block 1."""
    early = difference(reach(early_random), reach(early_real))
    return difference(reach(random), reach(real)), early
