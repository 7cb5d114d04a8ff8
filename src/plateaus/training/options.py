"""Settings from the command line: ``--set NAME=VALUE`` read and checked against a dataclass and
what its values may be.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, fields
from typing import Any, TypeVar

from plateaus.errors import TrainingError

S = TypeVar("S")
INFINITE = math.inf
PLAIN = ("name", "images")
"""Settings that become the name of a file or folder, and therefore hold no path."""


def assignments(written: list[str], example: Any) -> dict[str, object]:
    """``["blocks=3", "depths=2,2"]`` as values of the kinds that ``example``, an instance of the
    settings, has.

    Raises:
        TrainingError: not an assignment, or not of its kind.
    """
    out: dict[str, object] = {}
    for assignment in written:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise TrainingError(
                f"--set was given {assignment!r}: write NAME=VALUE, for example batch=64."
            )
        kind = type(getattr(example, name, ""))
        try:
            out[name] = tuple(map(int, value.split(","))) if kind is tuple else kind(value)
        except ValueError as error:
            raise TrainingError(
                f"setting {name} was given {value!r}: it must be {_KINDS[kind]}."
            ) from error
    return out


def choose(
    start: S,
    changes: dict[str, object],
    *,
    choices: dict[str, tuple[str, ...]],
    bounds: dict[str, tuple[float, float]],
) -> S:
    """``start`` with changes.

    Args:
        choices: what a setting that is a word may be.
        bounds: least and greatest value of a number; others are at least 1 (whole numbers) or above
            0.

    Raises:
        TrainingError: an unknown setting, or a value that cannot be.
    """
    kinds = {f.name: type(getattr(start, f.name)) for f in fields(start)}
    for name, value in changes.items():
        if name not in kinds:
            raise TrainingError(f"setting {name!r} is unknown: choose among {', '.join(kinds)}.")
        kind = kinds[name]
        if isinstance(value, bool) or not isinstance(
            value, (int, float) if kind is float else kind
        ):
            raise TrainingError(f"setting {name} was given {value!r}: it must be {_KINDS[kind]}.")
        if name in choices and value not in choices[name]:
            raise TrainingError(
                f"setting {name} was given {value!r}: choose one of {', '.join(choices[name])}."
            )
        if name in PLAIN and not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", value, re.ASCII):
            raise TrainingError(
                f"setting {name} was given {value!r}: it must be a plain name of at most 100 "
                "letters, digits, dots, dashes and underscores that begins with a letter or digit."
            )
        if kind is tuple and (not value or not all(isinstance(n, int) and n > 0 for n in value)):
            raise TrainingError(
                f"setting {name} was given {value!r}: it must be {_KINDS[tuple]}, each at least 1."
            )
        if kind in (int, float):
            low, high = bounds.get(name, (1, INFINITE) if kind is int else (1e-12, INFINITE))
            if not (low <= value <= high and math.isfinite(value)):
                upper = f" and at most {high:g}" if math.isfinite(high) else ", and finite"
                raise TrainingError(
                    f"setting {name} was given {value!r}: it must be at least {low:g}{upper}."
                )
    return type(start)(**{**asdict(start), **changes})


_KINDS = {
    int: "a whole number",
    float: "a number",
    str: "a word",
    tuple: "whole numbers with commas between them, for example 2,2,2",
}
