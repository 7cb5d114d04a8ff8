"""Decision rules of the claims (`book/claims.yaml`) and the verdicts that follow from numbers.

A rule is written before its experiment. A chapter hands over a value with its interval, the number
of pairs or seeds, and the controls; the verdict is computed here and nowhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from plateaus.errors import PlateauError

HOLDS, FAILS, MIXED, NOT_TESTABLE = "holds", "does not hold", "mixed", "not testable on this model"
PARTLY, UNTESTED = "partly tested", "untested"
"""The last two are states of a claim whose criteria have not all, or none, been measured yet."""


class BadClaim(PlateauError):
    """A row does not fit its rule, or a rule is not written as it should be."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """An open interval, written "above 0.25", "below 1.25" or "between 0.9 and 1.1"."""

    low: float = -math.inf
    high: float = math.inf

    @classmethod
    def read(cls, words: str) -> Bound:
        number = r"(-?\d+(?:\.\d+)?)"
        words = str(words)
        if found := re.fullmatch(rf"above {number}", words):
            return cls(low=float(found[1]))
        if found := re.fullmatch(rf"below {number}", words):
            return cls(high=float(found[1]))
        if found := re.fullmatch(rf"between {number} and {number}", words):
            if float(found[1]) < float(found[2]):
                return cls(low=float(found[1]), high=float(found[2]))
        raise BadClaim(
            f"A bound is 'above 1', 'below 1' or 'between 1 and 2' (the smaller first); given: {words!r}."
        )

    def __contains__(self, value: float) -> bool:
        return self.low < value < self.high

    def decide(self, low: float, high: float) -> bool | None:
        """True if all of [low, high] is inside, False if all of it is outside on one side, else
        None.
        """
        if low in self and high in self:
            return True
        return False if high <= self.low or low >= self.high else None

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"above {self.low:g}"
        return (
            f"below {self.high:g}"
            if self.low == -math.inf
            else f"between {self.low:g} and {self.high:g}"
        )


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One number that decides, or helps to decide, a claim."""

    name: str
    measures: str
    holds: Bound
    at_least: int
    unit: str
    """What `at_least` counts and the interval is taken over: pairs, seeds, points …"""
    negative: Mapping[str, Bound]
    """Controls without the effect: outside its bound, the effect is not what the claim says it
    is.
    """
    positive: Mapping[str, Bound]
    """Controls with the effect: outside its bound, the measurement could not have seen it."""

    def verdict(
        self,
        value: float | None,
        ci: tuple[float, float],
        n: int,
        control: Mapping[str, float | None],
    ) -> tuple[str, str]:
        """The verdict and the reason for it in one sentence."""
        if value is None:
            return NOT_TESTABLE, "the model does not allow this measurement"
        if n < self.at_least:
            return NOT_TESTABLE, f"{n} {self.unit} where the rule asks for {self.at_least}"
        absent = [name for name, x in control.items() if x is None]
        if absent:
            return NOT_TESTABLE, f"there is no control “{absent[0]}” for this model"
        blind = [name for name, bound in self.positive.items() if control[name] not in bound]
        if blind:
            return (
                NOT_TESTABLE,
                f"the positive control “{blind[0]}” is not {self.positive[blind[0]]}",
            )
        inside = self.holds.decide(*ci)
        if inside is None:
            return (
                MIXED,
                f"the interval includes values that are {self.holds} and values that are not",
            )
        if not inside:
            return FAILS, f"no value of the interval is {self.holds}"
        shown_without = [
            name for name, bound in self.negative.items() if control[name] not in bound
        ]
        if shown_without:
            name = shown_without[0]
            return (
                MIXED,
                f"the interval is {self.holds}, but the control “{name}” is not {self.negative[name]}",
            )
        return HOLDS, f"the whole interval is {self.holds}" + (
            "" if not control else ", and the controls are as they should be"
        )


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim of the literature and the criteria that settle it."""

    id: str
    claim: str
    source: str
    """Key in `book/references.bib`."""
    chapter: str
    criteria: Mapping[str, Criterion]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured criterion on one model; its text is a few short lines that end with the
    verdict.
    """

    id: str
    model: str
    metric: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    control: Mapping[str, float | None]
    verdict: str
    reason: str
    chapter: str

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "control": dict(self.control)}

    def __repr__(self) -> str:
        number = (
            "no value"
            if self.value is None
            else f"{self.value:.3g} [{self.ci_low:.3g}, {self.ci_high:.3g}]"
        )
        lines = [f"{self.id} {self.metric} on {self.model}", f"  measured: {number}, n = {self.n}"]
        lines += [
            f"  {name}: {'none' if x is None else format(x, '.3g')}"
            for name, x in self.control.items()
        ]
        return "\n".join([*lines, f"  {self.verdict}: {self.reason}"])


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
        control: Mapping[str, float | None],
        chapter: str,
    ) -> Row:
        """The row of one measured criterion; raises `BadClaim` where it does not fit the rules."""
        criterion = self._criterion(id, metric)
        wanted = {*criterion.negative, *criterion.positive}
        if set(control) != wanted:
            raise BadClaim(
                f"{id} {criterion.name} needs the controls {sorted(wanted)}; given: {sorted(control)}. "
                "Give None for a control that this model does not have."
            )
        if value is not None and ci is None:
            raise BadClaim(
                f"{id} {criterion.name} was given a value without its interval: give ci=(low, high)."
            )
        numbers = [value, *(ci or ()), *control.values()]
        if any(x is not None and not math.isfinite(x) for x in numbers):
            raise BadClaim(
                f"{id} {criterion.name} was given a number that is not finite: give None if there is none."
            )
        low, high = (None, None) if value is None else (float(ci[0]), float(ci[1]))
        if value is not None and not low <= value <= high:
            raise BadClaim(
                f"{id} {criterion.name}: the value {value:g} lies outside its interval [{low:g}, {high:g}]."
            )
        control = {k: None if v is None else float(v) for k, v in control.items()}
        value = None if value is None else float(value)
        verdict, reason = criterion.verdict(value, (low, high), int(n), control)
        return Row(
            id=id, model=model, metric=criterion.name, value=value, ci_low=low, ci_high=high, n=int(n),
            control=control, verdict=verdict, reason=reason, chapter=chapter,
        )  # fmt: skip

    def state(self, id: str, rows: Iterable[Mapping[str, Any]]) -> str:
        """One word for the claim `id` over all rows: what its criteria say together.

        Criteria that no model allowed to be tested leave the claim partly tested, as do criteria
        without a row. On every model measured the criteria must agree, otherwise it is mixed.
        """
        own = [row for row in rows if row["id"] == id]
        if not own:
            return UNTESTED
        settled = {row["metric"]: row["verdict"] for row in own if row["verdict"] != NOT_TESTABLE}
        if not settled:
            return NOT_TESTABLE
        verdicts = {row["verdict"] for row in own} - {NOT_TESTABLE}
        if set(settled) != set(self.by_id[id].criteria):
            return PARTLY
        return verdicts.pop() if len(verdicts) == 1 else MIXED

    def _criterion(self, id: str, metric: str | None) -> Criterion:
        if id not in self.by_id:
            raise BadClaim(f"There is no claim {id!r}; the rules have {', '.join(self.by_id)}.")
        criteria = self.by_id[id].criteria
        if metric is None and len(criteria) == 1:
            return next(iter(criteria.values()))
        if metric not in criteria:
            raise BadClaim(f"{id} has no criterion {metric!r}; it has {', '.join(criteria)}.")
        return criteria[metric]


