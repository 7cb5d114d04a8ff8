"""Exponents on planes through activations, beside the plateaus of their outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.geometry import flood, paths
from plateaus.measures import exponents
from plateaus.networks.network import Network

WINDOW = (-0.25, 1.25)
"""Of both coordinates of a plane; a is at (0, 0), b at (1, 0)."""


def plane(net: Network, a: Tensor, b: Tensor, c: Tensor, *, steps: int = 31) -> xr.Dataset:
    """The plane through three points that enter ``net``, with two derivatives for each node.

    Returns:
        ``exponent`` [per block], the largest on the plane; ``second``; ``height``, the distance of
        the output from that of a in units of b's; ``merged``, the height at which a sampled path in
        the window joins the node to a; dims ``beta, alpha``.
    """
    a, b, c = (net.check(x) for x in (a, b, c))
    e1, e2 = paths.plane_axes(a, b, c)
    points = paths.plane(a, b, c, steps=steps, alpha=WINDOW, beta=WINDOW)
    flat = points.reshape(-1, points.shape[-1])
    images = exponents.pushed(net, flat, exponents.frame(e1, e2))
    found = exponents.exponents(images, len(net)).reshape(steps, steps, 2)
    with torch.no_grad():
        y = net.trace(torch.cat([a[None], b[None], flat]))[-1].double()
    away = (y - y[0]).norm(dim=-1)
    height = (away[2:] / away[1]).reshape(steps, steps).numpy(force=True)
    at = np.linspace(*WINDOW, steps)
    source = (int(np.abs(at).argmin()),) * 2
    values = {
        "exponent": found[..., 0].numpy(force=True),
        "second": found[..., 1].numpy(force=True),
    }
    values |= {"height": height, "merged": flood.over_grid(height, source)}
    return xr.Dataset(
        {name: (("beta", "alpha"), v) for name, v in values.items()},
        coords={"beta": at, "alpha": at},
        attrs={"blocks": len(net)},
    )


@checked
def planes(ends: Ends, count: int, *, steps: int = 31) -> xr.Dataset:
    """``plane`` of the first pairs, each with the second end of the next pair as third point."""
    rows, b = [], ends.b
    for k in range(count):
        part = next(ends[[k]].parts(steps))
        rows.append(plane(part.net, part.a[0], part.b[0], b[(k + 1) % len(b)], steps=steps))
    return xr.concat(rows, "plane").assign_attrs(ends.attrs, steps=steps)


SWEPT = ("overlap", "shifted", "on_ridge", "shifted_on_ridge", "ridge", "boundary")


def sweep(found: xr.Dataset, shares: Sequence[float]) -> xr.Dataset:
    """Do plateaus end on ridges? For each plane and radius (in units of the distance of a and b).

    Returns:
        ``overlap`` of the exponent with the boundary of the plateau of a, and with that boundary
        ``shifted`` by half a window; the shares of both boundaries that are a node of a ridge or
        next to one, ``on_ridge`` and ``shifted_on_ridge``, and the share of the plane that is,
        ``ridge``; ``boundary``, the share of nodes on it; dims ``plane, share``.
    """
    shape = found.sizes["plane"], len(shares)
    values = {name: np.full(shape, np.nan) for name in SWEPT}
    for i in range(shape[0]):
        one = found.isel(plane=i)
        field = one.exponent.values
        band = exponents.widened(exponents.ridges(field))
        for j, r in enumerate(shares):
            edge = exponents.edge(one.merged.values < r)
            moved = exponents.shifted(edge)
            on = (band[e].mean() if e.any() else np.nan for e in (edge, moved))
            row = exponents.overlap(field, edge), exponents.overlap(field, moved), *on
            for name, x in zip(SWEPT, (*row, band.mean(), edge.mean()), strict=True):
                values[name][i, j] = x
    return xr.Dataset(
        {name: (("plane", "share"), v) for name, v in values.items()},
        coords={"share": list(shares)},
        attrs=found.attrs,
    )
