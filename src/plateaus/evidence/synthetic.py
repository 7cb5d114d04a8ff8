"""Evidence from ``experiments.synthetic``: where the output moves fastest (G1), and how long it
stays (G2). Steps are hundredths of the way.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import ks_2samp

from plateaus.evidence.criterion import criterion
from plateaus.experiments.synthetic import plateau_length, steepest
from plateaus.measures.statistics import Measured, measured

Two = tuple[Measured, Measured]
Three = tuple[Measured, Measured, Measured]
SMALLEST = 1e-6
"""Steps: a difference that a share is divided by is never nearer to zero."""


def mean(values: np.ndarray) -> Measured:
    """The mean over base points."""
    return measured(np.asarray(values), statistic=np.mean)


def _share(random: np.ndarray, synthetic: np.ndarray, real: np.ndarray) -> float:
    whole = np.mean(random) - np.mean(real)
    whole = whole if abs(whole) > SMALLEST else SMALLEST
    return float((np.mean(random) - np.mean(synthetic)) / whole)


@criterion
def share_of_difference(
    synthetic: xr.Dataset, random: xr.Dataset, real: xr.Dataset, isotropic: xr.Dataset
) -> Three:
    """G1; controls: isotropic in the place of synthetic, and the difference that is shared."""
    of = {"synthetic": synthetic, "random": random, "real": real, "isotropic": isotropic}
    at = {name: steepest(result) for name, result in of.items()}
    shares = [
        measured(at["random"], at[kind], at["real"], statistic=_share)
        for kind in ("synthetic", "isotropic")
    ]
    return shares[0], shares[1], mean(at["random"] - at["real"])


@criterion
def length_ratio(
    real: xr.Dataset, synthetic: xr.Dataset, real_0: xr.Dataset, synthetic_0: xr.Dataset,
    *, radius: float, radius_0: float,
) -> Two:  # fmt: skip
    """G2, plateau lengths around real and synthetic base points; control: at step 0."""
    return ratio(real, synthetic, radius), ratio(real_0, synthetic_0, radius_0)


def ratio(one: xr.Dataset, other: xr.Dataset, radius: float) -> Measured:
    """Median plateau length around the one kind divided by that around the other."""
    return measured(
        plateau_length(one, radius),
        plateau_length(other, radius),
        statistic=lambda x, y: float(np.median(x) / np.median(y)),
    )


def kolmogorov(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """(statistic, p-value) of the two-sample Kolmogorov–Smirnov test."""
    found = ks_2samp(one, other)
    return float(found.statistic), float(found.pvalue)


def against(values: Mapping[str, np.ndarray], reference: str) -> pd.DataFrame:
    """Mean and spread of every kind, and its Kolmogorov–Smirnov distance from the reference."""
    rows = {}
    for kind, x in values.items():
        statistic, p = kolmogorov(x, values[reference])
        rows[kind] = {"mean": np.mean(x), "sd": np.std(x), "KS": statistic, "p": p}
    return pd.DataFrame.from_dict(rows, orient="index")
