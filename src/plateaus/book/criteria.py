"""One criterion of a claim: its bound, its controls, and the verdict that follows from numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plateaus.book.numbers import alike
from plateaus.errors import BadClaim

HOLDS, FAILS, MIXED, NOT_TESTABLE = "holds", "does not hold", "mixed", "not testable on this model"


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
            "A bound is 'above 1', 'below 1' or 'between 1 and 2' (the smaller first); "
            f"given: {words!r}."
        )

    def decide(self, low: float, high: float) -> bool | None:
        """True if all of [low, high] is inside, False if all of it is outside on one side, else
        None.
        """
        if self.low < low and high < self.high:
            return True
        return False if high <= self.low or low >= self.high else None

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"above {self.low:g}"
        if self.low == -math.inf:
            return f"below {self.high:g}"
        return f"between {self.low:g} and {self.high:g}"


@dataclass(frozen=True, kw_only=True)
class Number:
    """What was measured: an effect or a control, with its 95% interval and what it rests on."""

    value: float | None
    """None where the model does not allow the measurement."""
    ci: tuple[float, float] | None
    n: int | None
    """How many pairs, points or seeds; None for a number that rests on no sample."""

    @classmethod
    def of(cls, given: Any) -> Number:
        """From a bare number, from None, or from anything with `value`, `ci` and `n`.

        NaN is no number, and no interval without one. Raises `BadClaim` for infinite numbers, a
        value without its interval and a value outside it.
        """
        if isinstance(given, Mapping):
            value, ci, n = (given.get(name) for name in ("value", "ci", "n"))
        elif hasattr(given, "ci"):
            value, ci, n = given.value, given.ci, given.n
        else:
            value, ci, n = given, None if given is None else (given, given), None
        try:
            n = None if n is None else int(n)
            _ = [float(x) for x in (0 if value is None else value, *(ci or ()))]
        except (TypeError, ValueError):
            raise BadClaim(
                f"a value with its interval and n are numbers; given: {given!r:.80}."
            ) from None
        if value is None or math.isnan(value):
            return cls(value=None, ci=None, n=n)
        if ci is None:
            raise BadClaim("a value was given without its interval: give ci=(low, high).")
        value, low, high = float(value), float(ci[0]), float(ci[1])
        if not all(map(math.isfinite, (value, low, high))):
            raise BadClaim("a number was given that is not finite: give None if there is none.")
        if not low <= value <= high:
            raise BadClaim(f"the value {value:g} lies outside its interval [{low:g}, {high:g}].")
        return cls(value=value, ci=(low, high), n=n)

    def __str__(self) -> str:
        if self.value is None:
            return "none"
        if self.n is None:
            return alike(self.value)[0]
        value, low, high = alike(self.value, *self.ci)
        return f"{value} [{low}, {high}], n = {self.n}"

    def as_json(self) -> dict[str, Any]:
        low, high = self.ci or (None, None)
        return {"value": self.value, "ci_low": low, "ci_high": high, "n": self.n}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Number:
        ci = None if saved["value"] is None else (saved["ci_low"], saved["ci_high"])
        return cls(value=saved["value"], ci=ci, n=saved["n"])


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

    @property
    def asked(self) -> str:
        """The rule in words: bound, number and controls."""
        controls = [
            f"{kind} control, {name}: {bound}"
            for kind, bounds in (("negative", self.negative), ("positive", self.positive))
            for name, bound in bounds.items()
        ]
        return "; ".join([f"{self.holds} over at least {self.at_least} {self.unit}", *controls])

    def verdict(self, effect: Number, control: Mapping[str, Number]) -> tuple[str, str]:
        """The verdict and the reason for it in one sentence.

        Of an effect and of a control alike the whole interval counts.
        """
        if effect.value is None:
            return NOT_TESTABLE, "the model does not allow this measurement"
        if effect.n < self.at_least:
            return NOT_TESTABLE, f"{effect.n} {self.unit} where the rule asks for {self.at_least}"
        if absent := [name for name, x in control.items() if x.value is None]:
            return NOT_TESTABLE, f"there is no control “{absent[0]}” for this model"
        if blind := _outside(self.positive, control):
            bound = self.positive[blind[0]]
            return NOT_TESTABLE, f"the positive control “{blind[0]}” is not {bound}"
        inside = self.holds.decide(*effect.ci)
        if inside is None:
            held = self.holds
            return MIXED, f"the interval includes values that are {held} and values that are not"
        if not inside:
            return FAILS, f"no value of the interval is {self.holds}"
        if shown := _outside(self.negative, control):
            bound = self.negative[shown[0]]
            said = f"the interval is {self.holds}, but the control “{shown[0]}” is not {bound}"
            return MIXED, said
        controlled = ", and the controls are as they should be" if control else ""
        return HOLDS, f"the whole interval is {self.holds}{controlled}"


def _outside(bounds: Mapping[str, Bound], control: Mapping[str, Number]) -> list[str]:
    """Names of the controls that are not wholly within their bounds."""
    return [name for name, bound in bounds.items() if not bound.decide(*control[name].ci)]
