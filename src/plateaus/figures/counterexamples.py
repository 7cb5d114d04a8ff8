"""Figures of the gallery: one visual grammar for every counterexample. They draw, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from plateaus.figures import style
from plateaus.figures.geometry import height as contours
from plateaus.figures.style import (
    BOUND,
    CYCLE,
    DOT,
    PALETTE,
    REFERENCE,
    ROLES,
    STAR,
    plain_powers,
)


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


def sandwich(c: float, ax: Axes) -> Axes:
    """{rho < c} in the output plane, between the two balls around f(a); distances in units of D =
    |f(a) - f(b)|.
    """
    inner, outer = c, c / (1 - 2 * c)
    ax.add_patch(
        Circle(
            (0, 0),
            outer,
            fc=PALETTE["sky"],
            alpha=0.3,
            lw=0,
            label=f"radius cD/(1 - 2c) = {outer:.2g} D",
        )
    )
    ax.add_patch(
        Circle(
            ((inner - outer) / 2, 0),
            (inner + outer) / 2,
            fc=PALETTE["yellow"],
            alpha=0.6,
            lw=0,
            label=f"ρ < c = {c:g}",
        )
    )
    ax.add_patch(
        Circle((0, 0), inner, fc=PALETTE["blue"], alpha=0.6, lw=0, label=f"radius cD = {inner:g} D")
    )
    ax.plot([0, 1], [0, 0], "o", color=PALETTE["ink"], ms=4)
    for x, name in ((0, "f(a)"), (1, "f(b)")):
        ax.annotate(name, (x, 0), xytext=(4, 4), textcoords="offset points")
    ax.set(
        xlabel="along f(b) − f(a), in units of D",
        ylabel="across",
        aspect="equal",
        xlim=(-1.1 * outer, 1.2),
        xticks=[-0.5, 0, 0.5, 1],
        ylim=(-1.1 * outer, 1.1 * outer),
    )
    ax.legend()
    return ax


def row(profiles: Sequence[xr.Dataset], titles: Sequence[str], *, where: tuple) -> Figure:
    """Heights of several networks side by side, one legend."""
    fig, axes = style.subplots(1, len(profiles), height=2.5)
    for profile, ax, title in zip(profiles, axes, titles, strict=True):
        height(profile, ax).set_title(title)
    legend(axes, axes[-1], loc=where)
    return fig


def two_anchors(profiles: Sequence[xr.Dataset]) -> Figure:
    """One network seen from each of two points, and the identity seen from three."""
    fig, axes = style.subplots(1, 3, height=2.5)
    for profile, other, ax in zip(profiles, profiles[::-1], axes, strict=False):
        x = other.attrs["a"]
        holds = bool((profile.holds_a & (profile.low < x) & (x < profile.high)).any())
        verb = "holds" if holds else "misses"
        height(profile, ax).set_title(f"a = {profile.attrs['a']:g}: {verb} {x:g}")
        ax.axvline(x, **REFERENCE)
    legend(axes[:2], axes[0], loc="upper left")
    balls([0, 1, 2], 1.5, axes[2]).set_title("identity, r = 3/2")
    return fig


def misplaced_balls(kink: xr.Dataset, bent: xr.Dataset) -> Figure:
    """A ball around the wrong centre, and a ball in the metric of a bent line."""
    fig, axes = style.subplots(1, 2, height=2.6, gridspec_kw={"width_ratios": [1, 1.25]})
    height(kink, axes[0]).set_title("a late kink")
    bar((0.5, 1.5), 2, axes[0], label="ball of the printed corollary")
    axes[0].set_ylim(0, 4)
    horseshoe(bent, axes[1]).set_title("a line with a horseshoe's metric")
    return fig


def routes(fields: Sequence[xr.Dataset], ways: Sequence, titles: Sequence[str]) -> Figure:
    """Landscapes with a straight and another way on each: ``ways`` has two lists of points for
    each.
    """
    fig, axes = style.subplots(1, 2, height=2.7, gridspec_kw={"width_ratios": [1.25, 1]})
    for field, ax, (straight, detour), title in zip(fields, axes, ways, titles, strict=True):
        contours(field, ax).set_title(title)
        way(straight, ax, label="straight")
        way(detour, ax, label="another way")
    axes[1].legend()
    return fig


def normalised(field: xr.Dataset, levels: xr.DataArray) -> Figure:
    """One entry of a LayerNorm with a disc in the way, and what the disc costs (dims ``epsilon,
    rho``).
    """
    fig, axes = style.subplots(1, 2, height=2.8)
    contours(field, axes[0]).set_title("ε = 0.1")
    shell(1.0, axes[0])
    for level, colour in zip(levels, ("sky", "blue", "ink"), strict=False):
        label = f"ε = {level.epsilon.item():.10f}".rstrip("0")
        axes[1].plot(levels.rho, level, color=PALETTE[colour], label=label)
    axes[1].set(xlabel="ρ", ylabel="$m_X(a, b)$", ylim=(0, 1.5))
    axes[1].legend()
    return fig


def tents(steep: dict[str, xr.Dataset], low: xr.Dataset, tent: xr.Dataset) -> Figure:
    """Slopes of tent maps, one that is all plateau, and one that is cut to pieces."""
    fig, axes = style.subplots(1, 3, height=2.5)
    for label, result in steep.items():
        steepness(result, axes[0], label=label)
    axes[0].set(title="tent / 10: slopes", ylim=(0.1, 20))
    axes[0].legend()
    height(low, axes[1]).set_title("n = 4: one plateau")
    height(tent, axes[2]).set_title(f"undivided: {tent.sizes['component']} parts")
    return fig


def driven(drive: xr.Dataset) -> Figure:
    """A map of the line and the relative distance that it makes."""
    fig, axes = style.subplots(1, 2, height=2.3)
    axes[0].plot(drive.alpha, drive.output, color=PALETTE["ink"])
    axes[0].set(xlabel="x", ylabel="f(x)", title="slopes 1, 161, 1")
    axes[1].plot(drive.alpha, drive.relative_distance, color=PALETTE["blue"])
    axes[1].set(xlabel="α", ylabel="ρ", title="flat, jump, flat")
    return fig
