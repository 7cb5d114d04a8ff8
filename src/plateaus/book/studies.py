"""Results that are too slow for a chapter: computed by ``plateaus study``, kept in the repository.

A chapter reads them, trains a small part of them again and compares.
"""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import xarray as xr

from plateaus import disk, results
from plateaus.book.places import repository
from plateaus.book.provenance import source_digest, versions
from plateaus.errors import BadParameter
from plateaus.experiments.tasks import saved
from plateaus.progress import goes_to
from plateaus.studies import bending, evolution, superposition, toy, vision

FOLDER = "book/results"


def _contrastive(tables: str | None) -> xr.Dataset:
    from plateaus.studies import contrastive  # late: the transformer libraries take seconds

    return contrastive.study(tables)


def _contraction(tables: str | None) -> xr.Dataset:
    from plateaus.studies import contraction  # late, as above

    return contraction.study()


def _dynamics(tables: str | None) -> xr.Dataset:
    from plateaus.studies import dynamics  # late, as above

    return dynamics.study()


def _attraction(tables: str | None) -> xr.Dataset:
    from plateaus.studies import attraction  # late, as above

    return attraction.study()


def _plateaus(tables: str | None) -> xr.Dataset:
    from plateaus.studies import plateaus  # late, as above

    return plateaus.study()


STUDIES = {name: lambda tables, make=make: make(tables).run() for name, make in toy.STUDIES.items()}
STUDIES["superposition"] = superposition.study
STUDIES["bending"] = bending.study
STUDIES["evolution"] = evolution.study
STUDIES["plateaus"] = _plateaus
STUDIES["contrastive"] = _contrastive
STUDIES["contraction"] = _contraction
STUDIES["dynamics"] = _dynamics
STUDIES["attraction"] = _attraction
"""Name -> what computes it, given the folder of tables or None."""
UNROUNDED = ("contraction", "bending", "dynamics", "attraction")
"""Those whose smallest numbers are kept: how exactly an identity holds, ratios of small losses."""
PUBLISHED = {"vision": vision.study}
"""Name -> what computes it, given a folder of published weights and one of images."""
READS = {"tasks": ("tables",), "architectures": ("tables",), "vision": ("weights", "images")}
"""Name -> the folders that a study reads, if any."""


def save(
    name: str,
    *,
    tables: str | None = None,
    weights: str | None = None,
    images: str | None = None,
    out: Path | None = None,
) -> Path:
    """Compute the study ``name`` and write it to ``<out>/<name>.nc``.

    Raises:
        BadParameter: no such study, or published weights without their folders, or a folder that
            the study does not read.
        NotSaved: nothing can be written to ``out``.
    """
    if name not in STUDIES | PUBLISHED:
        known = ", ".join(STUDIES | PUBLISHED)
        raise BadParameter(f"There is no study {name!r}: choose one of {known}.")
    path = (out or repository() / FOLDER) / f"{name}.nc"
    goes_to(path)
    start = time.perf_counter()
    folders = {"tables": tables, "weights": weights, "images": images}
    read = READS.get(name, ())
    for key, there in folders.items():
        if there is not None and key not in read:
            raise BadParameter(
                f"The study {name} was given --{key} {there}, and reads "
                f"{' and '.join(f'--{each}' for each in read) or 'no folder'}: leave it out."
            )
        if there is not None and not Path(there).expanduser().is_dir():
            raise BadParameter(f"--{key} {there} is no folder: give the one where the {key} lie.")
    if name in PUBLISHED and (weights is None or images is None):
        raise BadParameter(
            f"The study {name} measures published networks, got weights={weights!r} and "
            f"images={images!r}: give --weights and --images, the folders where they lie."
        )
    disk.check_writable(path.parent)
    if name in PUBLISHED:
        found = saved(PUBLISHED[name](weights, images))
    else:
        decimals = None if name in UNROUNDED else 3
        found = saved(STUDIES[name](tables), decimals=decimals)
    given = [part for key, there in folders.items() if there for part in (f"--{key}", "<folder>")]
    facts = {
        "command": shlex.join(["plateaus", "study", name]) + " ".join(["", *given]),
        "source": source_digest(),
        "versions": versions(),
    }
    results.save(found, path, **facts)
    print(f"{path.name}: {path.stat().st_size:,} bytes, {time.perf_counter() - start:.0f} s")
    return path


def load(name: str) -> xr.Dataset:
    """What ``plateaus study`` computed; raises `NoResult` where it is not there."""
    return results.load(repository() / FOLDER / f"{name}.nc")
