"""Figures of the toy networks: task, curves along segments, sharpness by block and through
training, contours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.image import AxesImage

from plateaus.figures.readouts import axis
from plateaus.figures.style import MERGE, PALETTE, REFERENCE, STAR, colour_bar, colours

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
            color=colours([label])[label],
            lw=0.8,
            alpha=0.6,
            label=label if k == 0 else None,
        )
    ax.plot([0, 1], [0, 1], **REFERENCE, label="affine network")
    ax.set(xlabel="α, from a to b", ylabel="d(α) / d(1)", ylim=(-0.05, 1.75), xlim=(0, 1))
    return ax


def by_readout(
    results: Mapping[str, xr.DataArray], ax: Axes, *, straight: float, ylabel: str
) -> Axes:
    """A measure at every read-out, dims ``seed, readout``: a thin line for each seed, a thick one
    for their median.
    """
    colour = colours(results)
    for name, result in results.items():
        at = axis(result, ax)
        ax.plot(at, result.transpose("readout", "seed"), color=colour[name], lw=0.6, alpha=0.5)
        ax.plot(at, result.median("seed"), color=colour[name], lw=2.2, label=name)
    ax.axhline(straight, **REFERENCE, label="affine network")
    ax.set_ylabel(ylabel)
    return ax


def through_training(
    result: xr.DataArray,
    ax: Axes,
    *,
    ylabel: str,
    colour: str = "blue",
    label: str = "median over seeds",
    again: xr.DataArray | None = None,
) -> Axes:
    """A measure at every checkpoint, dims ``step, seed``, on a logarithmic axis of steps; crosses
    are the same of other trainings.
    """
    steps, shade = result.step.values, PALETTE[colour]
    ax.plot(steps, result.transpose("step", "seed"), color=shade, lw=0.7, alpha=0.6)
    ax.plot(steps, result.median("seed"), color=shade, lw=2.2, marker="o", ms=4, label=label)
    if again is not None:
        at = np.repeat(again.step.values, again.sizes["seed"])
        ax.plot(at, again.transpose("step", "seed").values.ravel(), "x", color=PALETTE["ink"], ms=5,
                zorder=4, label="trained here")  # fmt: skip
    ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    powers = [10**k for k in range(int(np.log10(max(steps[-1], 1))) + 1)]
    ax.set_xticks([0, *powers], ["0", *map(str, powers)])
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
    filled = ax.contourf(
        field.x1, field.x2, field[variable] / scale, levels=edges, extend="max", cmap=MERGE
    )
    ax.contour(
        field.x1,
        field.x2,
        field[variable] / scale,
        levels=edges[1:],
        colors="white",
        linewidths=0.5,
    )
    ax.plot(*field.attrs["anchor"], **STAR)
    if bar is not None:
        words = f"{field[variable].attrs['long_name']} / R"
        colour_bar(filled, bar, label=words)
    return _plane(ax)


def moments(terrain: xr.DataArray, at: xr.DataArray, axes: np.ndarray, *, label: str) -> AxesImage:
    """Merge heights around one point through training, dims ``moment, x2, x1`` in units of R: a row
    of panels, bands of a tenth, an image each; ``at`` is the point, ``label`` names the row.
    """
    bands = BoundaryNorm(np.linspace(0, 1, 11), 256, extend="max")
    square = (*terrain.x1.values[[0, -1]], *terrain.x2.values[[0, -1]])
    look = {"cmap": MERGE, "norm": bands, "interpolation": "none"}
    for ax, moment in zip(axes, terrain.moment.values, strict=True):
        heights = terrain.sel(moment=moment).transpose("x2", "x1")
        image = ax.imshow(heights, origin="lower", extent=square, **look)
        ax.plot(*at.values, **STAR)
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    axes[0].set_ylabel(label)
    return image


def _plane(ax: Axes) -> Axes:
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    return ax
