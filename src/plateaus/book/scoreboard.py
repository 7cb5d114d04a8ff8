"""The scoreboard page: every claim with its rule, what was measured, and what follows;
generated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plateaus.book.claims import (
    FAILS,
    HOLDS,
    MIXED,
    NOT_TESTABLE,
    PARTLY,
    THEOREM,
    UNTESTED,
    Claim,
    Claims,
    Criterion,
    Number,
)
from plateaus.book.numbers import alike

MARK = "% scoreboard"
"""The line of `book/claims.md` that the scoreboard replaces."""

GROUPS = {
    "J": "Stable regions in language models",
    "S": "Where and how plateaus emerge",
    "H": "Sensitive directions",
    "G": "Synthetic activations",
    "N": "Residual networks and geometry",
    "P": "Questions of this book",
}
OURS = "ours"
"""Source of a claim that no other work makes."""
STATES = (HOLDS, FAILS, MIXED, NOT_TESTABLE, PARTLY, UNTESTED)
"""Of findings; theorems are counted apart."""
SIGNS = dict(zip((*STATES, THEOREM), "✓✗≈–◐·∎", strict=True))
"""A state as one sign, so that colour is not needed to tell them apart."""
ROWS = {
    HOLDS: "hold",
    FAILS: "do not hold",
    MIXED: "mixed",
    NOT_TESTABLE: "not testable",
}
"""Verdicts of rows, in the words of a count."""
BY_CONTROL = ", but the control"
"""In the reason of a row that its interval alone would let hold."""
SPACE = "\u00a0"


COUNT_MARK = "% findings"
"""The line of `book/introduction.md` that the count of verdicts replaces."""


def count(claims: Claims, rows: list[Mapping[str, Any]]) -> str:
    """How many claims are in which state, for the introduction."""
    states = {id: claims.state(id, rows) for id in claims.by_id}
    return f"{summary(states)} {of_rows(states, rows)}"


Rows = Mapping[tuple[str, str, str], Mapping[str, Any]]
"""By id, criterion and model."""


def scoreboard(
    claims: Claims, rows: list[Mapping[str, Any]], known: set[str], own_text: Rows | None = None
) -> str:
    """All verdicts in one strip, their count, and a folded card for each claim; `own_text` has the
    rows of the same criteria and models on the models' own text, which decide nothing.
    """
    states = {id: claims.state(id, rows) for id in claims.by_id}
    parts = [strip(claims, states, rows), f"{summary(states)} {of_rows(states, rows)}"]
    for letter, title in GROUPS.items():
        parts.append(f"## {title}")
        parts += [
            card(c, states[c.id], rows, known, own_text or {})
            for c in claims.by_id.values()
            if c.id.startswith(letter)
        ]
    return "\n\n".join(parts) + "\n"


def strip(claims: Claims, states: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A line of marks for each group, and how many of its rows hold; a mark's shape and colour are
    its verdict, and it leads to its card.
    """
    lines = []
    for letter, title in GROUPS.items():
        marks = [
            f"[{c.id}{SPACE}{SIGNS[states[c.id]]}](#{anchor(c)})"
            f"{{.verdict .verdict-{slug(states[c.id])}}}"
            for c in claims.by_id.values()
            if c.id.startswith(letter)
        ]
        told = tally(row for row in rows if row["id"].startswith(letter))
        lines.append(f"{title}\n: {' '.join(marks)}\n\n  Rows: {told}")
    seen = {*states.values()}
    legend = ", ".join(f"{sign} {state}" for state, sign in SIGNS.items() if state in seen)
    return "\n".join(["::::{div} strip", "\n\n".join(lines), "", legend, "::::"])


def summary(states: Mapping[str, str]) -> str:
    """How many claims are in which state; theorems apart."""
    counts = Counter(states.values())
    listed = " · ".join(f"{counts[s]}{SPACE}{badge(s)}" for s in STATES if counts[s])
    proved = [id for id, state in states.items() if state == THEOREM]
    apart = f" Not counted is what is proved, and run only to test the code: {badge(THEOREM)}"
    return f"Of {len(states) - len(proved)} claims: {listed}." + (
        f"{apart} {', '.join(proved)}." if proved else ""
    )


def tally(rows: Iterable[Mapping[str, Any]]) -> str:
    """How many rows have which verdict."""
    counts = Counter(row["verdict"] for row in rows)
    return ", ".join(f"{ROWS[s]} {counts[s]}" for s in ROWS if counts[s]) or "none yet"


