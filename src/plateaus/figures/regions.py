"""Slices through three activations in colour, and the number of plateaus against their radius."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import PALETTE, ROLES


def coloured(plane: xr.Dataset, ax: Axes) -> Axes:
    """One triple of ``experiments.regions.triples``; its corners are marked in their colours."""
    edges = [float(v) for v in (plane.alpha[0], plane.alpha[-1], plane.beta[0], plane.beta[-1])]
    image = plane.colour.transpose("beta", "alpha", "channel").values
    ax.imshow(np.clip(image, 0, 1), origin="lower", extent=edges, interpolation="nearest")
    for (x, y), colour, name in zip(plane.place.values, np.eye(3), "ABC", strict=True):
        ax.plot(x, y, "o", color=colour, mec="white", ms=7, label=name)
        at = {"xytext": (6, 5), "textcoords": "offset points"}
        ax.annotate(name, (x, y), color="white", weight="bold", **at)
    ax.grid(False)
    ax.set_xlim(*edges[:2])
    ax.set_ylim(*edges[2:])
    ax.set_xlabel("α, from A to B")
    ax.set_ylabel("β, towards C")
    return ax


def numbers(results: Mapping[str, xr.Dataset], ax: Axes) -> Axes:
    """Number of plateaus against the radius; grey for step 0; down to what heights alone prove."""
    for (name, found), colour in zip(results.items(), ("blue", "grey"), strict=False):
        style = {"color": PALETTE[colour]}
        ax.plot(found.share, found.number, "o-", label=name, **style)
        ax.fill_between(found.share, found.least, found.number, alpha=0.2, lw=0, **style)
    ax.set_xscale("log")
    ax.set_xticks(found.share.values, [f"{r:g}" for r in found.share.values], minor=False)
    ax.minorticks_off()
    ax.set_xlabel("radius  [median distances]")
    ax.set_ylabel("number of plateaus")
    return ax


def boxes(groups: Mapping[str, Mapping[str, np.ndarray]], ax: Axes) -> Axes:
    """Boxes side by side of what is finite: group -> name -> values; grey are those of step 0."""
    width = 0.35
    for k, values in enumerate(groups.values()):
        others = iter(("orange", "green", "purple"))
        for j, name in enumerate(values):
            colour = PALETTE[ROLES.get(name) or next(others)]
            style = {"patch_artist": True, "widths": 0.8 * width, "showfliers": False}
            at = [k + (j - (len(values) - 1) / 2) * width]
            shown = values[name][np.isfinite(values[name])]
            drawn = ax.boxplot([shown], positions=at, manage_ticks=False, **style)
            drawn["boxes"][0].set(facecolor=colour, label=name if k == 0 else None)
            drawn["medians"][0].set(color="black")
    ax.set_xticks(range(len(groups)), list(groups))
    return ax
