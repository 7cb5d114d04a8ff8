"""What turns measured numbers into the keyword arguments of ``run.claim``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict

import xarray as xr

from plateaus.errors import BadParameter
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
        if first is None or isinstance(first, str):  # of the others some may be left out
            raise BadParameter(
                f"{measure.__name__} is measured from results of experiments, got {first!r}: "
                "give what they return."
            )
        try:
            found = measure(first, *others, **options)
        except AttributeError as error:
            if not isinstance(error.obj, xr.Dataset):
                raise
            raise BadParameter(
                f"{measure.__name__} needs the variable {error.name!r} in a result that has "
                f"{', '.join(map(str, error.obj.variables)) or 'none'}: give the experiment's."
            ) from None
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
