"""How large exact answers get: pieces on segments and on the input plane, network by network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import xarray as xr

from plateaus.geometry.exact import ExactPlane, ExactSegment, exact
from plateaus.networks.network import Network

Ends = tuple[Sequence[float], Sequence[float]]


def on_segments(
    networks: Mapping[int, Sequence[Network]], pairs: Sequence[Ends], *, dim: str
) -> xr.Dataset:
    """Exact segments through networks that differ in depth or width.

    Args:
        networks: by the number that differs, the same number of trainings for each; pairs: end
            points in their input space.
        dim: what that number is, such as "blocks" or "width".

    Returns:
        Dims ``dim, training, pair``: ``pieces`` (on which the network is affine), ``end`` = h_a(b)
        and ``merge_height`` in the maximum norm (rounded from fractions), ``digits`` (decimal
        digits of the largest denominator).
    """
    rows = [[[_segment(net, a, b) for a, b in pairs] for net in nets] for nets in networks.values()]
    trainings = range(len(next(iter(networks.values()))))
    coords = {dim: list(networks), "training": trainings, "pair": range(len(pairs))}
    return _table(rows, tuple(coords), coords)


def on_plane(
    networks: Mapping[int, Network], anchor: Sequence[float], *, dim: str, half_width: float = 1.0
) -> xr.Dataset:
    """Exact cells of the square [-half_width, half_width]^2 in the input plane; dim ``dim``:
    ``pieces`` and ``facets``.
    """
    rows = [_plane(net, anchor, half_width) for net in networks.values()]
    return _table(rows, (dim,), {dim: list(networks)})


def _segment(net: Network, a: Sequence[float], b: Sequence[float]) -> dict[str, float]:
    ends = ([Fraction(v) for v in x] for x in (a, b))
    segment = ExactSegment.of(exact(net), *ends, metric="linf")
    return {
        "pieces": len(segment.affine),
        "end": float(segment.height(1)),
        "merge_height": float(segment.merge_height()),
        "digits": max(len(str(piece.denominator)) for piece in segment.affine),
    }


def _plane(net: Network, anchor: Sequence[float], half_width: float) -> dict[str, float]:
    w = Fraction(half_width)
    plane = ExactPlane.of(
        exact(net), window=((-w, -w), (w, w)), anchor=[Fraction(v) for v in anchor], metric="linf"
    )
    return {"pieces": plane.affine_pieces, "facets": len(plane.facets)}


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
