"""Numbers as a page shows them: zero has no minus, and what is not a number says so."""

from __future__ import annotations

import math

NONE = "none"


def number(value: float | None, digits: int = 2) -> str:
    """`value` with `digits` decimals; "none" for None and for what is not a number."""
    return _shown(value, f".{digits}f")


def signed(value: float | None, digits: int = 1) -> str:
    """As `number`, with a plus before what is not negative."""
    return _shown(value, f"+.{digits}f")


def alike(*values: float) -> list[str]:
    """A number and its interval to equally many decimals: three digits of the largest of them.

    Whole numbers, such as counts, have none; thousands are marked.
    """
    largest = float(f"{max(map(abs, values)):.6g}")
    whole = all(float(value).is_integer() for value in values)
    decimals = 0 if whole else max(0, 2 - math.floor(math.log10(largest)))
    # A share of 200 often lies half-way between two decimals, and a correlation next to 1: there
    # processors that differ in the last bit would print different numbers.
    steady = (float(f"{value:.{decimals + 3}f}") for value in values)
    return [f"{value:z,.{decimals}f}" for value in steady]


def _shown(value: float | None, style: str) -> str:
    if value is None or not math.isfinite(value):
        return NONE
    text = format(float(value), style)
    return text.replace("-", "+" if "+" in style else "") if float(text) == 0 else text
