"""Figures of the gallery, from the parts in ``profiles``. They draw, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from plateaus.figures import style
from plateaus.figures.geometry import height as contours
from plateaus.figures.profiles import balls, bar, height, horseshoe, legend, shell, steepness, way
from plateaus.figures.style import PALETTE, REFERENCE


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
