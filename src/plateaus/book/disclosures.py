"""What a reader of verdicts must know beside them; generated for the page of the claims.

Rules that were changed after numbers were seen, verdicts that are not what they first were, numbers
that were seen before a rule, models that were trained again in between, and sentences that this
book no longer says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from plateaus.book import verdicts
from plateaus.book.claims import Claims, Criterion, load_claims
from plateaus.errors import BadClaim

MARK = "% disclosures"
"""The line of `book/claims.md` that these sections replace."""
FIRST = "claims-first.yaml"
"""In `book/`: the rules as they were first written. New claims are added to it, nothing else."""
WITHDRAWN = "withdrawn.yaml"
"""In `book/`: a list of `chapter`, `sentence` and `because`."""


def disclosures(book: Path) -> str:
    """The sections in MyST, from the rules and lists in the folder `book`.

    Raises `BadClaim` for a rule or a verdict that was changed without a reason.
    """
    claims, first = load_claims(book / "claims.yaml"), load_claims(book / FIRST)
    if silent := unexplained(claims, first):
        raise BadClaim(silent[0])
    withdrawn = yaml.safe_load((book / WITHDRAWN).read_text(encoding="utf-8")) or []
    every = claims.by_id.values()
    sections = {
        "Rules changed after numbers were seen": changes(claims, first),
        "Verdicts that changed": verdicts.turned(book, claims),
        "Numbers seen before a rule": [f"{link(c.id)}: {c.pilot}" for c in every if c.pilot],
        "Models trained again": [
            f"{link(c.id)}, `{model}`: {why}" for c in every for model, why in c.retrained.items()
        ],
        "Sentences withdrawn": [
            f"{chapter(book, w['chapter'])}: “{w['sentence']}” {w['because']}" for w in withdrawn
        ],
    }
    parts = []
    for title, entries in sections.items():
        label = "(trained-again)=\n" if title == "Models trained again" else ""
        parts.append(f"{label}### {title}\n\n{folded(list(entries))}")
    return "\n\n".join(parts) + "\n"


def counted(book: Path) -> str:
    """How many rules are not what they first were, in one sentence for the introduction."""
    both = _both(load_claims(book / "claims.yaml"), load_claims(book / FIRST))
    changed = sum(before != after for *_, before, after in both)
    return (
        f"Of {len(both)} criteria, {changed} were changed, added or dropped after numbers had been "
        "seen."
    )


def chapter(book: Path, name: str) -> str:
    """A link to a chapter, or its name where the checkout has not got it."""
    there = (book.parent / "chapters" / f"{name}.ipynb").is_file()
    return f"{{doc}}`/chapters/{name}`" if there else name


def folded(entries: list[str]) -> str:
    """A list behind its length: the page stays short on a phone."""
    if not entries:
        return "None."
    listed = "\n".join(f"- {entry}" for entry in entries)
    return f":::{{dropdown}} {len(entries)} of them\n\n{listed}\n:::"


def unexplained(claims: Claims, first: Claims) -> list[str]:
    """One sentence for each rule that differs from the first without a reason, or has a reason and
    does not differ.
    """
    found = []
    for id, name, before, after in _both(claims, first):
        reason = id in claims.by_id and name in claims.by_id[id].changed
        if before != after and not reason:
            found.append(
                f"The rule of {id} {name} is not the one in {FIRST}: say why under `changed` of "
                "that claim; a new rule is added to both files before its experiment is run."
            )
        if before == after and reason:
            found.append(f"{id} {name} has a reason under `changed` and was not changed.")
    known = {(id, name) for id, name, *_ in _both(claims, first)}
    found += [
        f"{c.id} gives a reason for {name!r}, which is no criterion of it."
        for c in claims.by_id.values()
        for name in c.changed
        if (c.id, name) not in known
    ]
    return found


def changes(claims: Claims, first: Claims) -> Iterable[str]:
    """Each changed rule as it was, as it is, and why."""
    return [
        f"{link(id)} {name.replace('_', ' ')}. Was: {_words(before)} Is: {_words(after)} "
        f"Because: {claims.by_id[id].changed[name]}"
        for id, name, before, after in _both(claims, first)
        if before != after
    ]


def link(id: str) -> str:
    return f"[{id}](#claim-{id.lower()})"


def _both(claims: Claims, first: Claims) -> list[tuple[str, str, Criterion | None, ...]]:
    """(id, criterion, rule at first, rule now) of everything that either file has."""
    pairs = []
    for id in {**first.by_id, **claims.by_id}:
        old, new = _criteria(first, id), _criteria(claims, id)
        pairs += [(id, name, old.get(name), new.get(name)) for name in {**old, **new}]
    return pairs


def _criteria(claims: Claims, id: str) -> Mapping[str, Criterion]:
    return claims.by_id[id].criteria if id in claims.by_id else {}


def _words(criterion: Criterion | None) -> str:
    return "*none.*" if criterion is None else f"{criterion.measures} *Holds if {criterion.asked}.*"
