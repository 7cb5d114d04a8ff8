"""Labelled results on disk: an `xarray.Dataset` with where it came from, as netCDF.

A file is written beside its final name and then renamed, so that a full disk or an interrupted
run leaves the earlier result as it was.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import xarray as xr

from plateaus.errors import NoResult, NotSaved

PROVENANCE = "provenance"


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
            f"There is no result at {path}: run the chapter that writes it first, with the same `out`."
        )
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise NoResult(
            f"{path} is not a readable netCDF result ({error}): delete it and run its chapter again."
        ) from error


def provenance_of(dataset: xr.Dataset) -> dict[str, Any]:
    """What `save` was told about the origin of `dataset`; empty if nothing."""
    return json.loads(dataset.attrs.get(PROVENANCE, "{}"))


def write_json(content: Any, path: str | os.PathLike) -> Path:
    """Write `content` as readable JSON, atomically; errors as for `save`."""
    return write_bytes((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode(), path)


def write_bytes(content: bytes, path: str | os.PathLike) -> Path:
    """Write `content` beside `path` and rename it once it is whole; errors as for `save`."""
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"
        )
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except OSError as error:
        raise NotSaved(
            f"{path.name} could not be written to {path.parent} ({error.strerror or error}); nothing saved earlier was "
            "touched. Free some space or give a writable folder as `out`."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return path
