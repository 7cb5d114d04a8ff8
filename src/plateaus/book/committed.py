"""The claims of the committed chapters, `book/claims/<chapter>.json`: read, written, compared.

They are written when a chapter is executed in place, and every test run of a chapter must find
them again. So a verdict cannot change without a change of the file, nor a rule without its rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plateaus.errors import BadClaim
from plateaus.results import write_json

DIGITS = 6
"""Significant digits that are kept."""
TOLERANCE = 0.02
"""Of a number, or of the width of its interval: what another processor may change."""
AGAIN = "execute it with `make notebooks`, look at what changed, and commit both"

Rows = list[dict[str, Any]]


def read(folder: Path) -> Rows:
    """All rows in folders `claims` below `folder`, whichever model they are of."""
    files = sorted(folder.rglob("claims/*.json"))
    return [row for file in files for row in json.loads(file.read_text(encoding="utf-8"))]


def write(rows: Iterable[Mapping[str, Any]], file: Path) -> None:
    """Keep the rows of one chapter, rounded."""
    write_json([rounded(row) for row in rows], file)


def compare(rows: Rows, file: Path) -> None:
    """Raise `BadClaim` if the rows of a chapter are not those in `file`, up to `TOLERANCE`."""
    if not file.is_file():
        raise BadClaim(f"There are no committed claims of {file.stem}: {AGAIN}.")
    kept = {_key(row): row for row in json.loads(file.read_text(encoding="utf-8"))}
    found = {_key(row): row for row in rows}
    if odd := set(kept) ^ set(found):
        raise BadClaim(f"{' '.join(min(odd))} is only in {_where(min(odd), kept)}: {AGAIN}.")
    for key, row in found.items():
        for field, new, old in _pairs(row, kept[key]):
            if not _same(new, old, row):
                raise BadClaim(
                    f"{' '.join(key)}: {field} is {new} and was committed as {old}; the chapter or "
                    f"a rule has changed: {AGAIN}."
                )


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["id"], row["metric"], row["model"]


def _where(key: tuple[str, str, str], kept: Mapping[tuple[str, str, str], Any]) -> str:
    return "the committed file" if key in kept else "this run"


def _pairs(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    """Every field of two rows side by side, those of the controls too."""
    for field in {**new, **old}:
        if field != "control":
            yield field, new.get(field), old.get(field)
    for name in {**new["control"], **old["control"]}:
        a, b = new["control"].get(name, {}), old["control"].get(name, {})
        yield from ((f"{name}, {part}", a.get(part), b.get(part)) for part in {**a, **b})


def _same(new: Any, old: Any, row: Mapping[str, Any]) -> bool:
    if not isinstance(new, float) or not isinstance(old, float):
        return new == old
    width = 0.0 if row["value"] is None else row["ci_high"] - row["ci_low"]
    return math.isclose(new, old, rel_tol=TOLERANCE, abs_tol=max(TOLERANCE * width, 1e-9))


def rounded(content: Any) -> Any:
    """As it is kept: numbers to ``DIGITS``."""
    if isinstance(content, Mapping):
        return {name: rounded(part) for name, part in content.items()}
    return float(f"{content:.{DIGITS}g}") if isinstance(content, float) else content
