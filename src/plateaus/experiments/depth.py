"""What a block does to barriers: folding its input, or opening ways that leave its image.

For any block g, m before g >= m over paths inside the image g(X) >= m over all paths behind g. The
first step is an equality if g is an embedding, such as the encoder of a toy network; then all that
is lost is lost by leaving the image.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadPoints
from plateaus.experiments.ends import Ends
from plateaus.geometry.exact import ExactPlane, exact, raster
from plateaus.geometry.minimax import certify, search
from plateaus.networks.network import Network


def barriers(
    net: Network, anchor: Tensor, *, half_width: float, grid: int, margin: float, least: float
) -> xr.Dataset:
    """Nodes of a square of the input plane whose excess barrier is at least ``least`` times the
    largest height there.

    Args:
        margin: how far paths may leave the square; maximum norm of the outputs, exact.

    Returns:
        Dim ``node``: ``x1``, ``x2``, ``height`` h_a and ``merge_height`` m_W, output units.
    """
    reach = Fraction(half_width + margin)
    plane = ExactPlane.of(
        exact(net),
        window=((-reach, -reach), (reach, reach)),
        anchor=[Fraction(v) for v in anchor.tolist()],
        metric="linf",
    )
    axis = np.linspace(-half_width, half_width, grid)
    height, merge, _ = raster(plane, axis, axis)
    rows, columns = np.nonzero(merge - height >= least * height.max())
    return xr.Dataset(
        {
            "x1": ("node", axis[columns]),
            "x2": ("node", axis[rows]),
            "height": ("node", height[rows, columns]),
            "merge_height": ("node", merge[rows, columns]),
        },
        attrs={"anchor": anchor.tolist(), "nodes": grid * grid},
    )


def behind(net: Network, found: xr.Dataset, *, block: int, seed: int = 0) -> np.ndarray:
    """Proved upper bounds of m behind the first ``block`` blocks, for the nodes of `barriers`: the
    highest point of a path found there, followed piece by piece in rational arithmetic.

    Raises:
        BadPoints: there is no such node.
    """
    if not found.sizes["node"]:
        raise BadPoints(
            f"No node of the square around {found.attrs['anchor']} has a barrier for {net.name}, "
            "so none can be followed behind a block: give another network, or another seed."
        )
    b = torch.tensor(np.stack([found.x1, found.x2], axis=-1)).to(net.dtype)
    a = torch.tensor(found.attrs["anchor"]).to(b).expand_as(b)
    (part,) = Ends.of_inputs(net, a, b, block=block).parts(1)
    options = {"metric": "linf", "nodes": 17, "steps": 200, "restarts": 2, "seed": seed}
    paths = search(part.net, part.a, part.b, **options)
    return certify(paths, exact(part.net), part.a, metric="linf").ceilings.numpy()


def both_signs(count: int, seed: int) -> np.ndarray:
    """Squared lengths around a random residual block x + W_out relu(W_in x + b), in fractions.

    Returns:
        ``(count, 4)``: of x - y, of what the block adds to it, and of the sum with W_out and with
        -W_out in its place.
    """
    rng = Random(seed)

    def draw(*shape: int) -> np.ndarray:
        flat = [Fraction(rng.randint(-8, 8), 8) for _ in range(int(np.prod(shape)))]
        return np.array(flat, dtype=object).reshape(shape)

    rows = []
    for _ in range(count):
        w_in, b, w_out, x, y = (draw(*shape) for shape in ((5, 3), (5,), (3, 5), (3,), (3,)))
        update = w_out @ (np.maximum(w_in @ x + b, 0) - np.maximum(w_in @ y + b, 0))
        parts = (x - y, update, x - y + update, x - y - update)
        rows.append([part @ part for part in parts])
    return np.array(rows, dtype=object)
