"""The part of the page of models that sets prose models at equal tokens beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from plateaus import results
from plateaus.evidence import twins
from plateaus.measures.statistics import Measured

RESULT = "twins.nc"
"""In `book/results/`: what `python -m plateaus.book.twins` saved."""
READINGS = ("stream", "logits", "probabilities")


def section(results_folder: Path) -> list[str]:
    """Markdown lines; none where the result is not there."""
    if not (results_folder / RESULT).is_file():
        return []
    found = results.load(results_folder / RESULT)
    rows = dict.fromkeys(
        (m, t) for one, other, t in twins.there(found).values() for m in (one, other)
    )
    return [
        "## Prose at equal tokens",
        "",
        "Models that ship, or checkpoints that do, on their way through a schedule of 80 million "
        "tokens; and, with the number of their tokens in the name, models that have read the same "
        "tokens in the same order on a schedule of their own, at whose end the learning rate has "
        "fallen, or, where the name says *steady*, never falls. These do not ship: "
        "`python -m plateaus.book.twins WORK book/results/twins.nc --corpus DIRECTORY` makes them "
        "again. Maximum slopes are of the same 500 pairs throughout; each row is one training.",
        "",
        "| model | tokens (M) | schedule (M) | bits per byte | maximum slope: stream | logits "
        "| probabilities |",
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(found, *row))} |" for row in rows),
        "",
    ]


def _cells(found: xr.Dataset, model: str, tokens: float) -> Iterator[str]:
    state = twins.at(found, model, tokens)
    yield model
    yield f"{float(state.tokens) / 1e6:.1f}"
    yield f"{float(state.schedule) / 1e6:g}"
    yield f"{float(state.bits):.3f}"
    yield from (_interval(twins.slope(found, model, tokens, r)) for r in READINGS)


def _interval(number: Measured) -> str:
    low, high = number.ci
    return f"{number.value:.2f} [{low:.2f},\u202f{high:.2f}]"
