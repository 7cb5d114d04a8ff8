"""Figures of plateaus: landscapes, nested plateaus, merge trees and lines through them. They draw,
nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap

from plateaus.figures.style import BOUND, DOT, HEIGHT, MERGE, PALETTE, REFERENCE, STAR

EDGE = 0.12
"""Of a panel: contours are not labelled so close to its border that the number would be cut, nor
so close to the lowest point that it would lie on the star."""


def shades(count: int) -> list[str]:
    """``count`` colours from the smallest plateau to the largest: ordered in lightness, so also
    without hue.
    """
    return [mpl.colors.to_hex(c) for c in mpl.colormaps[MERGE](np.linspace(0.08, 0.92, count))]


def height(field: xr.Dataset, ax: Axes, *, variable: str = "height", levels: int = 14) -> Axes:
    """Contours of h_a (or of m(a, .) with ``variable="merge_height"``) on the plane, labelled in
    output units: heights in greys, merge heights in the colours of ``nested``.
    """
    values = field[variable]
    colours = MERGE if variable == "merge_height" else HEIGHT
    filled = ax.contourf(field.s, field.t, values, levels=levels, cmap=colours)
    lines = ax.contour(
        field.s, field.t, values, levels=filled.levels, colors=PALETTE["ink"], linewidths=0.3
    )
    labelled = [
        level for level in lines.levels[1::4] if (values > level).any() and (values < level).any()
    ]
    lowest = field.merge_height if "merge_height" in field else values
    anchor = lowest.isel(lowest.argmin(["s", "t"]))
    star = ax.transLimits.transform((float(anchor.s), float(anchor.t)))
    for text in ax.clabel(lines, levels=labelled, colors=PALETTE["ink"], fmt="%g"):
        x, y = ax.transLimits.transform(text.get_position())
        inside = EDGE < x < 1 - EDGE and EDGE < y < 1 - EDGE
        text.set_visible(bool(inside and max(abs(star - (x, y))) > EDGE))
        text.set_bbox({"boxstyle": "round,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.8})
    return _plane(ax)


def nested(field: xr.Dataset, ax: Axes) -> Axes:
    """The plateaus of ``field.radius`` over the landscape, one colour for each radius."""
    radii, colours = field.radius.values, shades(field.sizes["radius"])
    ax.contourf(field.s, field.t, field.height, levels=14, cmap=HEIGHT, alpha=0.6)
    smallest = np.where(field.inside.any("radius"), field.inside.argmax("radius"), np.nan)
    norm = BoundaryNorm(np.arange(len(radii) + 1) - 0.5, len(radii))
    ax.pcolormesh(
        field.s,
        field.t,
        smallest,
        cmap=ListedColormap(colours),
        norm=norm,
        shading="nearest",
        alpha=0.85,
        rasterized=True,
        linewidth=0,
    )
    return _plane(ax)


def wells(tree: xr.Dataset, ax: Axes, *, names: Sequence[str] | None = None) -> Axes:
    """Marks at the lowest points of the components: a star for the anchor, numbers for the
    others.
    """
    names = names or ["a", *map(str, range(1, tree.sizes["bar"]))]
    for k in range(tree.sizes["bar"]):
        x, y = float(tree.s[k]), float(tree.t[k])
        ax.plot(x, y, **(DOT if k else STAR))
        ax.annotate(
            names[k],
            (x, y),
            xytext=(5, 5),
            textcoords="offset points",
            color="white",
            weight="bold",
            bbox={"boxstyle": "round,pad=0.15", "fc": PALETTE["ink"], "ec": "none", "alpha": 0.75},
        )
    return ax


def merge_tree(tree: xr.Dataset, ax: Axes, *, radii: Sequence[float], top: float) -> Axes:
    """Components of {h_a < r} as r grows: lines start at births, end at mergers; radii in the
    colours of ``nested``.
    """
    count = tree.sizes["bar"]
    for r, colour in zip(radii, shades(len(radii)), strict=True):
        ax.axhline(r, color=colour, lw=3, alpha=0.85, zorder=0)
    for k in range(count):
        death = min(float(tree.death[k]), top)
        birth, width = float(tree.birth[k]), 3.2 if k == 0 else 1.4
        ax.plot([k, k], [birth, death], color=PALETTE["ink"], lw=width, solid_capstyle="butt")
        ax.plot(k, birth, **(DOT if k else STAR))
        if k:
            ax.plot([int(tree.into[k]), k], [death, death], color=PALETTE["ink"], lw=1.4)
    ax.set_xticks(range(count), ["a", *map(str, range(1, count))])
    ax.set(
        xlabel="component of $\\{h_a < r\\}$",
        ylabel="radius r (output units)",
        ylim=(-0.06 * top, top),
        xlim=(-0.5, count - 0.5),
    )
    ax.grid(False)
    return ax


def growth(share: xr.DataArray, ax: Axes, *, jumps: Sequence[float] = ()) -> Axes:
    """How much of the window the plateau covers as its radius grows; dotted lines where it swallows
    a neighbour.
    """
    for level in jumps:
        ax.axvline(level, **REFERENCE)
    ax.plot(share.radius, share, color=PALETTE["blue"])
    ax.set(
        xlabel="radius r (output units)", ylabel="share of the window in $P_r(a)$", ylim=(0, 1.02)
    )
    return ax


def line(profile: xr.Dataset, ax: Axes, *, radius: float) -> Axes:
    """h_a and m(a, .) along a line with the plateau of one radius shaded; dims ``alpha``,
    attributes ``low, high``.
    """
    ax.axvspan(
        profile.attrs["low"],
        profile.attrs["high"],
        color=PALETTE["sky"],
        alpha=0.3,
        lw=0,
        label="$P_r(a)$",
    )
    ax.axhline(radius, **BOUND, label="r")
    ax.plot(profile.alpha, profile.merge_height, color=PALETTE["orange"], lw=2.6, label="m(a, ·)")
    ax.plot(profile.alpha, profile.height, color=PALETTE["ink"], lw=1.3, label="$h_a$")
    ax.set(
        xlabel="α, in units of |b - a|",
        ylabel="height (output units)",
        xlim=(profile.alpha[0], profile.alpha[-1]),
    )
    ax.locator_params(axis="x", nbins=5)
    return ax


def words(marks: Sequence[tuple], ax: Axes) -> Axes:
    """Named points on a plane slice: ``(x, y, name, marker, size)`` each."""
    for x, y, name, marker, size in marks:
        ax.plot(x, y, marker=marker, ms=size, color="white", mec="black")
        if marker != "*":
            ax.annotate(
                name,
                (x, y),
                xytext=(-5, 6),
                textcoords="offset points",
                ha="right",
                zorder=6,
                bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 1},
            )
    ax.set(xlabel="α", ylabel="β")
    return ax


def dendrogram(tree: np.ndarray, names: Sequence[str], ax: Axes) -> Axes:
    """A tree of chains, one leaf for each name; ``tree`` is a linkage matrix of scipy."""
    from scipy.cluster.hierarchy import dendrogram as draw

    ink = PALETTE["ink"]
    with mpl.rc_context({"lines.linewidth": 1.2}):
        draw(tree, labels=list(names), ax=ax, color_threshold=0, above_threshold_color=ink)
    top = float(tree[:, 2].max())
    ax.set(ylabel="joined at radius (nats)", ylim=(-0.03 * top, 1.05 * top))
    ax.tick_params(axis="x", labelrotation=60)
    ax.grid(axis="x", visible=False)
    return ax


def barriers(before: np.ndarray, behind: np.ndarray, ax: Axes) -> Axes:
    """Excess barriers of many points before and behind a block, in the order of the former."""
    order, places = np.argsort(before), np.arange(len(before))
    ax.plot(places, before[order], "s", ms=3, color=PALETTE["blue"], label="in the input plane")
    ax.plot(places, behind[order], "o", ms=3, color=PALETTE["orange"], label="behind the encoder")
    ax.set(xlabel="node, by its barrier", ylabel="excess barrier (output units)")
    ax.legend(loc="upper left")
    return ax


def by_depth(ends: xr.DataArray, ax: Axes) -> Axes:
    """Where plateaus end (dims ``curve, depth``), one line for each curve."""
    colours = [PALETTE[name] for name in ("blue", "green", "orange", "purple", "sky")]
    for values, colour, marker in zip(ends, colours, "os^Dv", strict=False):
        ax.plot(
            ends.depth, values, color=colour, marker=marker, ms=4, label=str(values.curve.item())
        )
    ax.set(xlabel="blocks n", ylabel="upper end of the plateau of 0")
    ax.legend()
    return ax


def trade_off(points: xr.Dataset, ax: Axes) -> Axes:
    """Measured steepness against what the size of the plateaus forces; equality on the dotted
    line.
    """
    ends = [float(points.forced.min()), float(points.forced.max())]
    ax.plot(ends, ends, **REFERENCE, label="equality")
    ax.plot(
        points.forced,
        points.steepest,
        "o",
        color=PALETTE["blue"],
        ms=3,
        alpha=0.6,
        label="random networks",
    )
    ax.set(xlabel="(1 - 2r/R) / (1 - θ)", ylabel="steepest slope / R", xscale="log", yscale="log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        axis.set_minor_formatter(mpl.ticker.NullFormatter())
    ax.legend()
    return ax


def _plane(ax: Axes) -> Axes:
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    ax.grid(False)
    return ax
