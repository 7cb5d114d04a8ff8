"""By which exponent do two directions add up? The contour of equal effect as a superellipse.

If the effect of x u + y v depended on |x/a|^p + |y/b|^p alone, with a and b the displacements along
u and v where it is felt, the contour would be a superellipse: p = 2 for every quadratic response,
larger where each direction is held in check for itself (a box, in the limit), so that mixtures are
felt later; Ferreira da Silva & Heimersheim (2026) find p > 2 for features and 2 for random
directions. Of u and v that overlap, a quadratic response has a cross term, which x u + y v alone
would take for another exponent. In the mean over x u + y v and x u - y v it cancels, by the
parallelogram law: with N the length in units of what is felt, N(a u) = N(b v) = N(-c v) = 1 and

    (N(a u + b v)^2 + N(a u - c v)^2) / 2 = 2^(2/p).

Away from a target it may take longer than towards it; so c is measured and not taken to be b.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter
from plateaus.experiments.directions import REACHED, kl_at, reached
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.targets import KINDS, corner_targets
from plateaus.geometry import checks, paths

TURN = 90.0
"""Degrees that each path turns."""


@checked
def edges(
    ends: Ends,
    corners: tuple[str, str, str],
    *,
    base: str = "real",
    steps: int = 13,
    seed: int = 0,
    level: float | None = REACHED,
) -> xr.Dataset:
    """The exponent of each edge of the triangles of ``directions.triangle``, same targets.

    Displacements are angles on the sphere through the base point.

    Args:
        base: "real" (each pair's own first end), or "random", "isotropic": a point in its place.
        level: nats of KL at which a perturbation is felt; None takes half of what the least felt
            corner has at 90 degrees, which exists in every network.

    Returns:
        ``inverse``, 1/p, and the lengths N(a u + b v) and N(a u - c v) that it is made of, ``plus``
        and ``minus``; dims ``edge, pair``, with the numbers of the corners, "0-1", as names. NaN
        where a direction is not felt within 90 degrees.
    """
    targets = corner_targets(ends, corners, seed)
    if base not in KINDS or not (level is None or checks.real(level, "A level of KL") > 0):
        raise BadParameter(
            f"A base point is one of {', '.join(KINDS)} and a level is above 0, got {base!r:.40} "
            f"and {level!r}: give such."
        )
    if base != "real":
        ends = ends.moved(a=KINDS[base](ends, 3 * seed + 3))
    u, tangents = F.normalize(ends.a, dim=-1), []
    for target in targets:
        tangents.append(F.normalize(target - (target * u).sum(-1, keepdim=True) * u, dim=-1))
    kl = [_kl(ends, tangent, steps) for tangent in tangents]
    least = np.min([curve[:, -1] for curve in kl], axis=0) / 2
    felt = partial(_felt, level=least if level is None else np.full(len(ends), level))
    toward = [_scaled(t, felt(curve)) for t, curve in zip(tangents, kl, strict=True)]
    away = [None, *(_scaled(-t, felt(_kl(ends, -t, steps))) for t in tangents[1:])]
    both = list(combinations(range(3), 2))
    plus, minus = (
        np.stack([_length(ends, toward[i] + legs[j], felt, steps) for i, j in both])
        for legs in (toward, away)
    )
    values = {"plus": plus, "minus": minus, "inverse": np.log2((plus**2 + minus**2) / 2) / 2}
    return xr.Dataset(
        {name: (("edge", "pair"), v) for name, v in values.items()},
        coords={"edge": [f"{i}-{j}" for i, j in both], "pair": list(ends.labels)},
        attrs=ends.attrs | {"steps": steps},
    )


def _length(ends: Ends, way: Tensor, felt: Callable[..., np.ndarray], steps: int) -> np.ndarray:
    """N of displacements ``(pair, d)``: their length in units of what is felt along them."""
    usable = torch.isfinite(way).all(-1, keepdim=True)
    at = felt(_kl(ends, torch.where(usable, way, ends.a.flip(-1)), steps))
    return way.norm(dim=-1).numpy(force=True) / at


def _kl(ends: Ends, tangent: Tensor, steps: int) -> np.ndarray:
    return kl_at(ends, paths.sphere_ray(ends.a, tangent, degrees=TURN, steps=steps))


def _felt(kl: np.ndarray, *, level: np.ndarray) -> np.ndarray:
    """The angle [rad] at which KL first reaches its level ``(pair,)``; NaN where it does not."""
    return np.deg2rad(TURN) * reached(kl, level)


def _scaled(tangent: Tensor, reach: np.ndarray) -> Tensor:
    return tangent * torch.from_numpy(reach).to(tangent)[:, None]
