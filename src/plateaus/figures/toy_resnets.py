"""Figures of the toy networks: task, curves along segments, sharpness by block and through
training, contours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from plateaus.figures.readouts import labels
from plateaus.figures.style import PALETTE

COLOURS = {
    "untrained": PALETTE["grey"],
    "trained": PALETTE["blue"],
    "shuffled labels": PALETTE["orange"],
}
CLASSES = [PALETTE[name] for name in ("sky", "yellow", "green", "purple", "orange")]


def task(field: xr.DataArray, samples: xr.DataArray, ax: Axes) -> Axes:
    """Classes a network names on the plane (``field``: dims x2, x1), with labelled samples on top.

    ``samples`` has dims ``sample, axis`` and a coordinate ``label``.
    """
    shades = ListedColormap(CLASSES[: int(max(field.max(), samples.label.max())) + 1])
    ax.pcolormesh(
        field.x1,
        field.x2,
        field,
        cmap=shades,
        vmin=-0.5,
        vmax=shades.N - 0.5,
        alpha=0.35,
        shading="nearest",
        rasterized=True,
        linewidth=0,
    )
    ax.scatter(
        *samples.values.T,
        c=samples.label,
        cmap=shades,
        vmin=-0.5,
        vmax=shades.N - 0.5,
        s=7,
        linewidths=0,
    )
    return _plane(ax)


def curves(result: xr.DataArray, ax: Axes, *, label: str) -> Axes:
    """Curves along segments, dims ``pair, alpha``, over the straight line of an affine network."""
    for k, line in enumerate(result):
        ax.plot(
            result.alpha,
            line,
            color=COLOURS[label],
            lw=0.8,
            alpha=0.6,
            label=label if k == 0 else None,
        )
    ax.plot([0, 1], [0, 1], color=PALETTE["ink"], lw=1, ls=":", label="affine network")
    ax.set(
        xlabel="position α along the segment", ylabel="d(α) / d(1)", ylim=(-0.05, 1.75), xlim=(0, 1)
    )
    return ax


def by_readout(
    results: Mapping[str, xr.DataArray], ax: Axes, *, straight: float, ylabel: str
) -> Axes:
    """A measure at every read-out, dims ``seed, readout``: a thin line for each seed, a thick one
    for their median.
    """
    for name, result in results.items():
        names = labels(result)
        # What the head adds stands apart from the blocks.
        at = np.cumsum([1 if n.isdigit() else 4 for n in names])
        ax.plot(at, result.transpose("readout", "seed"), color=COLOURS[name], lw=0.6, alpha=0.5)
        ax.plot(at, result.median("seed"), color=COLOURS[name], lw=2.2, label=name)
    ax.axhline(straight, color=PALETTE["ink"], ls=":", lw=1, label="affine network")
    shown = [i for i, n in enumerate(names) if not n.isdigit() or i % 5 == 4 or i == 0]
    ax.set_xticks(at[shown], [{"probabilities": "prob."}.get(names[i], names[i]) for i in shown])
    ax.set(xlabel="read after block, or at", ylabel=ylabel)
    return ax


def through_training(result: xr.DataArray, ax: Axes, *, ylabel: str) -> Axes:
    """A measure at every checkpoint, dims ``step, seed``, on a logarithmic axis of steps."""
    steps = result.step.values
    ax.plot(steps, result.transpose("step", "seed"), color=COLOURS["trained"], lw=0.7, alpha=0.6)
    ax.plot(
        steps,
        result.median("seed"),
        color=COLOURS["trained"],
        lw=2.2,
        marker="o",
        ms=4,
        label="median over seeds",
    )
    ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    ax.set_xticks([0, *(10.0**k for k in range(int(np.log10(max(steps[-1], 1))) + 1))])
    ax.set(xlabel="training step", ylabel=ylabel, ylim=(0, None))
    return ax


def contours(
    field: xr.Dataset,
    ax: Axes,
    *,
    scale: float,
    variable: str = "merge_height",
    levels: int = 10,
    bar: Sequence[Axes] | None = None,
) -> Axes:
    """Contours of the merge height (or of h_a) in units of ``scale``, with the anchor; the borders
    of plateaus.

    Args:
        bar: the axes that one colour bar stands beside; none is drawn without.
    """
    edges = np.linspace(0, 1, levels + 1)
    filled = ax.contourf(field.x1, field.x2, field[variable] / scale, levels=edges, extend="max")
    ax.contour(
        field.x1,
        field.x2,
        field[variable] / scale,
        levels=edges[1:],
        colors="white",
        linewidths=0.5,
    )
    ax.plot(
        *field.attrs["anchor"], marker="*", ms=13, color=PALETTE["orange"], mec="white", ls="none"
    )
    if bar is not None:
        ax.figure.colorbar(
            filled, ax=list(bar), shrink=0.9, label=f"{field[variable].attrs['long_name']} / R"
        )
    return _plane(ax)


def _plane(ax: Axes) -> Axes:
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    return ax
