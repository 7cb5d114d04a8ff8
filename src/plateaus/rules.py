"""What a parameter or a setting may be, said so that a mistake is answered with one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plateaus.errors import BadParameter


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is accepted, in words that complete "must be …", and the test for it."""

    accepts: str
    test: Callable[[Any], bool]
    is_list: bool = False

    def check(self, name: str, value: Any, because: str = "") -> Any:
        """Return `value` if it is accepted; raise `BadParameter` with one sentence otherwise.

        `because` says why no more is accepted: "prose-12l has 12 blocks".
        """
        if not self.test(value):
            accepted = self.accepts + (f" ({because})" if because else "")
            raise BadParameter(
                f"{name} must be {accepted}; given: {_shown(value)}.{self._hint(name, value)}"
            )
        return value

    def _hint(self, name: str, value: Any) -> str:
        if self.is_list and not isinstance(value, list | tuple):
            return f" Give a list, for papermill as -y '{name}: [a, b]'."
        if isinstance(value, str) and _reads_as_number(value):
            number = float(value)
            if self.test(number) or (number.is_integer() and self.test(int(number))):
                return (
                    " It arrived as text: YAML reads 1e-3 as text, write 1.0e-3, and write numbers "
                    "without quotes."
                )
        return ""


def whole(lo: int | None = None, hi: int | None = None) -> Rule:
    """A whole number, from `lo` to `hi` inclusive where they are given."""
    return Rule(
        accepts="a whole number" + _range(lo, hi),
        test=lambda v: isinstance(v, int) and not isinstance(v, bool) and _inside(v, lo, hi),
    )


def real(
    lo: float | None = None,
    hi: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
) -> Rule:
    """A finite number from `lo` to `hi` inclusive, strictly above `above` and below `below`."""
    strict = [
        f" above {above:g}" if above is not None else "",
        f" below {below:g}" if below is not None else "",
    ]

    def test(v: Any) -> bool:
        number = isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)
        return (
            number
            and _inside(v, lo, hi)
            and (above is None or v > above)
            and (below is None or v < below)
        )

    return Rule(
        accepts="a number" + _range(lo, hi) + " and".join(s for s in strict if s), test=test
    )


def text(*, empty: bool = False) -> Rule:
    """Any text; an empty one only if `empty` says so."""
    accepts = "a text" if empty else "a text that is not empty"
    return Rule(accepts=accepts, test=lambda v: isinstance(v, str) and (empty or v.strip() != ""))


def one_of(*choices: Any) -> Rule:
    """One of `choices`; 1 and True are different choices."""
    return Rule(
        accepts="one of " + ", ".join(repr(c) for c in choices),
        test=lambda v: any(type(v) is type(c) and v == c for c in choices),
    )


def listing(rule: Rule, *, at_least: int = 1, exactly: int | None = None) -> Rule:
    """A list of at least `at_least` values that each pass `rule`; or of `exactly` so many, all of
    them different.
    """
    many = f"exactly {exactly} different ones" if exactly else f"at least {at_least}"
    return Rule(
        accepts=f"a list of {many}, each {rule.accepts}",
        test=lambda v: isinstance(v, list | tuple)
        and all(rule.test(x) for x in v)
        and (len(v) >= at_least if exactly is None else len(v) == len({*v}) == exactly),
        is_list=True,
    )


def _inside(v: float, lo: float | None, hi: float | None) -> bool:
    return (lo is None or v >= lo) and (hi is None or v <= hi)


def _range(lo: float | None, hi: float | None) -> str:
    if lo is not None and hi is not None:
        return f" from {lo} to {hi}"
    if lo is not None:
        return f", {lo} or more"
    return f", at most {hi}" if hi is not None else ""


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _reads_as_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
