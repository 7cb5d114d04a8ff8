"""Verdicts that are not what they first were, for the page of the claims.

`book/verdicts-first.json` keeps of every row the verdict and the numbers with which it was first
committed. A row that is new is added by `python -m plateaus.book.verdicts`; of a verdict that
turned the reason is that of its changed rule, or stands beside it under `because`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plateaus.book import committed
from plateaus.book.claims import Claims
from plateaus.book.places import repository
from plateaus.book.scoreboard import shown
from plateaus.errors import BadClaim, BadParameter, answered

FIRST = "verdicts-first.json"
"""In `book/`: a list of `id`, `metric`, `model`, the number, its `verdict`, perhaps `because`."""
FIELDS = ("id", "metric", "model", "verdict", "value", "ci_low", "ci_high", "n")
ADD = "python -m plateaus.book.verdicts"

Row = Mapping[str, Any]


def turned(book: Path, claims: Claims) -> list[str]:
    """One entry for each row of another verdict than its first, and for each that is gone.

    Raises `BadClaim` for a row that has no first verdict, and for one that turned without a reason.
    """
    first, now = _by_key(read(book)), _by_key(committed.read(book))
    if unknown := sorted(set(now) - set(first)):
        raise BadClaim(f"{' '.join(unknown[0])} is not in {FIRST}: add it with `{ADD}`.")
    return [
        _entry(old, now.get(key), _reason(old, claims))
        for key, old in first.items()
        if key not in now or now[key]["verdict"] != old["verdict"]
    ]


def read(book: Path) -> list[dict[str, Any]]:
    return json.loads((book / FIRST).read_text(encoding="utf-8"))


def add(book: Path) -> int:
    """Keep the verdicts of rows that are new; returns how many are."""
    first = read(book)
    known = _by_key(first)
    new = [row for key, row in _by_key(committed.read(book)).items() if key not in known]
    rows = [*first, *({name: row[name] for name in FIELDS} for row in new)]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (book / FIRST).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return len(new)


def _by_key(rows: Iterable[Row]) -> dict[tuple[str, str, str], Row]:
    """A row is a criterion on a model, whichever chapter has it."""
    return {(row["id"], row["metric"], row["model"]): row for row in rows}


def _reason(old: Row, claims: Claims) -> str:
    claim = claims.by_id.get(old["id"])
    reason = old.get("because") or (claim and claim.changed.get(old["metric"]))
    if not reason:
        raise BadClaim(
            f"The verdict of {old['id']} {old['metric']} on {old['model']} is not its first one: "
            f"say why under `because` in {FIRST}."
        )
    return reason


def _entry(old: Row, new: Row | None, reason: str) -> str:
    became = "is measured no more" if new is None else f"became *{new['verdict']}* ({shown(new)})"
    what = f"[{old['id']}](#claim-{old['id'].lower()}) {old['metric'].replace('_', ' ')}"
    was = f"{what}, `{old['model']}`: *{old['verdict']}* ({shown(old)})"
    return f"{was} {became}. {reason[0].upper()}{reason[1:]}"


def main(given: list[str]) -> None:
    if given:
        raise BadParameter(f"`{ADD}` takes nothing, got {given[0]!r:.80}: leave it out.")
    print(f"{add(repository() / 'book')} rows added to {FIRST}")


if __name__ == "__main__":
    sys.exit(answered(lambda: main(sys.argv[1:])))
