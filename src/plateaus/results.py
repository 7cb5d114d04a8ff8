"""Labelled results on disk: an `xarray.Dataset` with where it came from, as netCDF.

A full disk, a kill or a loss of power leaves the earlier result or the new one (see `disk`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from plateaus.disk import write_bytes, write_json
from plateaus.errors import NoResult, NotSaved

PROVENANCE = "provenance"

__all__ = ["kept", "load", "provenance_of", "save", "write_bytes", "write_json"]


def save(dataset: xr.Dataset | xr.DataArray, path: str | os.PathLike, **provenance: Any) -> Path:
    """Write `dataset` to `path` as netCDF, atomically, and return the path.

    `provenance` (anything JSON can hold: model, revision, dtype, seed, parameters, versions …) is
    kept as one JSON attribute; read it back with `provenance_of`. Raises `NotSaved` when the folder
    cannot be made or written, or the disk is full; an older file of that name is then untouched.
    """
    if not isinstance(dataset, xr.Dataset | xr.DataArray):
        raise NotSaved(
            f"A result is an xarray.Dataset or DataArray, got {type(dataset).__name__}: give one."
        )
    if not isinstance(path, str | os.PathLike):
        raise NotSaved(f"A result is written to a file, got {path!r:.80}: give its path.")
    if isinstance(dataset, xr.DataArray):
        dataset = dataset.to_dataset(name=dataset.name or "value")
    dataset = dataset.copy(deep=False)
    dataset.attrs = dict(dataset.attrs)
    try:
        if provenance:
            dataset.attrs[PROVENANCE] = json.dumps(provenance, sort_keys=True)
        # Encoded in memory first: on a full disk HDF5 itself fails with a page of internals.
        content = bytes(dataset.to_netcdf(engine="h5netcdf"))
    except (TypeError, ValueError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise NotSaved(
            f"{Path(path).name} could not be written ({why[:200].rstrip('.')}): netCDF holds "
            "arrays of numbers and texts, and its attributes numbers and texts alone."
        ) from error
    return write_bytes(content, path)


def load(path: str | os.PathLike) -> xr.Dataset:
    """Read a saved result wholly into memory; raises `NoResult` if there is none at `path`."""
    if not isinstance(path, str | os.PathLike):
        raise NoResult(f"A result is a file, got {path!r:.80}: give its path.")
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


def kept(path: Path | None, make: Callable[[], xr.Dataset], **facts: Any) -> xr.Dataset:
    """What `make` gives: read from `path` if saved there with the same `facts`, else computed
    and saved. Without a path nothing is kept.

    `facts` are everything that decides the result, as JSON can hold it: what was computed from
    something else is not taken for it, and computed again.
    """
    if path is None:
        return make()
    if not path.is_file() or provenance_of(load(path)) != json.loads(json.dumps(facts)):
        save(make(), path, **facts)
    found = load(path)
    found.attrs.pop(PROVENANCE)
    return found


def provenance_of(dataset: xr.Dataset) -> dict[str, Any]:
    """What `save` was told about the origin of `dataset`; empty if nothing."""
    if not isinstance(dataset, xr.Dataset | xr.DataArray):
        raise NoResult(
            f"A result is an xarray.Dataset or DataArray, got {type(dataset).__name__}: give one."
        )
    try:
        return json.loads(dataset.attrs.get(PROVENANCE, "{}"))
    except (TypeError, ValueError) as error:
        raise NoResult(
            f"What the result says of its origin is not JSON ({error}): run the chapter again that "
            "wrote it."
        ) from None
