"""Evidence from ``experiments.synthetic``: where the output moves fastest (G1), and how long it
stays (G2). Steps are hundredths of the way.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import ks_2samp

from plateaus.evidence import paired
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


def later(one: xr.Dataset, other: xr.Dataset) -> Measured:
    """Mean over base points of how many steps the one is steepest after the other."""
    return mean(steepest(one) - steepest(other))


def _share(
    random: np.ndarray, synthetic: np.ndarray, real: np.ndarray, axis: int = -1
) -> np.ndarray:
    random, synthetic, real = (np.mean(x, axis) for x in (random, synthetic, real))
    whole = random - real
    return (random - synthetic) / np.where(abs(whole) > SMALLEST, whole, SMALLEST)


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
    return paired.times(plateau_length(one, radius), plateau_length(other, radius))


def kolmogorov(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """(statistic, p-value) of the two-sample Kolmogorov–Smirnov test."""
    found = ks_2samp(one, other)
    return float(found.statistic), float(found.pvalue)


PUBLISHED = {
    "steepest": {
        "real, towards real": "51.65 ± 7.42",
        "real, towards random": "64.89 ± 10.50",
        "real, towards structured": "55.69 ± 11.31",
        "real, towards baseline": "57.07 ± 11.29",
    },
    "length": {
        "real, towards random": "15.12 ± 8.62",
        "random, towards random": "8.33 ± 3.80",
        "structured, towards random": "7.76 ± 3.76",
        "baseline, towards random": "6.18 ± 3.13",
        "rebuilt, towards random": "",
        "elsewhere, towards random": "",
    },
}
"""Giglemiani et al. 2024 on GPT-2 small: mean and standard deviation, in steps of a hundred. The
first of each is what the others are held against."""


def beside(summary: xr.Dataset, *, published: bool = True) -> pd.DataFrame:
    """Mean and standard deviation by model, with the Kolmogorov–Smirnov statistic and its p-value.

    Args:
        summary: what ``experiments.synthetic.summary`` gave.
    """
    columns: dict[str, dict] = {}
    for quantity, ways in PUBLISHED.items():
        for way, reported in ways.items():
            row = quantity, way
            if published:
                columns.setdefault("published", {})[row] = reported
            for model in map(str, summary.model.values):
                values = summary[quantity].sel(model=model)
                x, reference = (values.sel(way=w).values for w in (way, next(iter(ways))))
                words = f"{np.mean(x):.0f} ± {np.std(x):.0f}"
                if way != next(iter(ways)):
                    statistic, p = kolmogorov(x, reference)
                    words += f", KS {statistic:.2f} (p {p:.2f})"
                columns.setdefault(model, {})[row] = words
    table = pd.DataFrame(columns)
    return table.rename_axis(["quantity", "way"])
