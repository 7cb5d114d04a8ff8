"""What the cells of a grid found, as one table: claim by model, with the spread over seeds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from plateaus import results
from plateaus.errors import NoResult
from plateaus.networks.embedded import models_folder

NUMBERS = {"value": "value of the criterion", "ci_low": "lower end", "ci_high": "upper end"}
COLUMNS = ("id", "metric", "model", "seed")


def rows(out: Path) -> list[dict[str, Any]]:
    """The claim rows of all finished cells below ``out``, each with its ``seed``.

    Raises:
        NoResult: no cell has written a claim there.
    """
    found = []
    for file in sorted(out.glob("*/seed-*/**/claims/**/*.json")):
        seed = next(int(part[5:]) for part in file.parts if part.startswith("seed-"))
        found += [{**row, "seed": seed} for row in json.loads(file.read_text(encoding="utf-8"))]
    if not found:
        raise NoResult(f"No cell of a grid has written a claim below {out}: run Snakemake first.")
    return sorted(found, key=lambda row: tuple(row[c] for c in COLUMNS))


def dataset(found: list[dict[str, Any]]) -> xr.Dataset:
    """Rows as arrays over ``criterion`` ("J4 slope_gain"), ``model`` and ``seed``.

    ``value``, ``ci_low``, ``ci_high`` (NaN where a cell has none), ``n`` and ``verdict`` ("" where
    there was no cell).
    """
    frame = pd.DataFrame(found)
    frame["criterion"] = frame.id + " " + frame.metric
    frame = frame.drop_duplicates(["criterion", "model", "seed"], keep="last")
    table = frame.set_index(["criterion", "model", "seed"])
    names = [*NUMBERS, "n", "verdict"]
    data = xr.Dataset.from_dataframe(table[names].astype({k: float for k in [*NUMBERS, "n"]}))
    for name, words in NUMBERS.items():
        data[name].attrs["long_name"] = words
    verdict = data.verdict.values.astype(object)
    data["verdict"] = data.verdict.dims, np.where(pd.isna(verdict), "", verdict).astype(str)
    size = [trained(str(name)) for name in data.model.values]
    data = data.assign_coords(parameters=("model", [s[0] for s in size]))
    return data.assign_coords(tokens=("model", [s[1] for s in size]))


def trained(model: str) -> tuple[float, float]:
    """Parameters of an embedded model and the tokens it has seen; NaN where no record says."""
    name, _, step = model.partition("@step-")
    record = (models_folder() or Path()) / name / "training.json"
    if "/" in name or not record.is_file():
        return np.nan, np.nan
    facts = json.loads(record.read_text(encoding="utf-8"))
    share = int(step) / facts["steps"] if step.isdigit() else 1
    return float(facts["parameters"]), facts["tokens"] * share


def scoreboard(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each criterion and model: median and range over seeds, count of each verdict."""
    frame = pd.DataFrame(found)
    merged = []
    for (id, metric, model), group in frame.groupby(["id", "metric", "model"], sort=False):
        values = group.value.dropna().astype(float)
        some = len(values) > 0
        merged.append({
            "id": id, "metric": metric, "model": model, "seeds": sorted(set(group.seed.tolist())),
            "value": float(values.median()) if some else None,
            "lowest": float(values.min()) if some else None,
            "highest": float(values.max()) if some else None,
            "verdicts": dict(Counter(group.verdict)),
        })  # fmt: skip
    return merged


def collect(out: Path, into: Path | None = None) -> Path:
    """Merge the cells below ``out``: ``scoreboard.json`` there, and the arrays as netCDF.

    Args:
        into: the netCDF file, such as ``book/results/grid.nc``; default ``out/grid.nc``.

    Raises:
        NoResult: there is nothing to merge. NotSaved: no file can be written.
    """
    found = rows(out)
    results.save(
        dataset(found), into or out / "grid.nc", cells=len(list(out.glob("*/seed-*/*/*/")))
    )
    return results.write_json(scoreboard(found), out / "scoreboard.json")
