"""How large exact answers get: pieces and seconds on segments and on the input plane, network by
network.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import xarray as xr

from plateaus.geometry.exact import ExactPlane, ExactSegment, exact
from plateaus.networks.network import Network

Ends = tuple[Sequence[float], Sequence[float]]


def on_segments(networks: Mapping[int, Network], pairs: Sequence[Ends], *, dim: str) -> xr.Dataset:
    """Exact segments through networks that differ in depth or width.

    Args:
        networks: by the number that differs; pairs: end points in their input space.
        dim: what that number is, such as "blocks" or "width".

    Returns:
        Dims ``dim, pair``: ``pieces`` (on which the network is affine), ``end`` = h_a(b) and
        ``merge_height`` in the maximum norm (rounded from fractions), ``digits`` (decimal digits of
        the largest denominator), ``seconds``.
    """
    rows = [[_segment(net, a, b) for a, b in pairs] for net in networks.values()]
    return _table(rows, (dim, "pair"), {dim: list(networks), "pair": range(len(pairs))})


def on_plane(
    networks: Mapping[int, Network], anchor: Sequence[float], *, dim: str, half_width: float = 1.0
) -> xr.Dataset:
    """Exact cells of the square [-half_width, half_width]^2 in the input plane; dim ``dim``:
    ``pieces``, ``facets``, ``seconds``.
    """
    return _table(
        [_plane(net, anchor, half_width) for net in networks.values()],
        (dim,),
        {dim: list(networks)},
    )


def exponent(found: xr.Dataset, dim: str) -> float:
    """Slope of log(pieces) against log(dim), least squares over all pairs: 1 means proportional."""
    pieces = found.pieces.transpose(dim, ...).values.reshape(found.sizes[dim], -1)
    x = np.repeat(np.log(found[dim].values)[:, None], pieces.shape[1], axis=1)
    return float(np.polyfit(x.ravel(), np.log(pieces).ravel(), 1)[0])


def _segment(net: Network, a: Sequence[float], b: Sequence[float]) -> dict[str, float]:
    start = time.perf_counter()
    segment = ExactSegment.of(
        exact(net), [Fraction(v) for v in a], [Fraction(v) for v in b], metric="linf"
    )
    merge = segment.merge_height()
    seconds = time.perf_counter() - start
    digits = max(len(str(piece.denominator)) for piece in segment.affine)
    return {
        "pieces": len(segment.affine),
        "end": float(segment.height(1)),
        "merge_height": float(merge),
        "digits": digits,
        "seconds": seconds,
    }


def _plane(net: Network, anchor: Sequence[float], half_width: float) -> dict[str, float]:
    start, w = time.perf_counter(), Fraction(half_width)
    plane = ExactPlane.of(
        exact(net), window=((-w, -w), (w, w)), anchor=[Fraction(v) for v in anchor], metric="linf"
    )
    return {
        "pieces": plane.affine_pieces,
        "facets": len(plane.facets),
        "seconds": time.perf_counter() - start,
    }


def _table(rows: list, dims: tuple[str, ...], coords: dict) -> xr.Dataset:
    cells = np.array(rows, dtype=object)
    names = cells.flat[0].keys()
    return xr.Dataset(
        {
            name: (dims, np.array([cell[name] for cell in cells.flat]).reshape(cells.shape))
            for name in names
        },
        coords=coords,
    )
