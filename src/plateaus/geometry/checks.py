"""Numbers a reader may have mistyped: each is returned as it is meant, or refused in a sentence."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from plateaus.errors import BadParameter


def whole(value: Any, name: str, *, least: int) -> int:
    """A whole number of at least ``least``.

    Raises:
        BadParameter: anything else, booleans and 3.0 included.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise BadParameter(
            f"{name} is a whole number of at least {least}, not {value!r}: give one."
        )
    return int(value)


def real(value: Any, name: str) -> float:
    """A finite number.

    Raises:
        BadParameter: NaN, infinite, or no number.
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise BadParameter(f"{name} is a finite number, not {value!r}: give one.")
    return float(value)


def not_negative(value: Any, name: str) -> float:
    """A finite number >= 0.

    Raises:
        BadParameter: negative, NaN, infinite, or no number.
    """
    if real(value, name) < 0:
        raise BadParameter(f"{name} is a finite number >= 0, not {value!r}: give one.")
    return float(value)
