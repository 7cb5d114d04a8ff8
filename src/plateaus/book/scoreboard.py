"""The scoreboard page: every claim with its rule, what was measured, and what follows;
generated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from plateaus.book.claims import (
    FAILS,
    HOLDS,
    MIXED,
    NOT_TESTABLE,
    PARTLY,
    UNTESTED,
    Claim,
    Claims,
    Criterion,
)
from plateaus.errors import PlateauError

MARK = "% scoreboard"
"""The line of `book/claims.md` that the scoreboard replaces."""

GROUPS = {
    "J": "Stable regions in language models",
    "S": "Where and how plateaus emerge",
    "H": "Sensitive directions",
    "G": "Synthetic activations",
    "N": "Residual networks and geometry",
}
STATES = (HOLDS, FAILS, MIXED, NOT_TESTABLE, PARTLY, UNTESTED)


class NoMark(PlateauError):
    """The page has no line, or several, where the scoreboard belongs."""


def page(
    text: str, claims: Claims, rows: Iterable[Mapping[str, Any]], known: Iterable[str] = ()
) -> str:
    """The page's MyST text with the scoreboard at its mark.

    `rows` are merged claim rows; `known` the chapters that exist and can be linked to.
    """
    if text.splitlines().count(MARK) != 1:
        raise NoMark(f"The scoreboard's page must have the line {MARK!r} exactly once.")
    return text.replace(MARK, scoreboard(claims, list(rows), set(known)))


def scoreboard(claims: Claims, rows: list[Mapping[str, Any]], known: set[str]) -> str:
    """Summary, overview of all claims, and one card for each."""
    states = {id: claims.state(id, rows) for id in claims.by_id}
    parts = [summary(states), overview(claims, states)]
    for letter, title in GROUPS.items():
        parts.append(f"## {title}")
        parts += [
            card(c, states[c.id], rows, known)
            for c in claims.by_id.values()
            if c.id.startswith(letter)
        ]
    return "\n\n".join(parts) + "\n"


def summary(states: Mapping[str, str]) -> str:
    """How many claims are in which state."""
    counts = Counter(states.values())
    listed = " · ".join(f"{counts[s]} {badge(s)}" for s in STATES if counts[s])
    return f"Of {len(states)} claims: {listed}."


def overview(claims: Claims, states: Mapping[str, str]) -> str:
    """All claims in one table."""
    lines = [":::{table}", ":class: scoreboard", "", "| | claim | |", "|---|---|---|"]
    lines += [
        f"| [{c.id}](#{anchor(c)}) | {c.claim} | {badge(states[c.id])} |"
        for c in claims.by_id.values()
    ]
    return "\n".join([*lines, ":::"])


def card(claim: Claim, state: str, rows: list[Mapping[str, Any]], known: set[str]) -> str:
    """One claim: its source and chapter, and for each criterion the rule and what was measured."""
    where = (
        f"{{doc}}`/chapters/{claim.chapter}`"
        if claim.chapter in known
        else f"a later chapter, `{claim.chapter}`"
    )
    lines = [
        f"({anchor(claim)})=",
        f":::{{admonition}} {claim.id} · {state}",
        f":class: claim claim-{slug(state)}",
        "",
        f"{claim.claim} Claimed in {{cite:t}}`{claim.source}`; tested in {where}.",
        "",
    ]
    for criterion in claim.criteria.values():
        lines += [f"- **{words(criterion.name)}** {rule(criterion)}"]
        own = [r for r in rows if r["id"] == claim.id and r["metric"] == criterion.name]
        lines += [f"  - {measured(r, criterion)}" for r in own] or ["  - no result yet"]
    return "\n".join([*lines, ":::"])


def rule(criterion: Criterion) -> str:
    """The criterion in a sentence or two."""
    controls = [
        f"{kind} control, {name}: {bound}"
        for kind, bounds in (("negative", criterion.negative), ("positive", criterion.positive))
        for name, bound in bounds.items()
    ]
    asked = "; ".join(
        [
            f"Holds if {criterion.holds} over at least {criterion.at_least} {criterion.unit}",
            *controls,
        ]
    )
    return f"{criterion.measures} *{asked}.*"


def measured(row: Mapping[str, Any], criterion: Criterion) -> str:
    """One row: numbers, controls, verdict, reason."""
    if row["value"] is None:
        numbers = "no value"
    else:
        interval = (
            ""
            if row["ci_low"] == row["ci_high"]
            else f" [{row['ci_low']:.3g}, {row['ci_high']:.3g}]"
        )
        numbers = f"**{row['value']:.3g}**{interval} over {row['n']} {criterion.unit}"
    controls = "".join(
        f"; {k}: {'none' if v is None else format(v, '.3g')}" for k, v in row["control"].items()
    )
    return f"`{row['model']}`: {numbers}{controls} {badge(row['verdict'])} ({row['reason']})"


def badge(state: str) -> str:
    return f"[{state}]{{.verdict .verdict-{slug(state)}}}"


def anchor(claim: Claim) -> str:
    return f"claim-{claim.id.lower()}"


def slug(state: str) -> str:
    return state.replace(" ", "-")


def words(name: str) -> str:
    return name.replace("_", " ").capitalize() + "."
