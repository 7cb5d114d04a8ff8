"""How results name where they were read: dim ``readout``, coordinates ``block_out``, ``reading``.

``block_out`` is the number of the block behind which it was read, ``reading`` is "stream" or what a
network names after its last block ("logits", "probabilities", "output", ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import xarray as xr

from plateaus.errors import BadParameter
from plateaus.networks.network import STREAM, Reading

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)


def coordinates(readings: Sequence[Reading]) -> dict[str, tuple[str, list]]:
    """The two coordinates along ``readout`` of what ``Network.readings`` gave."""
    return {
        "block_out": ("readout", [r.block for r in readings]),
        "reading": ("readout", [r.name for r in readings]),
    }


def through_blocks(result: Labelled) -> Labelled:
    """The stream where it leaves each block: dim ``block_out`` in place of ``readout``."""
    _labelled(result)
    if "reading" not in result.coords:
        raise BadParameter(
            f"A result names its read-outs along 'reading', got one of {list(result.coords)}: give "
            "what experiments.interpolate returns."
        )
    chosen = result.isel(readout=np.flatnonzero(result.reading == STREAM))
    return chosen.swap_dims(readout="block_out").drop_vars("reading")


def read(result: Labelled, reading: str = STREAM) -> Labelled:
    """One reading after the last block, without the dim ``readout``; a result of the stream alone
    is returned as it is.

    Raises:
        BadParameter: the result has no such reading.
    """
    _labelled(result)
    if reading == STREAM and "readout" not in result.dims:
        return result
    found = np.flatnonzero(result.reading == reading)
    if not len(found):
        names = ", ".join(dict.fromkeys(map(str, result.reading.values)))
        raise BadParameter(
            f"The result was read in {names}, not in {reading!r}: choose one of these."
        )
    return result.isel(readout=found[-1])


def _labelled(result: object) -> None:
    if not isinstance(result, xr.Dataset | xr.DataArray):
        raise BadParameter(
            f"A result is an xarray.Dataset or DataArray, got a {type(result).__name__}: give what "
            "experiments.interpolate returns."
        )
