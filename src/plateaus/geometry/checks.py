"""Numbers a reader may have mistyped: each is returned as it is meant, or refused in a sentence."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPath, BadPoints


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


def real(value: Any, name: str) -> Any:
    """A finite number, of the type it was given in: fractions stay fractions.

    Raises:
        BadParameter: NaN, infinite, or no number.
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise BadParameter(f"{name} is a finite number, not {value!r}: give one.")
    return value


def not_negative(value: Any, name: str) -> Any:
    """A finite number >= 0, of the type it was given in.

    Raises:
        BadParameter: negative, NaN, infinite, or no number.
    """
    if real(value, name) < 0:
        raise BadParameter(f"{name} is a finite number >= 0, not {value!r}: give one.")
    return value


def steps(value: Any) -> int:
    """How many points a path or an axis of a grid has.

    Raises:
        BadPath: not a whole number of at least 2.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 2:
        raise BadPath(
            f"A path needs a whole number of at least 2 steps, got {value!r}: give steps=50, say."
        )
    return int(value)


def window(value: Any, what: str, anchor: str) -> tuple[float, float]:
    """The range of a slice coordinate.

    Raises:
        BadPath: not two numbers low <= 0 <= high with low < high.
    """
    try:
        low, high = (float(v) for v in value)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(high - low) and low <= 0 <= high and low < high):
        raise BadPath(
            f"The window {value!r} of a {what} must have a length and contain {anchor}, where a "
            "lies: give two numbers, as (-0.25, 1.25)."
        )
    return low, high


def tensor(x: Any) -> Tensor:
    """Points from a tensor, an array, or nested lists of numbers; lists become float64.

    Raises:
        BadPoints: complex numbers, text, ragged lists, or anything else that is not real numbers.
    """
    try:
        found = x if isinstance(x, Tensor) else torch.as_tensor(_array(x))
    except (TypeError, ValueError):
        found = None
    if found is None or found.is_complex():
        raise BadPoints(
            "Points are arrays of real numbers whose last axis is the activation space, got "
            f"{_kind(x)}: give a tensor or nested lists of numbers."
        )
    return found


def _array(x: Any) -> np.ndarray:
    array = np.asarray(x)
    if array.dtype.kind not in "fiubO" or isinstance(x, str):
        raise TypeError
    return array if isinstance(x, np.ndarray) and array.dtype.kind != "O" else array.astype(float)


def _kind(x: Any) -> str:
    dtype = getattr(x, "dtype", None)
    return f"a {type(x).__name__}" + (f" of {dtype}" if dtype is not None else f", {x!r:.60}")
