"""Names of read-outs on an axis, in order of depth."""

from __future__ import annotations

import xarray as xr


def labels(result: xr.DataArray) -> list[str]:
    """The number of the block for each stream, else what is read; along ``readout``."""
    blocks, readings = result.block_out.values, result.reading.values
    return [
        str(block) if reading == "stream" else str(reading)
        for block, reading in zip(blocks, readings, strict=True)
    ]
