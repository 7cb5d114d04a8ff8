"""Half-exit indices of networks that see images, by the place where they are patched or read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import PALETTE, REFERENCE

MARKS = ("o", "s", "^", "D")


def dots(
    rows: Mapping[str, xr.DataArray],
    ax: Axes,
    *,
    colours: Sequence[str],
    over: str = "pair",
    band: bool = True,
) -> Axes:
    """Medians over the dim ``over`` as dots, quartiles as bars, at each place of the other dim.

    Args:
        rows: one-dimensional but for ``over``, all with the same places.
        colours: names of the palette, one for each row.
    """
    for k, (name, values) in enumerate(rows.items()):
        (dim,) = (d for d in values.dims if d != over)
        low, middle, high = values.quantile([0.25, 0.5, 0.75], over).transpose("quantile", dim)
        x = np.arange(values.sizes[dim]) + 0.14 * (k - (len(rows) - 1) / 2)
        bars = [middle - low, high - middle] if band else None
        ax.errorbar(
            x,
            middle.values,
            yerr=None if bars is None else np.array([bar.values for bar in bars]),
            fmt=MARKS[k % len(MARKS)],
            color=PALETTE[colours[k]],
            ms=5,
            lw=1.2,
            label=name,
        )
        ax.set_xticks(range(values.sizes[dim]), [str(v) for v in values[dim].values])
    ax.axhline(1, **REFERENCE)
    return ax
