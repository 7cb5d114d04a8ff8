"""Labelled results on disk: an `xarray.Dataset` with where it came from, as netCDF.

A full disk, a kill or a loss of power leaves the earlier result or the new one (see `disk`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import xarray as xr

from plateaus.disk import write_bytes, write_json
from plateaus.errors import NoResult

PROVENANCE = "provenance"

__all__ = ["load", "provenance_of", "save", "write_bytes", "write_json"]


def save(dataset: xr.Dataset | xr.DataArray, path: str | os.PathLike, **provenance: Any) -> Path:
    """Write `dataset` to `path` as netCDF, atomically, and return the path.

    `provenance` (anything JSON can hold: model, revision, dtype, seed, parameters, versions …) is
    kept as one JSON attribute; read it back with `provenance_of`. Raises `NotSaved` when the folder
    cannot be made or written, or the disk is full; an older file of that name is then untouched.
    """
    if isinstance(dataset, xr.DataArray):
        dataset = dataset.to_dataset(name=dataset.name or "value")
    dataset = dataset.copy(deep=False)
    dataset.attrs = dict(dataset.attrs)
    if provenance:
        dataset.attrs[PROVENANCE] = json.dumps(provenance, sort_keys=True)
    # Encoded in memory first: on a full disk HDF5 itself fails with a page of internals.
    return write_bytes(bytes(dataset.to_netcdf(engine="h5netcdf")), path)


def load(path: str | os.PathLike) -> xr.Dataset:
    """Read a saved result wholly into memory; raises `NoResult` if there is none at `path`."""
    path = Path(path)
    if not path.is_file():
        raise NoResult(
            f"There is no result at {path}: run the chapter that writes it first, with the same "
            "`out`."
        )
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise NoResult(
            f"{path} is not a readable netCDF result ({error}): delete it and run its chapter "
            "again."
        ) from error


def provenance_of(dataset: xr.Dataset) -> dict[str, Any]:
    """What `save` was told about the origin of `dataset`; empty if nothing."""
    return json.loads(dataset.attrs.get(PROVENANCE, "{}"))
