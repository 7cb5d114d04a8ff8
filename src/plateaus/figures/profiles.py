"""Parts of the gallery's figures, each on one panel: one visual grammar for all of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from plateaus.figures.style import BOUND, CYCLE, DOT, PALETTE, ROLES, STAR, plain_powers


def height(profile: xr.Dataset, ax: Axes, *, shade: str = "sky") -> Axes:
    """h_a with its plateau (filled) and the other components of {h_a < r} (hatched); a is the
    star.
    """
    for low, high, holds in zip(
        profile.low.values, profile.high.values, profile.holds_a.values, strict=True
    ):
        look = (
            {"color": PALETTE[shade], "alpha": 0.45, "lw": 0}
            if holds
            else {
                "facecolor": "none",
                "edgecolor": PALETTE["orange"],
                "hatch": "////",
                "alpha": 0.6,
                "lw": 0,
            }
        )
        ax.axvspan(low, high, label="$P_r(a)$" if holds else "$h_a < r$, elsewhere", **look)
    ax.axhline(profile.attrs["radius"], **BOUND, label="r")
    ax.plot(profile.x, profile.height, color=PALETTE["ink"], lw=1.5, label="$h_a$")
    ax.plot(profile.attrs["a"], 0, **STAR, clip_on=False)
    ax.set(xlabel="x", ylabel="$h_a(x)$", xlim=(profile.x[0], profile.x[-1]))
    ax.set_ylim(bottom=0)
    return ax


def legend(axes: Sequence[Axes], ax: Axes, **options: object) -> None:
    """One legend for a row of panels, each entry once."""
    entries = {
        label: handle
        for panel in axes
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    ax.legend(entries.values(), entries.keys(), **options)


def balls(anchors: Sequence[float], radius: float, ax: Axes) -> Axes:
    """The plateaus of several anchors on the identity, one above the other."""
    colours = [PALETTE[name] for name in ("sky", "green", "purple")]
    for level, (x, colour) in enumerate(zip(anchors, colours, strict=False)):
        ax.plot(
            [x - radius, x + radius],
            [level, level],
            color=colour,
            lw=9,
            solid_capstyle="butt",
            alpha=0.5,
        )
        for y in anchors:
            inside = abs(y - x) < radius
            ax.plot(y, level, **(DOT | {"color": PALETTE["ink"] if inside else "white"}))
        ax.plot(x, level, **STAR)
    ax.set(xlabel="x", yticks=range(len(anchors)), ylim=(-0.6, len(anchors) - 0.4), xticks=anchors)
    ax.set_yticklabels([f"P({x:g})" for x in anchors])
    return ax


def horseshoe(bent: xr.Dataset, ax: Axes) -> Axes:
    """A line bent into the plane, the part of it inside a square ball, and the part where h_a >=
    r.
    """
    (u, v), radius = bent.attrs["centre"], bent.attrs["radius"]
    ax.add_patch(
        Rectangle(
            (u - radius, v - radius), 2 * radius, 2 * radius, color=PALETTE["sky"], alpha=0.35, lw=0
        )
    )
    ax.plot(bent.u, bent.v, color=PALETTE["ink"], lw=1)
    for mask, colour, width, label in (
        (bent.in_ball, "blue", 3, "in the ball"),
        (bent.blocked, "orange", 4, "$h_a \\geq r$"),
    ):
        ax.plot(
            bent.u.where(mask), bent.v.where(mask), color=PALETTE[colour], lw=width, label=label
        )
    ax.plot(u, v, **STAR)
    ax.set(xlabel="$\\varphi_1(x)$", ylabel="$\\varphi_2(x)$", aspect="equal")
    ax.legend()
    return ax


def steepness(steep: xr.Dataset, ax: Axes, *, label: str) -> Axes:
    """|f'| piece by piece, on a logarithmic axis."""
    x = np.repeat(np.append(steep.low.values, steep.high.values[-1]), 2)[1:-1]
    colour = PALETTE[CYCLE[len(ax.get_lines())]]
    ax.plot(x, np.repeat(steep.slope.values, 2), lw=1.5, color=colour, label=label)
    ax.set(xlabel="x", ylabel="$|f'(x)|$", yscale="log", xlim=(x[0], x[-1]))
    plain_powers(ax.yaxis)
    return ax


def way(points: Sequence[Sequence[float]], ax: Axes, *, label: str) -> Axes:
    """A path on a plane, with its two ends marked a (star) and b (dot); ``label`` is its role."""
    x, y = np.array(points, dtype=float).T
    ax.plot(x, y, color=PALETTE[ROLES[label]], lw=2, label=label)
    ax.plot(x[0], y[0], **STAR)
    ax.plot(x[-1], y[-1], **DOT)
    return ax


def bar(ends: tuple[float, float], level: float, ax: Axes, *, label: str) -> Axes:
    """A stretch of the axis that is spoken of, drawn at some height, with its name to the left."""
    ax.plot(ends, [level, level], color=PALETTE["orange"], lw=5, solid_capstyle="butt")
    look = {"xytext": (-4, 4), "textcoords": "offset points", "ha": "right"}
    ax.annotate(label, (ends[0], level), **look)
    return ax


def shell(radius: float, ax: Axes) -> Axes:
    """A disc that paths must not enter, between a (star) and b = -a (dot)."""
    ax.add_patch(Circle((0, 0), radius, fc="white", ec=PALETTE["orange"], hatch="////", alpha=0.8))
    way([(2**0.5, 0), (-(2**0.5), 0)], ax, label="straight")
    ax.set(xlabel="along (0, 1, -1)", ylabel="along (2, -1, -1)")
    return ax
