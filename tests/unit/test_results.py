"""Saved results come back whole with their origin, and a failed save leaves the earlier file
alone.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plateaus import results
from plateaus.errors import NotSaved


@pytest.fixture
def curves() -> xr.Dataset:
    values = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    return xr.Dataset(
        {"rho": (("pair", "alpha"), values, {"units": "1"})}, coords={"alpha": np.linspace(0, 1, 4)}
    )


def test_round_trip_keeps_values_dtypes_attributes_and_origin(
    curves: xr.Dataset, tmp_path: Path
) -> None:
    path = results.save(curves, tmp_path / "deep" / "curves.nc", seed=3, parameters={"steps": 4})
    back = results.load(path)
    xr.testing.assert_identical(back.drop_attrs(), curves.drop_attrs())
    assert back.rho.dtype == np.float32 and back.rho.attrs["units"] == "1"
    assert results.provenance_of(back) == {"seed": 3, "parameters": {"steps": 4}}
    assert curves.attrs == {}, "the caller's dataset is not changed"


def test_array_is_saved_under_its_name(curves: xr.Dataset, tmp_path: Path) -> None:
    assert "rho" in results.load(results.save(curves.rho, tmp_path / "a.nc"))


def test_failed_save_keeps_the_earlier_file_and_no_fragments(
    curves: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = results.save(curves, tmp_path / "curves.nc", seed=1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(NotSaved, match="No space left on device.*nothing saved earlier"):
        results.save(curves * 0, path, seed=2)
    assert [p.name for p in tmp_path.iterdir()] == ["curves.nc"]
    assert results.provenance_of(results.load(path)) == {"seed": 1}


def test_content_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of the calls that a loss of power could come between."""
    done: list[str] = []
    sync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def replaced(source: str, target: Path) -> None:
        done.append("name")
        replace(source, target)

    monkeypatch.setattr("os.fsync", synced)
    monkeypatch.setattr("os.replace", replaced)
    results.write_json({"a": 1}, tmp_path / "meta.json")
    assert done == ["file", "name", "folder"]


def test_killed_writer_leaves_the_earlier_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "meta.json"
    script = (
        "import sys; from plateaus.results import write_json; n = 0\n"
        "while True:\n    n += 1; write_json([n] * 50_000, sys.argv[1])"
    )
    for wait in (0.02, 0.05, 0.11, 0.17, 0.23):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)])
        while not path.exists():
            time.sleep(0.01)
        time.sleep(wait)
        writer.kill()
        writer.wait()
        content = json.loads(path.read_text())
        assert len(content) == 50_000 and len(set(content)) == 1


def test_unwritable_place_is_named(curves: xr.Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotSaved, match="curves.nc could not be written to"):
        results.save(curves, tmp_path / "file" / "curves.nc")


def test_missing_and_damaged_results_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(results.NoResult, match="There is no result"):
        results.load(tmp_path / "none.nc")
    (tmp_path / "bad.nc").write_bytes(b"not netCDF at all")
    with pytest.raises(results.NoResult, match="not a readable netCDF"):
        results.load(tmp_path / "bad.nc")


def test_what_is_kept_belongs_to_its_facts(tmp_path: Path) -> None:
    """The same facts are read back; any other, or half a file, is not taken for the result."""
    made = []

    def make():
        made.append(len(made))
        return xr.Dataset({"x": ("n", [float(len(made))])}, attrs={"a": 1})

    file = tmp_path / "kept.nc"
    first = results.kept(file, make, seed=0, blocks=(1, 2))
    again = results.kept(file, make, seed=0, blocks=[1, 2])
    assert first.identical(again) and made == [0] and "provenance" not in first.attrs
    assert results.kept(file, make, seed=1, blocks=[1, 2]).x.item() == 2
    assert results.kept(None, make, seed=1).x.item() == 3 and len(list(tmp_path.iterdir())) == 1
    results.save(make(), file)  # as an earlier version left it: of unknown origin
    assert results.kept(file, make, seed=1, blocks=[1, 2]).x.item() == 5
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(results.NoResult, match="not a readable netCDF"):
        results.kept(file, make, seed=1, blocks=[1, 2])
