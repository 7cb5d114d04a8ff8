"""The page on the public code that this book was run beside: same numbers, faults, time; generated
from the saved result of ``python -m plateaus.bench.published_code``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from plateaus import results

MARK = "% published code"
"""The line of `book/published-code.md` that the tables replace."""
WHOLE = ("without Jacobians", "with all Jacobians")
"""The two extents of a pipeline that are timed."""
NUMBER = re.compile(r"[-\d.,·⁰¹²³⁴⁵⁶⁷⁸⁹⁻< ]*")
"""Cells of a column that has numbers only."""
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
OF_JACOBIANS = ("Jacobians", "products")
"""How the names of its parts begin that the first leaves out."""


def place(saved: Path, page: Path) -> None:
    """Fill the staged page with the result that the book ships."""
    if not page.is_file():
        return
    text = page.read_text(encoding="utf-8")
    told = "\n\n".join(sections(results.load(saved))) if saved.is_file() else "Nothing was run."
    page.write_text(text.replace(MARK, told), encoding="utf-8")


def sections(data: xr.Dataset) -> Iterator[str]:
    """Each part of the page that the result has."""
    yield "## The same numbers"
    yield (
        f"On *{data.model}*, with {data.steps} points on the path of each of the two published "
        f"pairs, no number of ours is further than {written(data.pointwise.max(), 2)} of itself "
        f"from theirs in float64, and none further than {written(data.of_curve_32.max(), 2)} of "
        "the largest number of its curve in float32. The last column is the control: the same "
        f"difference where theirs is the curve of the other pair, "
        f"{written(data.other_pair.min(), 2)} or more."
    )
    for function in dict.fromkeys(data.function.values.tolist()):
        yield f"Of `{function}`:"
        yield agreement(data.isel(row=(data.function == function).values))
    yield "## What differs, and by how much"
    yield faults(data)
    if "public_seconds" in data:
        yield "## Time"
        yield time(data)


def agreement(data: xr.Dataset) -> str:
    """A row for each quantity."""
    head = ("quantity", "numbers", "float64", "float32", "other pair")
    rows = [
        (
            _name(row.quantity),
            f"{int(row.numbers):,}",
            *(written(row[k], 1) for k in ("pointwise", "of_curve_32", "other_pair")),
        )
        for row in (data.isel(row=i) for i in range(data.sizes["row"]))
    ]
    return table(head, rows)


def faults(data: xr.Dataset) -> str:
    """A row for each, with the two numbers that show it."""
    rows = [
        (
            f"**{one.fault.values}**: {one.measured.values}",
            *(written(x, 3 if abs(x) > 1e-3 else 1) for x in (one.public, one.ours)),
            written(one.public - one.ours, 1),
        )
        for one in (data[["public", "ours"]].isel(fault=i) for i in range(data.sizes["fault"]))
    ]
    return table(
        ("in the public code: what was measured", "public code", "ours", "difference"), rows
    )


def time(data: xr.Dataset) -> str:
    """Seconds of the processor of each part, medians over repeats, and the ratios."""
    seconds = data[["public_seconds", "our_seconds"]].sel(by="processor").median("repeat")
    times = ratios(data).sel(by="processor")
    rows = [
        (f"public code, {_name(one.part)}", _seconds(one), "") for one in seconds.public_seconds
    ]
    for whole in WHOLE:
        of = times.sel(whole=whole)
        said = f"{float(of.median()):.0f} × ({float(of.min()):.0f} to {float(of.max()):.0f})"
        rows.append((f"ours, {whole}", _seconds(seconds.our_seconds.sel(whole=whole)), said))
    threads = f"{data.threads} thread{'s' if data.threads > 1 else ''}"
    where = (
        f"One pair on random weights in the shape of GPT-2 small, {data.steps} points, float32: "
        "every block patched, with nothing, attention or MLPs frozen, splines, and the Jacobians "
        "of attention, MLP, block and chain. Plots and files are left out; the public code would "
        f"write {float(data.bytes.median()) / 1e9:.1f} GB. Seconds of the processor with {threads},"
        f" median of {data.sizes['repeat']} runs in turn with ours, on {data.machine}. The public "
        f"code took its Jacobians at {data.attrs['points of Jacobians']} of the points and patched "
        "the first and the last block; its time is counted up to all of them. The last column says "
        "how many times ours it takes."
    )
    if "directions" in data:
        here, trained = (
            "{} to {}".format(*data[name].values.reshape(-1, 2)[0].tolist())
            for name in ("directions", "directions_trained")
        )
        where += (
            f" What our Jacobians of an MLP cost grows with the number of directions that its "
            f"slopes span along the path: {here} here, {trained} on *{data.model}*, which is "
            "trained."
        )
    return f"{where}\n\n{table(('what', 'seconds', 'public code takes'), rows)}"


def ratios(data: xr.Dataset) -> xr.DataArray:
    """How many times ours the public code takes, dims ``repeat, whole, by``; both leave Jacobians
    out, or neither does.
    """
    of_jacobians = [str(name).startswith(OF_JACOBIANS) for name in data.part.values]
    every = data.public_seconds.sum("part")
    without = every - data.public_seconds.isel(part=of_jacobians).sum("part")
    both = xr.concat([without, every], dim=xr.DataArray(list(WHOLE), dims="whole", name="whole"))
    return both / data.our_seconds


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """In Markdown; columns of numbers end at one place."""
    columns = list(zip(*rows, strict=True))
    sides = tuple("---:" if all(map(NUMBER.fullmatch, column)) else "---" for column in columns)
    rows = [tuple(cell.replace("|", r"\|") for cell in row) for row in rows]
    lines = [head, sides, *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def written(value: xr.DataArray, digits: int) -> str:
    """A number as one writes it, with so many digits; nothing where there is none."""
    if np.isnan(value):
        return ""
    if value == 0:
        return "0"
    digit, power = f"{float(value):.{digits - 1}e}".split("e")
    if not -4 < int(power) < 4:
        return f"{digit}·10{str(int(power)).translate(RAISED)}"
    plain = f"{float(value):.{max(digits - 1 - int(power), 0)}f}"
    return f"{float(plain):,.15g}" if abs(float(value)) >= 1 else plain


def _name(value: xr.DataArray) -> str:
    return str(value.values).replace("mlp", "MLP")


def _seconds(value: xr.DataArray) -> str:
    return f"{float(value):,.1f}" if value >= 0.05 else "< 0.1"
