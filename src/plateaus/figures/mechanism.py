"""Maps of patch and reading, and which sublayers carry a boundary."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from plateaus.figures.style import BOUND, PALETTE, REFERENCE, colours

NAMES = {"attention": "attention", "mlp": "MLP"}


def patch_by_reading(width: xr.DataArray, ax: Axes) -> AxesImage:
    """Median width for each patched block (up) and each block read behind (right)."""
    shown = width.median("pair").transpose("block_in", "readout")
    low, high = int(shown.block_in[0]) - 0.5, int(shown.block_in[-1]) + 0.5
    image = ax.imshow(shown, origin="lower", extent=(low, high, low, high), cmap="cividis",
                      vmin=0.4, vmax=0.8)  # fmt: skip
    ax.grid(False)
    ax.set_xlabel("read after block")
    ax.set_ylabel("patched at block")
    return image


def halves(carried: xr.DataArray, ax: Axes) -> Axes:
    """Bars of what attention and the MLP of each block add; dims ``block, half``."""
    place = np.arange(carried.sizes["block"])
    for shift, half, colour in ((-0.2, "attention", "green"), (0.2, "mlp", "orange")):
        bars = carried.sel(half=half)
        ax.bar(place + shift, bars, 0.4, color=PALETTE[colour], label=NAMES[half])
    ax.axhline(0, **REFERENCE)
    ax.set_xticks(place[::2], carried.block.values[::2])
    ax.set_xlabel("block")
    return ax


def steps(results: Mapping[str, xr.DataArray], ax: Axes) -> Axes:
    """Median and quartiles over pairs of the length of a step, over the median step of its path,
    against the distance from the turn of the prediction.
    """
    colour = colours(results)
    ax.axhline(1, **REFERENCE)
    ax.axvline(0, **BOUND)
    for name, step in results.items():
        low, middle, high = step.quantile([0.25, 0.5, 0.75], dim="pair", skipna=True)
        ax.plot(step.offset, middle, color=colour[name], label=name)
        ax.fill_between(step.offset, low, high, color=colour[name], alpha=0.18, lw=0)
    ax.set_xlabel("α, from the turn of the prediction")
    ax.set_ylabel("step over median step")
    return ax


def one_by_one(change: Mapping[str, np.ndarray], blocks: np.ndarray, ax: Axes) -> Axes:
    """What holding one sublayer of a block changes, (value, low, high) of each block ``(3, block)``
    for attention and MLP.
    """
    ax.axhline(0, **REFERENCE)
    for shift, half, colour in ((-0.15, "attention", "green"), (0.15, "mlp", "orange")):
        value, low, high = change[half]
        ax.vlines(blocks + shift, low, high, color=PALETTE[colour])
        ax.plot(blocks + shift, value, "o", ms=5, color=PALETTE[colour], label=half)
    ax.set_xticks(blocks[::2], blocks[::2])
    ax.set_xlabel("block held")
    return ax


def missed(distances: Mapping[str, np.ndarray], ax: Axes) -> Axes:
    """Share of pairs whose curve is at most so far off, for each prediction by its name, in the
    colours that predictions have beside ``ρ``.
    """
    colour = colours(["ρ", *distances])
    for name, off in distances.items():
        x = np.concatenate([[0.0], np.sort(off)])
        ax.plot(
            x, np.linspace(0, 1, len(x)), color=colour[name], label=name, drawstyle="steps-post"
        )
    ax.set_xlabel("largest distance from ρ")
    ax.set_ylabel("share of pairs")
    ax.set_xlim(0, 0.6)
    ax.set_ylim(0, 1.02)
    return ax


def explained(shares: Mapping[str, tuple[float, float, float]], ax: Axes, *, asked: float) -> Axes:
    """A dot with its interval for each name, (value, low, high); dashed: what a rule asks for."""
    rows = np.arange(len(shares))[::-1]
    value, low, high = np.array(list(shares.values())).T
    ax.hlines(rows, low, high, color=PALETTE["blue"])
    ax.plot(value, rows, "o", color=PALETTE["blue"])
    ax.axvline(0, **REFERENCE)
    ax.axvline(asked, **BOUND)
    ax.set_yticks(rows, shares)
    ax.set_xlim(-0.7, 1.0)
    ax.set_xticks([-0.5, 0.0, 0.5])
    ax.set_xlabel("share of variance explained")
    return ax
