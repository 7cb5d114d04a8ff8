"""How gaps grow in other norms than that of the raw stream: a contraction has no meaning without
one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.experiments.ends import Ends
from plateaus.geometry import paths
from plateaus.measures import lines

RIDGE = 0.01
"""What is added to every direction's variance before whitening, in units of the mean variance."""
KINDS = ("inside", "between")

Seen = Callable[[Tensor], Tensor]


def whitening(x: Tensor) -> Seen:
    """A linear map after which activations ``(k, d)`` have nearly unit covariance."""
    covariance = x.T.cov()
    d = len(covariance)
    floor = RIDGE * covariance.trace() / d * torch.eye(d, dtype=x.dtype, device=x.device)
    inverse = torch.linalg.inv(torch.linalg.cholesky(covariance + floor))
    return lambda z: z @ inverse.T


def growth(ends: Ends, real: Ends, *, steps: int = 41, share: float = 0.25) -> xr.Dataset:
    """Log of the growth of gaps between neighbouring points, from where the lines enter to where
    the last block ends; each line's means over its gaps, called by the outputs in the raw stream.

    Args:
        real: whose activations say what is white at either place; more than there are dimensions.

    Returns:
        ``growth``, dims ``norm, kind, pair``: "raw"; "whitened", by the covariance of the real
        activations at that depth; and "normed", after the final norm at either place, for networks
        that have one.
    """
    maps, rows = _maps(ends, real), []
    for part in ends.parts(steps):
        points = paths.segment(part.a, part.b, steps=steps)
        with torch.no_grad():
            last = part.net.trace(points)[-1]
            each = [_log_growth(points, last, *maps[name]) for name in maps]
        sides = lines.plateaus(last, share=share)
        left, right = sides[:, :-1], sides[:, 1:]
        inside = ((left == right) & (left != lines.NEITHER)).numpy(force=True)
        logs = torch.stack(each).double().numpy(force=True)
        rows.append(np.stack([_mean(logs, inside), _mean(logs, ~inside)], axis=1))
    found = np.concatenate(rows, axis=-1)
    coords = {"norm": list(maps), "kind": list(KINDS), "pair": list(ends.labels)}
    array = xr.DataArray(found, dims=("norm", "kind", "pair"), coords=coords)
    return xr.Dataset({"growth": array}, attrs=ends.attrs)


def _maps(ends: Ends, real: Ends) -> dict[str, tuple[Seen, Seen]]:
    """Through what gaps are seen where the lines enter, and at the end."""
    first, last, net = [], [], None
    for runs in real.runs(1):
        net, k = runs.net, ends.block - runs.net.first
        first += [runs.a[k], runs.b[k]]
        last += [runs.a[-1], runs.b[-1]]
    same: Seen = lambda x: x  # noqa: E731
    found = {"raw": (same, same)}
    found["whitened"] = tuple(whitening(torch.cat(x)) for x in (first, last))
    if "normed" in net.readouts:
        found["normed"] = (net.readouts["normed"],) * 2
    return found


def _log_growth(x: Tensor, y: Tensor, of_x: Seen, of_y: Seen) -> Tensor:
    before, after = (seen(z).diff(dim=-2).norm(dim=-1) for z, seen in ((x, of_x), (y, of_y)))
    return (after / before).log()


def _mean(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is chosen; NaN where nothing is."""
    kept = np.ma.masked_array(values, np.broadcast_to(~chosen, values.shape))
    return kept.mean(-1).filled(np.nan)
