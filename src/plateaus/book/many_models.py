"""The page of many models: what a collected grid found, claim by model; generated."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from plateaus.book import downloads
from plateaus.book.claims import NOT_TESTABLE
from plateaus.book.scoreboard import badge
from plateaus.figures import grid as draw
from plateaus.figures import style

MARK = "% grid"
"""The line of `book/grid.md` that the table and the figure replace."""
SHARPNESS = "J4 slope_gain"
"""The criterion that the figure shows against parameters and tokens."""

SHORT = {NOT_TESTABLE: "not testable"}
"""What would make a column wide, as the page's own words call it."""
KINDS = {"auto": "true text", "samples": "own samples"}
"""How sources of prompts are called: without a choice they come from what the model was trained to
continue."""


def page(text: str, data: xr.Dataset, folder: Path) -> str:
    """The page's MyST text with the grid at its mark; the figure is written into ``folder``.

    Args:
        data: as `collect.dataset` makes it: ``value``, ``verdict`` over criterion, model, prompts,
            seed.
    """
    own = data.sel(prompts="auto") if "auto" in data.prompts else data.isel(prompts=0)
    own = own.isel(model=np.lexsort([own.tokens, own.parameters, families(own.model.values)]))
    parts = [figure(own, folder), table(shown(own))]
    if data.sizes["prompts"] > 1:
        parts += ["## Prompts of two kinds", by_prompts(data)]
    return text.replace(MARK, "\n\n".join(parts))


def families(models: Iterable[object]) -> list[str]:
    """The first part of each name: models of one language stand side by side."""
    return [str(m).partition("-")[0] for m in models]


def shown(data: xr.Dataset) -> xr.Dataset:
    """Only criteria and models of which there is a verdict."""
    some = data.verdict != ""
    rows, columns = (some.any(set(some.dims) - {dim}) for dim in ("criterion", "model"))
    return data.isel(criterion=rows.values, model=columns.values)


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
    draw.against_size(gain, axes[1], by="tokens", named=False)
    axes[1].set_ylabel("")
    axes[0].legend()
    (folder / "grid.png").write_bytes(style.png(fig))
    downloads.of_page(fig, "grid", sys.modules[__name__], folder / "_static")
    middle = gain.median("seed").dropna("model")
    seeds = data.sizes["seed"]
    bars = f"; bars: range over {seeds} seeds of the prompts" if seeds > 1 else ""
    best, least = (middle.isel(model=int(f(middle.values))) for f in (np.argmax, np.argmin))
    caption = (
        f"Slope after training minus slope at step 0 (J4), median over pairs{bars}. It runs from "
        f"{float(least):.2f} "
        f"({str(least.model.values)}) to {float(best):.2f} ({str(best.model.values)}). "
        "On the left the points have their models' names, without the family."
    )
    if not np.isfinite(data.parameters).all():
        caption += " Models without a record of their training are in the table alone."
    alt = "Two panels of points: gain in slope against parameters and against tokens of training."
    return f"```{{figure}} grid.png\n:name: fig-grid\n:alt: {alt}\n\n{caption}\n```"


def table(data: xr.Dataset) -> str:
    """Criteria down, models across: the median over seeds and the verdicts reached."""
    models = [str(m) for m in data.model.values]
    return _table(
        models,
        {
            str(c): [cell(data.sel(criterion=c, model=m)) for m in data.model.values]
            for c in data.criterion.values
        },
    )


def by_prompts(data: xr.Dataset) -> str:
    """Criteria down, models and sources of prompts across, where there is more than one source:
    what each gave with the same seeds, and how often they agree.
    """
    both = data.isel(model=((data.verdict != "").any(["criterion", "seed"]).sum("prompts") > 1))
    rows, agreed, counted = {}, 0, 0
    for criterion in both.criterion.values:
        cells: list[str] = []
        for model in both.model.values:
            one = both.sel(criterion=criterion, model=model)
            one = one.isel(seed=(one.verdict != "").all("prompts").values)
            cells += [cell(one.sel(prompts=p)) for p in one.prompts.values]
            for seed in one.seed.values:
                reached = {str(v) for v in one.verdict.sel(seed=seed).values}
                if NOT_TESTABLE not in reached:
                    counted += 1
                    agreed += len(reached) == 1
        if any(cells):
            rows[str(criterion)] = cells
    kinds = [KINDS.get(str(p), str(p)) for p in both.prompts.values]
    heads = [f"{model}, {kind}" for model in both.model.values for kind in kinds]
    said = (
        f"Of {counted} verdicts that can be compared, {agreed} are the same with prompts of "
        f"either kind."
    )
    return "\n\n".join([said, _table(heads, rows)])


def _table(heads: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    lines = [":::{table}", ":class: scoreboard", "", f"| criterion | {' | '.join(heads)} |"]
    lines.append("|---" * (len(heads) + 1) + "|")
    for criterion, cells in rows.items():
        id, _, metric = criterion.partition(" ")
        link = f"{{ref}}`{id} <claim-{id.lower()}>`"
        lines.append(f"| {link} {metric.replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join([*lines, ":::"])


def cell(seeds: xr.Dataset) -> str:
    """One criterion on one model: median value, and each verdict with the number of its seeds."""
    reached = Counter(str(v) for v in seeds.verdict.values if str(v))
    if not reached:
        return ""
    middle = float(seeds.value.median())
    number = "" if np.isnan(middle) else f"{digits(middle)} "
    several = len(reached) > 1
    return number + " ".join(
        f"{f'{n} × ' if several else ''}{badge(v, SHORT.get(v))}" for v, n in reached.items()
    )


def digits(value: float) -> str:
    """Two decimals, fewer where they would be the fourth digit and later ones; zero has no
    minus.
    """
    return f"{value:z.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"
