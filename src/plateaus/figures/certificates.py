"""Figures of certificates: what bounds and grids prove, and what a path search finds. They draw,
nothing else.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from plateaus.figures.style import PALETTE, REFERENCE, colours, plain_powers

METHOD_COLOURS = {"product": "purple", "interval": "sky", "jacobian": "blue", "linear": "orange"}
NAMES = {
    "product": "product",
    "interval": "interval",
    "jacobian": "Jacobian",
    "linear": "linear",
}


def shares(found: xr.Dataset, ax: Axes) -> Axes:
    """Certified over exact radius, a point for each network and a bar at the median of each
    method.
    """
    for k, method in enumerate(found.bound.values):
        values = found.share.sel(bound=method)
        spread = k + np.linspace(
            -0.24, 0.24, found.sizes["case"]
        )  # side by side, so that equal values are seen
        ax.plot(
            spread,
            np.sort(values),
            "o",
            ms=3,
            alpha=0.65,
            color=PALETTE[METHOD_COLOURS[method]],
            mew=0,
        )
        ax.hlines(values.median(), k - 0.32, k + 0.32, color=PALETTE["ink"], lw=2, zorder=3)
    ax.axhline(1, **REFERENCE)
    ax.set(
        yscale="log", ylabel="certified / exact inner radius", xticks=range(found.sizes["bound"])
    )
    ax.set_xticklabels([NAMES[m] for m in found.bound.values], rotation=30)
    plain_powers(ax.yaxis)
    return ax


def depth(found: xr.Dataset, ax: Axes) -> Axes:
    """Certified radii as blocks are added, below the least exit along sampled rays."""
    for method in found.bound.values:
        ax.plot(
            found.depth,
            found.radius.sel(bound=method),
            "o-",
            ms=4,
            color=PALETTE[METHOD_COLOURS[method]],
            label=NAMES[method],
        )
    ax.plot(found.depth, found.rays, "s--", ms=4, color=PALETTE["ink"], label="rays (upper bound)")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="residual blocks",
        ylabel="radius (input units)",
        xticks=found.depth.values,
    )
    ax.set_xticklabels(found.depth.values)
    plain_powers(ax.yaxis)
    ax.minorticks_off()
    return ax


def verdicts(field: xr.Dataset, ax: Axes) -> Axes:
    """Nodes proved inside (dark), proved outside (light) and undecided (orange); the exact border
    on top.
    """
    colours = ListedColormap(["#F2F2F2", PALETTE["yellow"], PALETTE["blue"]])
    ax.pcolormesh(
        field.s,
        field.t,
        field.verdict,
        cmap=colours,
        vmin=-1.5,
        vmax=1.5,
        shading="nearest",
        rasterized=True,
    )
    ax.contour(
        field.s,
        field.t,
        field.merge_height,
        levels=[field.attrs["radius"]],
        colors="black",
        linewidths=0.8,
    )
    ax.set(
        xlabel="$x_1$",
        ylabel="$x_2$",
        aspect="equal",
        title=f"{field.attrs['steps']} × {field.attrs['steps']} nodes",
    )
    ax.locator_params(nbins=5)
    ax.grid(False)
    return ax


def power(found: xr.Dataset, ax: Axes) -> Axes:
    """For each network the straight slice, the certified path and the known merge height, on one
    line.
    """
    rows = np.arange(found.sizes["network"])[::-1]
    ax.hlines(rows, found.certified, found.straight, color=PALETTE["sky"], lw=2)
    ax.plot(found.straight, rows, "s", color=PALETTE["ink"], label="straight segment")
    ax.plot(
        found.known, rows, "D", ms=9, mfc="none", mec=PALETTE["green"], mew=1.5, label="m, by proof"
    )
    ax.plot(found.certified, rows, "o", color=PALETTE["orange"], label="found path, certified")
    ax.set(yticks=rows, xlabel="highest $h_a$ on the path (output units)")
    ax.set_yticklabels(found.network.values)
    return ax


def profile(pair: xr.Dataset, ax: Axes) -> Axes:
    """h_a along the straight segment and along the found path of one pair; the shaded radii
    separate only on the segment.
    """
    ax.axhspan(float(pair.found), float(pair.straight), color=PALETTE["sky"], alpha=0.3, lw=0)
    ax.plot(pair.t, pair.height_straight, color=PALETTE["ink"], label="straight segment")
    ax.plot(pair.t, pair.height_found, color=PALETTE["orange"], label="found path")
    ax.set(xlabel="place on the path", ylabel="$h_a$ (nats)", xlim=(0, 1))
    words = str(pair.label.values).split(" … ")[1]
    ax.set_title(words)
    return ax


def excess(found: xr.Dataset, ax: Axes) -> Axes:
    """Excess barriers before and after the search, a line for each pair, in the order of the
    barriers.
    """
    rows = np.arange(found.sizes["pair"])
    before, after = found.straight - found.end, found.found - found.end
    ax.vlines(rows, after, before, color=PALETTE["sky"], lw=2)
    ax.plot(rows, before, "s", ms=4, color=PALETTE["ink"], label="straight segment")
    ax.plot(rows, after, "o", ms=4, color=PALETTE["orange"], label="found path")
    ax.set(xlabel="pair", ylabel="excess over $h_a(b)$ (nats)")
    return ax


def growth(found: dict[str, xr.Dataset], ax: Axes, *, dim: str, label: str) -> Axes:
    """Pieces against depth or width on doubly logarithmic axes: medians, and every pair as a small
    mark where there are several.
    """
    colour = colours(found)
    for (name, result), marker in zip(found.items(), "os^", strict=False):
        pieces = result.pieces
        if samples := [d for d in pieces.dims if d != dim]:
            each = pieces.stack(sample=samples).transpose(dim, "sample")
            look = {"ls": "none", "ms": 2.5, "alpha": 0.5, "color": colour[name]}
            ax.plot(result[dim], each, marker=marker, **look)
            pieces = each.median("sample")
        ax.plot(result[dim], pieces, marker=marker, ms=5, color=colour[name], label=name)
    ax.set(xlabel=label, ylabel="affine pieces", xscale="log", yscale="log")
    ticks = next(iter(found.values()))[dim].values
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    plain_powers(ax.yaxis)
    ax.minorticks_off()
    return ax
