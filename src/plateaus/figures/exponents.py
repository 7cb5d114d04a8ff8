"""Figures of finite-time exponents: fields with plateau boundaries, sweeps over radii, segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

from plateaus.figures.style import DOT, PALETTE, REFERENCE


def field(found: xr.Dataset, ax: Axes, *, radii: Sequence[float], limits: tuple) -> QuadMesh:
    """The exponent on one plane, and the boundaries of the plateau of a at some radii."""
    drawn = ax.pcolormesh(
        found.alpha, found.beta, found.exponent, cmap="cividis", vmin=limits[0], vmax=limits[1]
    )
    for r, style in zip(radii, ("-", "--", ":"), strict=False):
        level = found.merged.values
        if level.min() < r < level.max():
            ax.contour(found.alpha, found.beta, level, [r], colors="white", linestyles=style)
    for x, name in ((0, "a"), (1, "b")):
        ax.plot(x, 0, **DOT)
        ax.annotate(name, (x, 0), xytext=(4, 4), textcoords="offset points", color="white")
    ax.set(xlabel="α", ylabel="β", aspect="equal")
    return drawn


def sweep(
    found: xr.Dataset,
    ax: Axes,
    *,
    names: Sequence[str] = ("overlap", "shifted"),
    ylabel: str = "overlap",
    chance: float = 0.5,
) -> Axes:
    """Median and quartiles over planes of a number of the boundary and of the shifted one."""
    colours = (PALETTE["blue"], PALETTE["grey"])
    for name, colour, label in zip(names, colours, ("boundary", "shifted"), strict=True):
        low, middle, high = (found[name].quantile(q, dim="plane") for q in (0.25, 0.5, 0.75))
        ax.plot(found.share, middle, "o-", ms=3, color=colour, label=label)
        ax.fill_between(found.share, low, high, color=colour, alpha=0.2, lw=0)
    ax.axhline(chance, **REFERENCE)
    ax.set(xlabel="r / distance of a to b", ylabel=ylabel, ylim=(0, 1))
    return ax


def slopes(x: np.ndarray, height: np.ndarray, log_speed: np.ndarray, r: float, ax: Axes) -> Axes:
    """A map of one variable: height over a point, its radius, and the logarithm of the speed."""
    ax.plot(x, height, color=PALETTE["blue"], label="height h")
    ax.axhline(r, color=PALETTE["orange"], ls="--", lw=1, label="r")
    other = ax.twinx()
    other.plot(x, log_speed, color=PALETTE["ink"], lw=0.8, alpha=0.7)
    other.set_ylabel("log of the speed")
    other.grid(False)  # it would lie on the curve
    # Of a constant speed the axis would have digits of noise
    other.set_ylim(min(log_speed.min(), -1), max(log_speed.max(), 1))
    ax.set(xlabel="x", ylabel="h")
    return ax
