"""The rows of a chapter as a table: what was measured, what was asked, and what it was held to."""

from __future__ import annotations

from collections.abc import Iterable

from plateaus.book.claims import Row, load_claims
from plateaus.book.criteria import Number
from plateaus.book.places import repository

HEAD = ("criterion", "model", "measured", "asked", "controls (asked)", "verdict")


def table(rows: Iterable[Row]) -> str:
    """Markdown: one line for each criterion and model, in the order of the rows."""
    claims = load_claims(repository() / "book" / "claims.yaml")
    lines = [HEAD, ["---"] * len(HEAD)]
    for row in rows:
        rule = claims.criterion(row.id, row.metric)
        bounds = rule.negative | rule.positive
        controls = [f"{k} {shown(number)} ({bounds[k]})" for k, number in row.control.items()]
        about = f"{row.id} `{row.metric}`", row.model, shown(row.effect), str(rule.holds)
        lines.append((*about, "; ".join(controls), row.verdict))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(number: Number) -> str:
    """To two decimals, with its interval where it has one."""
    if number.value is None:
        return "none"
    low, high = number.ci
    alone = f"{number.value:z.2f}"
    return alone if low == high else f"{alone} [{low:z.2f}, {high:z.2f}]"
