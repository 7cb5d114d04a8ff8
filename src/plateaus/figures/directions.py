"""KL against the angle of a perturbation, and the angle at which it is felt over a triangle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from plateaus.figures.style import PALETTE, plain_powers

COLOURS = [PALETTE[c] for c in ("blue", "orange", "green", "purple")]
SMALLEST = 1e-4
"""Nats: the lowest KL drawn."""


def against_angle(results: Mapping[str, xr.Dataset], ax: Axes) -> Axes:
    """Median and quartiles over ``pair`` of KL against degrees, on a logarithmic axis."""
    ax.axhline(0.5, color=PALETTE["ink"], ls=":", lw=1)
    for (name, result), colour in zip(results.items(), COLOURS, strict=False):
        q = result.kl.quantile([0.25, 0.5, 0.75], dim="pair").clip(min=SMALLEST)
        grey = name.startswith("step 0")
        style = {"color": PALETTE["grey"] if grey else colour}
        ax.plot(result.degrees, q.sel(quantile=0.5), label=name, **style)
        ax.fill_between(
            result.degrees, q.sel(quantile=0.25), q.sel(quantile=0.75), alpha=0.15, lw=0, **style
        )
    ax.set_yscale("log")
    plain_powers(ax.yaxis)
    ax.set_xticks([0, 45, 90, 135, 180])
    ax.set_xlabel("angle θ  [degrees]")
    ax.set_ylabel("KL from the base point  [nats]")
    return ax


def heat(triangles: xr.Dataset, ax: Axes, names: tuple[str, str, str]):
    """Median over ``pair`` of the angle at every mixture of three targets; returns the mappable."""
    corners = np.array([[0.5, np.sqrt(0.75)], [0, 0], [1, 0]])
    weights = np.stack([triangles[f"w{k}"].values for k in range(3)], axis=1)
    place = weights @ corners
    size = 0.6 / np.sqrt(len(place))
    turns = np.linspace(0, 2 * np.pi, 7)[:-1] + np.pi / 6
    hexagon = size * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    cells = PolyCollection(place[:, None] + hexagon, array=triangles.reach.median("pair").values)
    cells.set_cmap("cividis")
    ax.add_collection(cells)
    beside = 1.15 * size  # a hexagon's corner is `size` from its middle
    for (x, y), name, up in zip(corners, names, (1, -1, -1), strict=True):
        ax.text(x, y + up * beside, name, ha="center", va="bottom" if up > 0 else "top")
    ax.set_xlim(-0.3, 1.3)
    ax.set_ylim(-0.45, 1.3)
    ax.set_aspect("equal")
    ax.axis("off")
    return cells
