"""Samples that statistics are taken of: arrays of real numbers, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np

from plateaus.errors import BadParameter


def numbers(values: object) -> np.ndarray:
    """Real numbers of any shape but a single one, as float64.

    Raises:
        BadParameter: text, complex or ragged ones, one alone, or none at all.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "fiubO" or not array.ndim:
            raise TypeError
        return array.astype(float)
    except (TypeError, ValueError):
        dtype = getattr(values, "dtype", None)
        shown = f"one of {dtype}" if dtype is not None else f"{values!r:.60}"
        raise BadParameter(
            f"A sample is an array of real numbers, got {shown}: give one."
        ) from None


def sample(values: object) -> np.ndarray:
    """Real numbers ``(n,)``, as float64.

    Raises:
        BadParameter: anything else.
    """
    array = numbers(values)
    if array.ndim != 1:
        raise BadParameter(f"A sample has one axis, (n,), got the shape {array.shape}: give one.")
    return array


def paired(samples: Sequence[object]) -> list[np.ndarray]:
    """Samples of one shape, which belong together row by row.

    Raises:
        BadParameter: none, or samples of different shapes.
    """
    arrays = [numbers(s) for s in samples]
    if len({a.shape for a in arrays}) != 1:
        shapes = " and ".join(str(a.shape) for a in arrays) or "no sample"
        raise BadParameter(
            f"Samples are paired row by row, got {shapes}: give arrays of one shape."
        )
    return arrays


def generator(seed: object) -> np.random.Generator:
    """NumPy's random numbers of a seed.

    Raises:
        BadParameter: no whole number, or a negative one.
    """
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise BadParameter(f"seed must be a whole number, 0 or more; given: {seed!r:.80}.")
    return np.random.default_rng(int(seed))
