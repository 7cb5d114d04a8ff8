"""Plateaus of networks on the plane: heights, merge heights and the nesting of their sub-level
components.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from scipy import ndimage
from torch import Tensor

from plateaus.geometry import paths
from plateaus.geometry.height import Height
from plateaus.networks.network import Network


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
        attrs={"anchor": anchor.tolist(), "source": list(plane.source), "network": net.name},
    )


def classes(net: Network, *, half_width: float = 1.0, resolution: int = 101) -> xr.DataArray:
    """The class with the largest logit at every node of the square; dims ``x2, x1``."""
    low, high = (-half_width, -half_width), (half_width, half_width)
    with torch.no_grad():
        named = net(paths.grid(low, high, steps=resolution)).argmax(-1)
    x = np.linspace(-half_width, half_width, resolution)
    return xr.DataArray(
        named.cpu().numpy(), dims=("x2", "x1"), coords={"x1": x, "x2": x}, name="class"
    )


@dataclass(frozen=True, kw_only=True)
class Nesting:
    """What happens to the nodes of a landscape as the radius grows."""

    violations: int
    """Nodes in a smaller plateau and not in a larger one, over all pairs of radii. Proposition 3.3
    says 0.
    """
    misplaced: int
    """Nodes that "in the larger ball, not in the smaller" puts in a ring P_r2 minus P_r1 where they
    do not belong.
    """
    disagreements: int
    """Nodes on which "labelled component" and "merge height below r" differ; 0 unless one of the
    two is wrong.
    """
    sizes: tuple[int, ...]
    """Nodes in each plateau."""


def components(
    heights: np.ndarray, source: Sequence[int], radii: Sequence[float]
) -> list[np.ndarray]:
    """For each radius the 4-connected component of {h < r} at ``source``, found by labelling.

    Shares no code with the merge heights, so that one can be checked by the other.
    """
    found = []
    for r in radii:
        labels, _ = ndimage.label(heights < r)
        found.append(
            labels == labels[tuple(source)]
            if labels[tuple(source)]
            else np.zeros(heights.shape, dtype=bool)
        )
    return found


def nesting(field: xr.Dataset, radii: Sequence[float]) -> Nesting:
    """Count what Proposition 3.3 forbids, and what the proposal's recipe for contour lines gets
    wrong.
    """
    heights, radii = field.height.values, sorted(radii)
    inside = components(heights, field.attrs["source"], radii)
    violations = misplaced = 0
    for i, small in enumerate(inside):
        for j in range(i + 1, len(inside)):
            violations += int((small & ~inside[j]).sum())
            ring = inside[j] & ~small
            misplaced += int((((heights < radii[j]) & (heights >= radii[i])) ^ ring).sum())
    differ = sum(
        int((p ^ (field.merge_height.values < r)).sum()) for p, r in zip(inside, radii, strict=True)
    )
    sizes = tuple(int(p.sum()) for p in inside)
    return Nesting(violations=violations, misplaced=misplaced, disagreements=differ, sizes=sizes)
