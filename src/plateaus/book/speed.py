"""The page of speed: what the benchmark measured, on which machine, and what each row waits for;
generated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARK = "% speed"
"""The line of `book/speed.md` that the tables replace."""
NAMES = {
    "interpolation_vs_batched_hooks": "interpolation, one pair; plain: hooks, points in a batch",
    "interpolation_vs_pointwise_hooks": "interpolation, one pair; plain: hooks, point by point",
    "directional_speed": "speed along a path; plain: dense Jacobians of all blocks",
    "slice_2d": "a plane through three activations; plain: hooks, points in a batch",
    "exponent_field": "exponents on a plane; plain: dense Jacobians of all blocks",
    "mlp_jacobian_one_path": "norm of an MLP's Jacobian, one path; plain: dense Jacobians",
    "mlp_jacobian_per_point_shared": "the same, many paths through one layer",
    "plateau_on_a_grid": "plateaus of one point on a grid; plain: node by node",
    "exact_slice": "an exact slice",
    "whole_exponent_field": "exponents, heights and merge heights on a plane",
    "whole_chapter": "a whole chapter, as papermill runs it",
}
OF_GROWTH = {
    "steps": "points on a path",
    "pairs": "pairs",
    "blocks": "depth in blocks",
    "width": "width",
    "tokens": "length of the prompts in tokens",
}


def place(saved: Path, page: Path) -> None:
    """Fill the staged page with the figures that the book ships."""
    if not page.is_file():
        return
    text = page.read_text(encoding="utf-8")
    figures = json.loads(saved.read_text(encoding="utf-8")) if saved.is_file() else None
    told = "\n\n".join(sections(figures)) if figures else "Nothing was measured here."
    page.write_text(text.replace(MARK, told), encoding="utf-8")


def sections(figures: dict[str, Any]) -> Iterator[str]:
    """Each part of the page whose figures are there."""
    yield machine(figures)
    for name, row in figures.get("models", {}).items():
        yield f"## {titled(name)}"
        yield model(row)
    for section, title, write in (
        ("wholes", "Plateaus, exact slices, chapters", wholes),
        ("training", "Training", training),
        ("growth", "How time grows", growth),
        ("memory", "Memory", memory),
    ):
        if section in figures:
            yield f"## {title}"
            yield write(figures[section])


def titled(name: str) -> str:
    """A model as a heading: shapes by the name that people know, models as the book writes them."""
    known = name.replace("gpt2-large-shape", "GPT-2 large's shape")
    return known if known.startswith("GPT") else f"The model {known}"


def machine(figures: dict[str, Any]) -> str:
    """Where it was measured."""
    about = dict(figures["machine"])
    gib = about.pop("memory [GiB]")
    kind = ", ".join(str(about[k]) for k in ("processor", "system", "accelerator") if k in about)
    return (
        f"Measured on {kind}: {about['processors']} processors, {gib} GiB of memory, "
        f"{figures['threads']} threads, PyTorch {figures['versions']['torch']}."
    )


def model(row: dict[str, Any]) -> str:
    """The rows of one language model, and the share of the machine's peak that it reaches."""
    ways = next(w for name, w in row["ways"].items() if "pairs" in name)
    several = next(name for name in row["ways"] if "pairs" in name)
    slow = next(w for name, w in ways.items() if name.startswith("plain"))
    ours = next(w for name, w in ways.items() if name.startswith("ours"))
    lines = [line(f"interpolation, {several}; plain: hooks", ours, slow["times ours"])]
    single = next(w for name, w in row["ways"].items() if name.startswith("one pair"))
    anew = next(w for name, w in single.items() if name.endswith("anew"))
    for name, of in row["ratios"].items():
        if name != "fraction_of_peak":
            own = anew if name.startswith("interpolation") else of
            lines.append(line(NAMES[name], own, of["times ours"]))
    device = {"cpu": "the processor", "cuda": "the accelerator"}.get(row["device"], row["device"])
    return "\n".join([
        f"Prompts of {row['tokens']} tokens, {row['points']} points on a path, "
        f"{row['blocks after the patch']} blocks after the patch, on {device}.", "",
        *filled([*head(), *lines]), "",
        f"With {row['points at once']} points at once the blocks reach "
        f"{row['ratios']['fraction_of_peak']:.0%} of the float32 matrix-product peak that was "
        f"measured beside them, {row['matrix-product peak [GFLOP/s]']:.0f} GFLOP/s.",
    ])  # fmt: skip


def wholes(rows: dict[str, Any]) -> str:
    """What is no interpolation."""
    lines = [
        line(f"{NAMES[name]}: {Path(row['size']).name}", row, row.get("times ours"))
        for name, row in rows.items()
    ]
    return "\n".join(filled([*head("processor seconds"), *lines]))


def head(unit: str = "seconds") -> list[str]:
    return [f"| what | {unit} | plain way takes | waits for |", "|---|---:|---:|---|"]


def filled(lines: list[str]) -> list[str]:
    """A table without its last column where no row has anything in it."""
    if any(not line.endswith("|  |") for line in lines[2:]):
        return lines
    return [line[: line.rindex("|", 0, -1) + 1] for line in lines]


def line(what: str, row: dict[str, Any], times: float | None) -> str:
    """One row: seconds, how many times as long the plain way takes, and the largest share."""
    slower = "" if times is None else f"{times:,.1f}\u202f×"
    waits = ""
    if "shares" in row:
        name = max(row["shares"], key=lambda name: row["shares"][name])
        waits = f"{name} ({row['shares'][name]:.0%})"
    return f"| {what} | {row['seconds']:.3g} | {slower} | {waits} |"


def training(row: dict[str, Any]) -> str:
    """What the recipe reaches."""
    ours, plain = row["tokens_per_second"], row["plain_tokens_per_second"]
    return (
        f"The recipe of prose-12l trains {ours:,.0f} tokens a second, {row['fraction']:.0%} of the "
        f"bfloat16 matrix-product peak of {row['peak'] / 1e9:,.0f} GFLOP/s; the same model as the "
        f"library runs it, uncompiled and moved by AdamW, {plain:,.0f}: the recipe is "
        f"{ours / plain:.1f} times as fast. A step of the latter spends "
        f"{row['plain_shares']['arithmetic']:.0%} of its time on products of matrices, "
        f"{row['plain_shares']['memory']:.0%} on passes over memory and "
        f"{row['plain_shares']['Python']:.0%} between kernels."
    )


def growth(rows: dict[str, Any]) -> str:
    """Exponents, one thing changed at a time."""
    lines = ["| what grows | from | to | exponent | at the end |", "|---|---:|---:|---:|---:|"]
    for name, row in rows.items():
        low, high = row["values"][0], row["values"][-1]
        lines.append(
            f"| {OF_GROWTH[name]} | {low:,} | {high:,} | {row['exponent']:.2f} | "
            f"{row['exponent at the end']:.2f} |"
        )
    return "\n".join(lines)


def memory(row: dict[str, Any]) -> str:
    """Peaks, each of a process of its own."""
    told = list(zip(row["pairs"], row["bytes"], strict=True))
    each = ", ".join(f"{size / 2**20:,.0f} MiB for {n:,} pairs" for n, size in told)
    shape = row["shape"]
    return (
        f"Curves of many pairs, of which four scalars for each read-out stay, on "
        f"{shape['blocks']} blocks of width {shape['width']}: at most {each}. From the fewest to "
        f"the most the peak changes by {row['growth']:+.1%}."
    )
