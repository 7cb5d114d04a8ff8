"""Decision rules of the claims (`book/claims.yaml`) and the verdicts that follow from numbers.

A rule is written before its experiment. A chapter hands over a value with its interval, the number
of pairs or seeds, and the controls; the verdict is computed here and nowhere else.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from plateaus.book.criteria import (
    FAILS,
    HOLDS,
    MIXED,
    NOT_TESTABLE,
    Bound,
    Criterion,
    Number,
)
from plateaus.errors import BadClaim

PARTLY, UNTESTED = "partly tested", "untested"
"""States of a claim whose criteria have not all, or none, been measured yet."""
THEOREM = "theorem"
"""State of a claim that is proved: its numbers check the code and are no finding."""
KINDS = ("finding", "theorem")
COLUMNS = 88
"""Of a row's text: what a page shows without a scroll bar."""

__all__ = [
    "FAILS", "HOLDS", "MIXED", "NOT_TESTABLE", "PARTLY", "THEOREM", "UNTESTED", "Bound", "Claim",
    "Claims", "Criterion", "Number", "Row", "load_claims",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim of the literature and the criteria that settle it."""

    id: str
    claim: str
    source: str
    """Key in `book/references.bib`."""
    chapter: str
    criteria: Mapping[str, Criterion]
    kind: str = "finding"
    """One of `KINDS`."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """Criteria whose rule differs from the one first written, and why (see `disclosures`)."""
    published: str = ""
    """What the source itself measured, on what, and its numbers where it has any."""
    pilot: str = ""
    """Numbers that were seen before the rule was written."""
    retrained: Mapping[str, str] = field(default_factory=dict)
    """Models trained again after the rule's first run, and why."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured criterion on one model; its text is a few short lines that end with the
    verdict.
    """

    id: str
    model: str
    metric: str
    effect: Number
    control: Mapping[str, Number]
    rule: str
    verdict: str
    reason: str
    chapter: str

    def as_json(self) -> dict[str, Any]:
        control = {name: number.as_json() for name, number in self.control.items()}
        return {
            "id": self.id, "model": self.model, "metric": self.metric, **self.effect.as_json(),
            "control": control, "rule": self.rule, "verdict": self.verdict, "reason": self.reason,
            "chapter": self.chapter,
        }  # fmt: skip

    @property
    def value(self) -> float | None:
        return self.effect.value

    def __repr__(self) -> str:
        number = f"no value, n = {self.effect.n}" if self.value is None else str(self.effect)
        lines = [f"{self.id} {self.metric} on {self.model}", f"  measured: {number}"]
        lines += [f"  {name}: {x}" for name, x in self.control.items()]
        lines += [f"  {self.verdict}: {self.reason}"]
        return "\n".join(textwrap.fill(s, COLUMNS, subsequent_indent=" " * 6) for s in lines)


@dataclass(frozen=True, kw_only=True)
class Claims:
    """All rules, in the order of the file."""

    by_id: Mapping[str, Claim]

    def settle(
        self,
        id: str,
        *,
        metric: str | None,
        model: str,
        value: float | None,
        ci: tuple[float, float] | None,
        n: int,
        control: Mapping[str, Any] | Sequence[Any],
        chapter: str,
    ) -> Row:
        """The row of one measured criterion; raises `BadClaim` where it does not fit the rules.

        Controls are given by name, or in the order of the rule, the negative ones first; each is a
        number, None, or something with `value`, `ci` and `n` (see `Number.of`).
        """
        criterion = self.criterion(id, metric)
        try:
            effect = Number.of({"value": value, "ci": ci, "n": n})
            controls = {k: Number.of(x) for k, x in _by_name(criterion, control).items()}
        except BadClaim as error:
            raise BadClaim(f"{id} {criterion.name}: {error}") from None
        verdict, reason = criterion.verdict(effect, controls)
        return Row(
            id=id, model=model, metric=criterion.name, effect=effect, control=controls,
            rule=criterion.asked, verdict=verdict, reason=reason, chapter=chapter,
        )  # fmt: skip

    def again(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A saved row with the verdict that follows from its numbers by the rules as they are."""
        effect = Number.from_json(row)
        return self.settle(
            row["id"], metric=row["metric"], model=row["model"], chapter=row["chapter"],
            value=effect.value, ci=effect.ci, n=effect.n,
            control={k: Number.from_json(x) for k, x in row["control"].items()},
        ).as_json()  # fmt: skip

    def state(self, id: str, rows: Iterable[Mapping[str, Any]]) -> str:
        """One word for the claim `id` over all rows: what its criteria say together.

        Criteria that no model allowed to be tested leave the claim partly tested, as do criteria
        without a row. On every model measured the criteria must agree, otherwise it is mixed. A
        theorem stays one unless a number contradicts it.
        """
        own = [row for row in rows if row["id"] == id]
        verdicts = {row["verdict"] for row in own} - {NOT_TESTABLE}
        if self.by_id[id].kind == THEOREM and verdicts <= {HOLDS}:
            return THEOREM
        if not own:
            return UNTESTED
        settled = {row["metric"]: row["verdict"] for row in own if row["verdict"] != NOT_TESTABLE}
        if not settled:
            return NOT_TESTABLE
        if set(settled) != set(self.by_id[id].criteria):
            return PARTLY
        return verdicts.pop() if len(verdicts) == 1 else MIXED

    def criterion(self, id: str, metric: str | None) -> Criterion:
        """The criterion `metric` of the claim `id`; None if it has only one."""
        if id not in self.by_id:
            raise BadClaim(f"There is no claim {id!r}; the rules have {', '.join(self.by_id)}.")
        criteria = self.by_id[id].criteria
        if metric is None and len(criteria) == 1:
            return next(iter(criteria.values()))
        if metric not in criteria:
            raise BadClaim(f"{id} has no criterion {metric!r}; it has {', '.join(criteria)}.")
        return criteria[metric]


def _by_name(criterion: Criterion, control: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    names = [*criterion.negative, *criterion.positive]
    if not isinstance(control, Mapping):
        if len(control) != len(names):
            raise BadClaim(
                f"the rule has {len(names)} controls ({', '.join(names) or 'none'}); "
                f"given: {len(control)}."
            )
        return dict(zip(names, control, strict=True))
    if set(control) != set(names):
        raise BadClaim(
            f"the rule needs the controls {sorted(names)}; given: {sorted(control)}. Give None for "
            "a control that this model does not have."
        )
    return dict(control)


@cache
def load_claims(path: Path) -> Claims:
    """Read the rules; raises `BadClaim` with the name of the claim that is not written as it should
    be.
    """
    found = {}
    for id, entry in yaml.safe_load(Path(path).read_text(encoding="utf-8")).items():
        try:
            found[id] = _claim(id, dict(entry))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadClaim(
                f"The rule of {id} in {Path(path).name} lacks or misspells {error}."
            ) from error
    return Claims(by_id=found)


def _claim(id: str, entry: dict[str, Any]) -> Claim:
    criteria = {name: _criterion(name, rule) for name, rule in entry.pop("criteria").items()}
    claim = Claim(id=id, criteria=criteria, **entry)
    if claim.kind not in KINDS:
        raise ValueError(f"kind: {claim.kind!r} is none of {', '.join(KINDS)}")
    return claim


def _criterion(name: str, fields: Mapping[str, Any]) -> Criterion:
    known = {"measures", "holds if", "at least", "negative control", "positive control"}
    if extra := set(fields) - known:
        raise KeyError(sorted(extra)[0])
    count, unit = str(fields["at least"]).split(" ", 1)
    controls = [
        {k: Bound.read(b) for k, b in (fields.get(f"{kind} control") or {}).items()}
        for kind in ("negative", "positive")
    ]
    return Criterion(
        name=name, measures=fields["measures"], holds=Bound.read(fields["holds if"]),
        at_least=int(count), unit=unit, negative=controls[0], positive=controls[1],
    )  # fmt: skip
