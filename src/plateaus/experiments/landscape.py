"""The plane of a network's inputs: heights, merge heights, plateaus and classes at every node."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter, BadRadius
from plateaus.experiments.given import checked
from plateaus.geometry import paths
from plateaus.geometry.height import Height
from plateaus.measures.plateaus import components
from plateaus.networks.network import Network


@checked
def landscape(
    net: Network, anchor: Tensor, *, half_width: float = 1.0, resolution: int = 101
) -> xr.Dataset:
    """h_a and the merge height m(a, .) over the square [-half_width, half_width]^2 of a network on
    R^2.

    Both are sampled at ``resolution`` x ``resolution`` nodes: a picture, not a certificate, because
    no Lipschitz bound comes with it. Paths stay in the window.

    Returns:
        ``height`` and ``merge_height``, dims ``x2, x1``, in units of the output space; attributes
        ``anchor`` and ``source``, the (row, column) of the node nearest to it.
    """
    _on_the_plane(net)
    anchor = net.check(anchor)
    unit = torch.eye(2).to(anchor)
    low, high = (-half_width - anchor).tolist(), (half_width - anchor).tolist()
    plane = Height(net, anchor).plane(
        anchor + unit[0],
        anchor + unit[1],
        steps=resolution,
        alpha=(low[0], high[0]),
        beta=(low[1], high[1]),
        arithmetic="sampled",
    )
    x1, x2 = plane.s + float(anchor[0]), plane.t + float(anchor[1])
    return xr.Dataset(
        {
            "height": (("x2", "x1"), plane.heights, {"long_name": "h_a"}),
            "merge_height": (("x2", "x1"), plane.merge_heights, {"long_name": "m(a, ·)"}),
        },
        coords={"x1": x1, "x2": x2},
        attrs={
            "anchor": anchor.tolist(),
            "source": list(plane.source),
            "model": net.name,
            "metric": "l2",
        },
    )


@checked
def classes(net: Network, *, half_width: float = 1.0, resolution: int = 101) -> xr.DataArray:
    """The class with the largest logit at every node of the square; dims ``x2, x1``."""
    _on_the_plane(net)
    low, high = (-half_width, -half_width), (half_width, half_width)
    with torch.no_grad():
        named = net(paths.grid(low, high, steps=resolution)).argmax(-1)
    x = np.linspace(-half_width, half_width, resolution)
    return xr.DataArray(
        named.cpu().numpy(), dims=("x2", "x1"), coords={"x1": x, "x2": x}, name="class"
    )


def within(field: xr.Dataset, radii: Sequence[float]) -> xr.Dataset:
    """The landscape with ``inside``, which of its nodes lie in the plateau of each radius.

    Found by labelling {h_a < r} for each radius alone, so that the merge heights can be checked by
    it: see ``measures.plateaus``, which counts what nesting forbids.
    """
    radii = sorted(map(float, radii))
    if not radii or not all(0 < r < np.inf for r in radii):
        raise BadRadius(f"Radii are one or more numbers above 0, got {radii}: give such numbers.")
    inside = components(field.height.values, field.attrs["source"], radii)
    return field.assign(inside=(("radius", "x2", "x1"), np.array(inside))).assign_coords(
        radius=radii
    )


def _on_the_plane(net: object) -> None:
    if not isinstance(net, Network) or net.dims[0] != 2:
        raise BadParameter(
            f"A landscape is of a network on R^2, got {str(net)[:80]}: give such a network."
        )
