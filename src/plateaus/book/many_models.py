"""The page of many models: what a collected grid found, claim by model; generated."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import xarray as xr

from plateaus.book.scoreboard import badge
from plateaus.figures import grid as draw
from plateaus.figures import style

MARK = "% grid"
"""The line of `book/grid.md` that the table and the figure replace."""
SHARPNESS = "J4 slope_gain"
"""The criterion that the figure shows against parameters and tokens."""


def page(text: str, data: xr.Dataset, folder: Path) -> str:
    """The page's MyST text with the grid at its mark; the figure is written into ``folder``.

    Args:
        data: as `collect.dataset` makes it: ``value``, ``verdict`` over criterion, model, seed.
    """
    return text.replace(MARK, "\n\n".join([figure(data, folder), table(data)]))


def place(collected: Path, folder: Path) -> None:
    """Fill the staged page in ``folder`` with the grid that the book ships."""
    path = folder / "grid.md"
    if not path.is_file():
        return
    if not collected.is_file():
        text = path.read_text(encoding="utf-8").replace(MARK, "No grid was collected here.")
        path.write_text(text, encoding="utf-8")
        return
    with xr.open_dataset(collected, engine="h5netcdf") as data:
        path.write_text(page(path.read_text(encoding="utf-8"), data, folder), encoding="utf-8")


def figure(data: xr.Dataset, folder: Path) -> str:
    """Sharpness against parameters and tokens, a numbered figure; nothing if no model has them."""
    if SHARPNESS not in data.criterion or not np.isfinite(data.parameters).any():
        return ""
    gain = data.value.sel(criterion=SHARPNESS)
    fig, axes = style.subplots(1, 2, sharey=True)
    draw.against_size(gain, axes[0], by="parameters")
    draw.against_size(gain, axes[1], by="tokens")
    (folder / "grid.png").write_bytes(style.png(fig))
    middle = gain.median("seed").dropna("model")
    best, least = (middle.isel(model=int(f(middle))) for f in (np.argmax, np.argmin))
    caption = (
        f"Slope after training minus slope at step 0 (J4), median over pairs; bars: range over "
        f"{data.sizes['seed']} seeds of the prompts. It runs from {float(least):.2f} "
        f"({str(least.model.values)}) to {float(best):.2f} ({str(best.model.values)})."
    )
    alt = "Two panels of points: gain in slope against parameters and against tokens of training."
    return f"```{{figure}} grid.png\n:name: fig-grid\n:alt: {alt}\n\n{caption}\n```"


def table(data: xr.Dataset) -> str:
    """Criteria down, models across: the median over seeds and the verdicts reached."""
    models = [str(m) for m in data.model.values]
    lines = [":::{table}", ":class: scoreboard", "", f"| | {' | '.join(models)} |"]
    lines.append("|---" * (len(models) + 1) + "|")
    for criterion in data.criterion.values:
        cells = [cell(data.sel(criterion=criterion, model=m)) for m in data.model.values]
        id, _, metric = str(criterion).partition(" ")
        link = f"[{id}](claims.md#claim-{id.lower()})"
        lines.append(f"| {link} {metric.replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join([*lines, ":::"])


def cell(seeds: xr.Dataset) -> str:
    """One criterion on one model: median value, and each verdict with the number of its seeds."""
    reached = Counter(str(v) for v in seeds.verdict.values if str(v))
    if not reached:
        return ""
    middle = float(seeds.value.median())
    number = "" if np.isnan(middle) else f"{middle:.2f} "
    several = len(reached) > 1
    return number + " ".join(
        f"{f'{n} × ' if several else ''}{badge(v)}" for v, n in reached.items()
    )
