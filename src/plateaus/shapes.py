"""Measures say what arrays they take, and answer others with that sentence.

@takes("amounts (..., k), real numbers of a tensor")
def gini(amounts): ...
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch

from plateaus.errors import BadPoints, PlateauError

Measure = TypeVar("Measure", bound=Callable[..., Any])
UNFIT = (RuntimeError, TypeError, ValueError, IndexError, AttributeError)
"""What arrays that do not fit make torch and NumPy raise."""


def takes(what: str) -> Callable[[Measure], Measure]:
    """A measure of ``what``: whatever it cannot compute with is refused by its shape.

    Nothing is checked before, so that a call costs what it did. A call with other arguments than
    the signature has stays Python's own `TypeError`, and memory that does not suffice torch's.

    Raises:
        BadPoints: names what is taken and what was given.
    """

    def decorate(measure: Measure) -> Measure:
        signature = inspect.signature(measure)

        @wraps(measure)
        def answered(*args: Any, **options: Any) -> Any:
            try:
                return measure(*args, **options)
            except (PlateauError, torch.OutOfMemoryError):
                raise
            except UNFIT as error:
                bound = signature.bind(*args, **options)
                given = ", ".join(f"{k} {shown(v)}" for k, v in bound.arguments.items())
                raise BadPoints(
                    f"{measure.__name__} takes {what}; got {given}: give what fits."
                ) from error

        return answered

    return decorate


def shown(value: Any) -> str:
    """A value in a few words: an array by its type and shape."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if isinstance(value, str | int | float | None):
        return f"{value!r:.40}"
    return type(value).__name__
