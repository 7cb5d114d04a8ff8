"""What ``experiments.latents`` found, in numbers with intervals over base points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from plateaus.evidence import paired
from plateaus.evidence.synthetic import kolmogorov
from plateaus.measures.statistics import Measured, median


def moved(result: xr.Dataset, edit: str, way: str = "features", dose: float = 1.0) -> np.ndarray:
    """How far the output has moved ``(pair,)``."""
    return result.moved.sel(edit=edit, way=way, dose=dose).values.astype(float)


def times(result: xr.Dataset, edit: str, way: str) -> Measured:
    """Median distance moved along the features over that along another way, as far."""
    return paired.times(moved(result, edit), moved(result, edit, way))


def half(result: xr.Dataset, edit: str, way: str = "features") -> Measured:
    """Median share of the whole distance that is moved at half of the dose; 0.5 where the output
    moves evenly, less on a plateau.
    """
    whole = moved(result, edit, way)
    return median(moved(result, edit, way, 0.5) / np.where(whole > 0, whole, np.nan))


def by_way(result: xr.Dataset) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Median distance moved (value, low, high), by way and edit."""
    found = {}
    for way in map(str, result.way.values):
        each = {edit: median(moved(result, edit, way)) for edit in map(str, result.edit.values)}
        found[way] = {edit: (m.value, *m.ci) for edit, m in each.items()}
    return found


def table(found: Mapping[str, xr.Dataset], before: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """A row for each model and edit: length of what is added to the activation, distance moved,
    that over the two other ways (for the last of them also at step 0), and the share at half dose.
    KS is the two-sample Kolmogorov–Smirnov statistic against the difference of two activations.
    """
    rows = {}
    for name, result in found.items():
        for edit in map(str, result.edit.values):
            x, y = (moved(result, edit, way) for way in ("features", "difference"))
            usable = np.isfinite(x) & np.isfinite(y)
            statistic, p = kolmogorov(x[usable], y[usable])
            rows[name, edit] = {
                "length": f"{float(result.length.sel(edit=edit).median()):.2f}",
                "moved": f"{median(x):.2f}",
                "over difference": f"{times(result, edit, 'difference'):.2f}",
                "KS (p)": f"{statistic:.2f} ({p:.2f})",
                "over isotropic": f"{times(result, edit, 'isotropic'):.2f}",
                "the same at step 0": f"{times(before[name], edit, 'isotropic'):.2f}",
                "at half dose": f"{half(result, edit):.2f}",
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["model", "edit"])
