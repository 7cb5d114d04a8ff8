"""Results that are too slow for a chapter: computed by ``plateaus study``, kept in the repository.

A chapter reads them, trains a small part of them again and compares.
"""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import xarray as xr

from plateaus import results
from plateaus.book.places import repository
from plateaus.book.provenance import source_digest, versions
from plateaus.errors import BadParameter
from plateaus.experiments.tasks import saved
from plateaus.studies import superposition, toy

FOLDER = "book/results"
STUDIES = {name: lambda tables, make=make: make(tables).run() for name, make in toy.STUDIES.items()}
STUDIES["superposition"] = superposition.study
"""Name -> what computes it, given the folder of tables or None."""


def save(name: str, *, tables: str | None = None, out: Path | None = None) -> Path:
    """Compute the study ``name`` and write it to ``<out>/<name>.nc``.

    Raises:
        BadParameter: no such study.
    """
    if name not in STUDIES:
        raise BadParameter(f"There is no study {name!r}: choose one of {', '.join(STUDIES)}.")
    start = time.perf_counter()
    found = saved(STUDIES[name](tables))
    given = ["--tables", "<folder>"] if tables else []
    facts = {
        "command": shlex.join(["plateaus", "study", name]) + " ".join(["", *given]),
        "source": source_digest(),
        "versions": versions(),
    }
    path = (out or repository() / FOLDER) / f"{name}.nc"
    results.save(found, path, **facts)
    print(f"{path.name}: {path.stat().st_size:,} bytes, {time.perf_counter() - start:.0f} s")
    return path


def load(name: str) -> xr.Dataset:
    """What ``plateaus study`` computed; raises `NoResult` where it is not there."""
    return results.load(repository() / FOLDER / f"{name}.nc")
