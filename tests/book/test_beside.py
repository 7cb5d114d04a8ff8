"""The page on the public code says what the saved result says, and no more where parts lack."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from plateaus import results
from plateaus.book import beside

PARTS = {"patched": 6.0, "products": 1.0, "Jacobians, mlp": 13.0}


def result() -> xr.Dataset:
    """Two quantities, two faults, two repeats; numbers that are easily added up."""
    seconds = np.array([list(PARTS.values())] * 2)[..., None] * [1, 2]
    ours = np.array([[2.0, 4.0], [2.0, 5.0]])[..., None] * [1, 1]
    data = {
        "numbers": ("row", [10, 2000]),
        "pointwise": ("row", [1e-9, 3e-8]),
        "of_curve_32": ("row", [1e-6, 2e-6]),
        "other_pair": ("row", [0.5, 0.25]),
        "public": ("fault", [2.0, 0.0]),
        "ours": ("fault", [1.0, np.nan]),
        "public_seconds": (("repeat", "part", "by"), seconds),
        "our_seconds": (("repeat", "whole", "by"), ours),
        "bytes": ("repeat", [1e9, 1e9]),
        "directions": (("repeat", "ends"), [[3, 4], [3, 4]]),
        "directions_trained": ("ends", [5, 6]),
    }
    coords = {
        "quantity": ("row", ["rho", "norm"]),
        "function": ("row", ["interpolate", "passage"]),
        "fault": ["|cos|", "dummy"],
        "measured": ("fault", ["a norm", "a count"]),
        "part": list(PARTS),
        "whole": list(beside.WHOLE),
        "by": ["processor", "clock"],
    }
    about = {"model": "some", "steps": 50, "threads": 1, "machine": "m", "points of Jacobians": 2}
    return xr.Dataset(data, coords=coords, attrs=about)


def test_ratios_leave_jacobians_out_on_both_sides():
    found = beside.ratios(result()).sel(by="processor")
    assert found.sel(whole="without Jacobians").values.tolist() == [3.0, 3.0]
    assert found.sel(whole="with all Jacobians").values.tolist() == [5.0, 4.0]
    assert beside.ratios(result()).sel(by="clock", whole="with all Jacobians")[0] == 10.0


def test_the_page_says_the_largest_differences_and_every_fault():
    text = "\n\n".join(beside.sections(result()))
    assert "further than 3.0·10⁻⁸ of itself" in text and "0.25 or more" in text
    assert r"| **\|cos\|**: a norm | 2 | 1 | 1 |" in text
    assert "Of `passage`:\n\n| quantity |" in text
    assert "| norm | 2,000 | 3·10⁻⁸ | 2·10⁻⁶ | 0.2 |" in text
    assert "| **dummy**: a count | 0 |  |  |" in text
    assert "| ours, with all Jacobians | 4.5 | 4 × (4 to 5) |" in text
    assert "3 to 4 here, 5 to 6 on *some*" in text
    untimed = result().drop_vars(["public_seconds", "our_seconds"])
    assert "## Time" not in "\n".join(beside.sections(untimed))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(28.06, 3, "28.1"), (-27.6, 1, "-28"), (-0.37, 1, "-0.4"), (1.03e-15, 3, "1.03·10⁻¹⁵"),
     (0.000203, 3, "2.03·10⁻⁴"), (0.0, 1, "0"), (0.98, 1, "1"), (12345, 2, "1.2·10⁴"),
     (7.6, 3, "7.6"), (0.736, 3, "0.736"), (np.nan, 1, "")],
)  # fmt: skip
def test_a_number_is_written_as_one_writes_it(value, digits, text):
    assert beside.written(xr.DataArray(value), digits) == text


def test_only_columns_of_numbers_end_at_one_place():
    assert "| --- | ---: |" in beside.table(("a", "b"), [("1 or so", "1,000"), ("x", "3·10⁻⁸")])
    assert "---:" not in beside.table(("a", "b"), [("1 or so", "1 of 2")])


def test_a_page_is_filled_or_says_that_nothing_was_run(tmp_path):
    saved, page = tmp_path / "x.nc", tmp_path / "page.md"
    beside.place(saved, page)  # no page, as in a book without it
    page.write_text(f"# A\n\n{beside.MARK}\n")
    beside.place(saved, page)
    assert page.read_text() == "# A\n\nNothing was run.\n"
    page.write_text(f"# A\n\n{beside.MARK}\n")
    results.save(result(), saved)
    beside.place(saved, page)
    assert beside.MARK not in page.read_text() and "## What differs" in page.read_text()
