"""What turns measured numbers into the keyword arguments of ``run.claim``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict

import xarray as xr

from plateaus.measures.statistics import Measured


class Evidence(TypedDict):
    """The keyword arguments of ``run.claim``, but for the claim itself."""

    metric: str
    """The criterion's name in the rule."""
    model: str
    value: float | None
    ci: tuple[float, float] | None
    n: int
    control: tuple[Measured, ...]
    """In the order of the rule."""


def criterion(measure: Callable[..., Measured | tuple[Measured, ...]]) -> Callable[..., Evidence]:
    """Make evidence of a function from datasets to (number, control, ...).

    The criterion is named as the function; the model is the attribute of its first dataset.
    """

    @wraps(measure)
    def evidence(first: xr.Dataset, *others: Any, **options: Any) -> Evidence:
        found = measure(first, *others, **options)
        number, *controls = found if isinstance(found, tuple) else (found,)
        return Evidence(
            metric=measure.__name__,
            model=first.attrs["model"],
            value=number.value,
            ci=number.ci,
            n=number.n,
            control=tuple(controls),
        )

    return evidence