def of_rows(states: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """What stands behind the marks, and how many of the mixed ones are mixed because some rows
    hold and others do not.
    """
    found: dict[str, set[str]] = {id: set() for id, state in states.items() if state == MIXED}
    for row in rows:
        if row["id"] in found:
            found[row["id"]].add(row["verdict"])
    split = sum({HOLDS, FAILS} <= verdicts for verdicts in found.values())
    mixed = [row.get("reason", "") for row in rows if row["verdict"] == MIXED]
    shared = sum(BY_CONTROL in reason for reason in mixed)
    return (
        f"Behind them stand {len(rows)} rows, one for each criterion and model: {tally(rows)}. Of "
        f"the {len(found)} mixed claims, {split} have rows that hold beside rows that do not; of "
        f"the {len(mixed)} mixed rows, {shared} would hold but for a control that shows too much "
        "of the same, and in the others the interval lies on both sides of the threshold. Rows of "
        "one model or one claim are not independent, so their count is no test."
    )


def card(
    claim: Claim, state: str, rows: list[Mapping[str, Any]], known: set[str], own_text: Rows
) -> str:
    """One claim and its state; folded below it source, chapter, and for each criterion the rule and
    what was measured.
    """
    where = (
        f"{{doc}}`/chapters/{claim.chapter}`"
        if claim.chapter in known
        else f"a later chapter, `{claim.chapter}`"
    )
    ours = claim.source == OURS
    source = "Asked by this book" if ours else f"Claimed in {{cite:t}}`{claim.source}`"
    lines = [
        f":::{{dropdown}} {claim.id} {badge(state)} {claim.claim}",
        f":name: {anchor(claim)}",
        f":class-container: claim claim-{slug(state)}",
        "",
        f"{source}; tested in {where}.",
        "",
        *([f"*As published:* {claim.published}", ""] if claim.published else []),
        *(
            [f"Mixed: of its rows {tally(r for r in rows if r['id'] == claim.id)}.", ""]
            if state == MIXED
            else []
        ),
    ]
    for criterion in claim.criteria.values():
        lines += [f"- **{words(criterion.name)}** {rule(criterion)}"]
        own = [r for r in rows if r["id"] == claim.id and r["metric"] == criterion.name]
        lines += [] if own else ["  - no result yet"]
        for r in own:
            lines.append(f"  - {measured(r, criterion, claim)}")
            if other := own_text.get((r["id"], r["metric"], r["model"])):
                there = f"{numbers(other, criterion)} {badge(other['verdict'])}"
                lines.append(f"    - on its own text: {there} ({other['reason']})")
    return "\n".join([*lines, ":::"])


def rule(criterion: Criterion) -> str:
    """The criterion in a sentence or two."""
    return f"{criterion.measures} *Holds if {criterion.asked}.*"


def measured(row: Mapping[str, Any], criterion: Criterion, claim: Claim) -> str:
    """One row: numbers, controls, verdict, reason, and whether its model was trained again."""
    checked = claim.kind == THEOREM and row["verdict"] == HOLDS
    verdict = f"[as proved]{{.verdict .verdict-{THEOREM}}}" if checked else badge(row["verdict"])
    text = f"`{row['model']}`: {numbers(row, criterion)} {verdict} ({row['reason']})"
    if row["model"] in claim.retrained:
        text += " *This model was trained again [after the rule's first run](#trained-again).*"
    return text


def numbers(row: Mapping[str, Any], criterion: Criterion) -> str:
    """What was measured, and the controls."""
    controls = "".join(f"; {name}: {shown(x)}" for name, x in row["control"].items())
    return f"{shown(row, bold=True)} over {row['n']} {criterion.unit}{controls}"


def shown(saved: Mapping[str, Any], *, bold: bool = False) -> str:
    """A number with its interval, if it has one."""
    number = Number.from_json(saved)
    if number.value is None:
        return "no value" if bold else "none"
    value, low, high = alike(number.value, *number.ci)
    value = f"**{value}**" if bold else value
    return value if number.ci[0] == number.ci[1] else f"{value} [{low}, {high}]"


def badge(state: str, called: str | None = None) -> str:
    return f"[{called or state}]{{.verdict .verdict-{slug(state)}}}"


def anchor(claim: Claim) -> str:
    return f"claim-{claim.id.lower()}"


def slug(state: str) -> str:
    return state.replace(" ", "-")


def words(name: str) -> str:
    return name.replace("_", " ").capitalize() + "."
