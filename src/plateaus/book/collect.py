"""What the cells of a grid found, as one table: claim by model and source of prompts, with the
spread over seeds.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from plateaus import results
from plateaus.book.grid import slug
from plateaus.errors import NoResult
from plateaus.networks.embedded import models_folder
from plateaus.progress import bar

NUMBERS = {"value": "value of the criterion", "ci_low": "lower end", "ci_high": "upper end"}
TEXTS = ("id", "metric", "model", "verdict", "chapter")
COLUMNS = ("id", "metric", "model", "prompts", "seed")


def cells(out: Path) -> list[Path]:
    """Folders of the finished cells below ``out``; one whose name has a dot was begun by a run that
    was killed.
    """
    whole = re.compile(r"[^/]+/seed-\d+/[^/]+/[^/]+/[^/.]+")
    found = (p for p in out.glob("*/seed-*/*/*/*") if p.is_dir())
    return sorted(p for p in found if whole.fullmatch(p.relative_to(out).as_posix()))


def rows(out: Path, book: Path | None = None, earlier: Path | None = None) -> list[dict[str, Any]]:
    """The claim rows of all finished cells below ``out``, each with its ``seed`` and ``prompts``.

    A chapter may measure further models beside the cell's; only rows of its own are taken, since
    neither its prompts nor its place in the grid say anything of the others. Where it has none of
    its own, as a chapter that measures toys, all are.

    Args:
        book: a folder of committed claims. A chapter with its defaults is a cell too, with seed 0
            and prompts "auto": its rows stand where the grid has the chapter and the model, and
            not this cell.
        earlier: a collected grid, whose rows stand where neither has any, see ``kept``.

    Raises:
        NoResult: no cell has written a claim there, or a file there is not what a cell writes.
    """
    found = {}
    for file in (
        file for cell in bar(cells(out), "cells") for file in sorted(cell.glob("*/claims/*.json"))
    ):
        model, seed, prompts = file.relative_to(out).parts[:3]
        of = {"seed": int(seed.removeprefix("seed-")), "prompts": prompts.rpartition("--")[2]}
        every = _rows(file)
        own = [row for row in every if f"--{model}".endswith(f"--{slug(row['model'])}")]
        for row in own or every:
            key = tuple((row | of)[c] for c in COLUMNS)
            found[key] = row | of
    if found:
        files = sorted(book.glob("*.json")) if book else []
        committed = [row for file in files for row in json.loads(file.read_text(encoding="utf-8"))]
        before = kept(earlier, list(found.values()), committed) if earlier else []
        chapters = {row["chapter"] for row in found.values()}
        models = {row["model"] for row in (*found.values(), *before)}
        for row in committed:
            row |= {"seed": 0, "prompts": "auto"}
            if row["chapter"] in chapters and row["model"] in models:
                found.setdefault(tuple(row[c] for c in COLUMNS), row)
        for row in before:
            found.setdefault(tuple(row[c] for c in COLUMNS), row)
    if not found:
        raise NoResult(f"No cell of a grid has written a claim below {out}: run Snakemake first.")
    return [found[key] for key in sorted(found)]


def kept(
    earlier: Path, found: list[dict[str, Any]], committed: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of a collected grid that no cell of this one has made anew.

    Left out is what a chapter said of a model that has now been through it again, though it says it
    no longer; and, where there are ``committed`` claims, a criterion that is in none of them: the
    book has given it up. A verdict is the one that was given then.
    """
    made: dict[tuple[str, str], set[str]] = {}
    for row in (*found, *committed):
        made.setdefault((row["id"], row["metric"]), set()).add(row["chapter"])
    through = {(row["model"], row["chapter"]) for row in found}
    out = []
    table = results.load(earlier)[[*NUMBERS, "n", "verdict"]].to_dataframe().reset_index()
    for row in table[table.verdict != ""].replace({np.nan: None}).to_dict("records"):
        row["id"], row["metric"] = row["criterion"].split(" ", 1)
        chapters = made.get((row["id"], row["metric"]), set())
        known = bool(chapters) or not committed
        if known and not any((row["model"], chapter) in through for chapter in chapters):
            out.append({name: row[name] for name in (*COLUMNS, *NUMBERS, "n", "verdict")})
    return out


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if not all(isinstance(row[c], str) for row in found for c in TEXTS):
            raise ValueError(f"{', '.join(TEXTS)} must be texts")
        for row in found:
            _ = [None if row[name] is None else float(row[name]) for name in (*NUMBERS, "n")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoResult(
            f"{file} holds no claims ({type(error).__name__}: {error}): remove the folder of its "
            "cell and run Snakemake again."
        ) from None
    return found


def dataset(found: list[dict[str, Any]]) -> xr.Dataset:
    """Rows as arrays over ``criterion`` ("J4 slope_gain"), ``model``, ``prompts`` and ``seed``.

    ``value``, ``ci_low``, ``ci_high`` (NaN where a cell has none), ``n`` and ``verdict`` ("" where
    there was no cell).
    """
    frame = pd.DataFrame(found)
    frame["criterion"] = frame.id + " " + frame.metric
    table = frame.set_index(["criterion", "model", "prompts", "seed"])
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
    if "tokens" not in facts:  # no language model
        return np.nan, np.nan
    share = int(step) / facts["steps"] if step.isdigit() else 1
    return float(facts["parameters"]), facts["tokens"] * share


def scoreboard(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each criterion, model and source of prompts: median and range over seeds, count
    of each verdict.
    """
    frame, by = pd.DataFrame(found), ["id", "metric", "model", "prompts"]
    merged = []
    for (id, metric, model, prompts), group in frame.groupby(by, sort=False):
        values = group.value.dropna().astype(float)
        some = len(values) > 0
        merged.append({
            "id": id, "metric": metric, "model": model, "prompts": prompts,
            "seeds": sorted(set(group.seed.tolist())),
            "value": float(values.median()) if some else None,
            "lowest": float(values.min()) if some else None,
            "highest": float(values.max()) if some else None,
            "verdicts": dict(Counter(group.verdict)),
        })  # fmt: skip
    return merged


def collect(
    out: Path, into: Path | None = None, book: Path | None = None, *, keep: bool = False
) -> Path:
    """Merge the cells below ``out``: ``scoreboard.json`` there, and the arrays as netCDF.

    Args:
        into: the netCDF file, such as ``book/results/grid.nc``; default ``out/grid.nc``.
        book: a folder of committed claims, see ``rows``.
        keep: what that file holds of other models and chapters stays, see ``kept``; the scoreboard
            is of the cells alone.

    Raises:
        NoResult: there is nothing to merge. NotSaved: no file can be written.
    """
    into = into or out / "grid.nc"
    earlier = into if keep and into.is_file() else None
    found = rows(out, book, earlier)
    told: dict[str, Any] = {"cells": len(cells(out))}
    if earlier:
        told["earlier cells"] = results.provenance_of(results.load(earlier)).get("cells")
    results.save(dataset(found), into, **told)
    return results.write_json(
        scoreboard(rows(out, book) if keep else found), out / "scoreboard.json"
    )