@cache
def load_claims(path: Path) -> Claims:
    """Read the rules; raises `BadClaim` with the name of the claim that is not written as it should
    be.
    """
    found = {}
    for id, entry in yaml.safe_load(Path(path).read_text(encoding="utf-8")).items():
        try:
            criteria = {
                name: _criterion(name, fields) for name, fields in entry["criteria"].items()
            }
            found[id] = Claim(
                id=id,
                claim=entry["claim"],
                source=entry["source"],
                chapter=entry["chapter"],
                criteria=criteria,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadClaim(
                f"The rule of {id} in {Path(path).name} lacks or misspells {error}."
            ) from error
    return Claims(by_id=found)


def _criterion(name: str, fields: Mapping[str, Any]) -> Criterion:
    extra = set(fields) - {
        "measures",
        "holds if",
        "at least",
        "negative control",
        "positive control",
    }
    if extra:
        raise KeyError(sorted(extra)[0])
    count, unit = str(fields["at least"]).split(" ", 1)
    controls = [
        {k: Bound.read(b) for k, b in (fields.get(f"{kind} control") or {}).items()}
        for kind in ("negative", "positive")
    ]
    return Criterion(
        name=name, measures=fields["measures"], holds=Bound.read(fields["holds if"]), at_least=int(count), unit=unit,
        negative=controls[0], positive=controls[1],
    )  # fmt: skip
