"""Perturb activations in real and random directions (Heimersheim & Mendel)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.interpolation import interpolate
from plateaus.experiments.targets import KINDS, corner_targets
from plateaus.geometry import paths
from plateaus.measures import curves

ANGLE = 180.0
"""Degrees that a sphere path turns: from the base point to its antipode."""
REACHED = 0.5
"""Nats of KL at which a perturbation counts as felt."""


def sphere(a: Tensor, b: Tensor, *, steps: int) -> Tensor:
    """Rotate a at constant norm towards b and on to the antipode of a."""
    return paths.sphere_ray(a, b, degrees=ANGLE, steps=steps)


def straight(a: Tensor, b: Tensor, *, steps: int) -> Tensor:
    """Walk from a in the direction of b - a as far as a is long."""
    return paths.ray(a, b - a, steps=steps)


MODES: dict[str, Callable[..., Tensor]] = {"sphere": sphere, "straight": straight}


@checked
def perturb(
    ends: Ends,
    *,
    base: str = "real",
    toward: str = "random",
    mode: str = "sphere",
    steps: int = 37,
    seed: int = 0,
) -> xr.Dataset:
    """From a base point in every pair's context towards a target; what ``interpolate`` gives.

    Args:
        base: "real" (the pair's own first end), or "random", "isotropic": a point in its place.
        toward: "real" (an unrelated prompt's activation), "random" or "isotropic".
        mode: "sphere" (constant norm, 0 to 180 degrees) or "straight" (0 to the base's own norm).

    Returns:
        As ``interpolate``, with ``degrees`` or ``length`` along ``alpha`` and, with dim ``pair``,
        ``reach``: where KL first reaches 0.5 nats, in the same units, at the end of the path where
        it never does (``reached`` is then False).
    """
    for name, known in ((base, KINDS), (toward, KINDS), (mode, MODES)):
        if name not in known:
            raise BadParameter(f"One of {', '.join(known)} is needed here, got {name!r}.")
    a = ends.a if base == "real" else KINDS[base](ends, 2 * seed)
    moved = ends.moved(a=a, b=KINDS[toward](ends, 2 * seed + 1))
    found = interpolate(moved, steps=steps, path=MODES[mode])
    at = reached(found.kl.values)
    whole, unit = (ANGLE, "degrees") if mode == "sphere" else (1.0, "length")
    found[unit] = "alpha", whole * found.alpha.values, {"units": unit}
    found["reached"] = "pair", np.isfinite(at)
    found["reach"] = "pair", whole * np.nan_to_num(at, nan=1.0), {"units": unit}
    return found.assign_attrs(base=base, toward=toward, mode=mode, seed=seed)


@checked
def triangle(ends: Ends, corners: tuple[str, str, str], *, side: int = 7, steps: int = 37,
             seed: int = 0) -> xr.Dataset:  # fmt: skip
    """Directions towards mixtures of three targets: the angle of KL = 0.5 over a triangle.

    Args:
        corners: the kinds of the targets; side: mixtures along an edge.

    Returns:
        ``reach`` [degrees], dims ``pair, mixture``, with the weights ``w0, w1, w2`` of the targets,
        each of the norm of the base point, as coordinates.
    """
    targets = [
        F.normalize(target - ends.a, dim=-1) for target in corner_targets(ends, corners, seed)
    ]
    n = side - 1
    weights = [(i / n, j / n, (n - i - j) / n) for i in range(side) for j in range(side - i)]
    rows = []
    for w in weights:
        toward = ends.a + sum(c * t for c, t in zip(w, targets, strict=True))
        at = reached(kl_at(ends, sphere(ends.a, toward, steps=steps)))
        rows.append(ANGLE * np.nan_to_num(at, nan=1.0))
    names = {f"w{k}": ("mixture", [w[k] for w in weights]) for k in range(3)}
    reach = ("pair", "mixture"), np.stack(rows, axis=1), {"units": "degrees"}
    return xr.Dataset({"reach": reach}, coords=names, attrs=ends.attrs | {"corners": corners})


@checked
def optimum(
    ends: Ends, felt: xr.Dataset, *, circles: int = 16, aside: float = 10.0, seed: int = 0
) -> xr.Dataset:
    """Is a direction a local maximum of sensitivity among all directions?

    At the angle where KL reaches 0.5 nats along the direction, KL is read again ``aside`` degrees
    to both sides on great circles of directions, random but for their right angle to the direction
    and to the base point.

    Args:
        felt: what ``perturb`` gave from real base points on the sphere, for the same ends.

    Returns:
        Dim ``pair``: ``both_lower``, the share of circles on which KL is lower on both sides (1 at
        a strict local maximum); ``uphill`` and ``downhill``, the shares on which it is higher on
        one side, and on both; NaN where KL never reaches 0.5.
    """
    toward = felt.attrs["toward"]
    target = KINDS[toward](ends, 2 * felt.attrs["seed"] + 1)
    u = F.normalize(ends.a, dim=-1)
    v = F.normalize(_without(target, u), dim=-1)
    angle = torch.from_numpy(felt.reach.values).to(ends.a).deg2rad()[:, None]
    generator = np.random.default_rng(1_000 + seed)
    turn = np.deg2rad(aside)
    found = []
    for _ in range(circles):
        drawn = torch.from_numpy(generator.standard_normal(tuple(v.shape))).to(v)
        w = F.normalize(_without(_without(drawn, u), v), dim=-1)
        sides = [np.cos(turn) * v + sign * np.sin(turn) * w for sign in (0, 1, -1)]
        sides[0] = v
        points = [_turned(ends.a, side, angle) for side in sides]
        found.append(kl_at(ends, torch.stack(points, dim=1)))
    middle, left, right = np.stack(found).transpose(2, 1, 0)
    low = (left < middle).astype(int) + (right < middle)
    usable = np.where(felt.reached.values, 1.0, np.nan)
    shares = {"both_lower": low == 2, "uphill": low == 1, "downhill": low == 0}
    data = {name: ("pair", hits.mean(-1) * usable) for name, hits in shares.items()}
    attrs = ends.attrs | {"toward": toward, "aside": aside, "circles": circles}
    return xr.Dataset(data, coords={"pair": list(ends.labels)}, attrs=attrs)


def reached(kl: np.ndarray, level: np.ndarray | float = REACHED) -> np.ndarray:
    """Where KL ``(pair, steps)`` first reaches its level, as a part of the path; NaN where it never
    does.

    Read off the root of KL, which is nearly straight between two steps; KL itself is curved.
    """
    root = np.sqrt(np.maximum(kl, 0) / np.reshape(level, (-1, 1)))
    return curves.crossing(torch.as_tensor(root), 1.0).numpy()


def kl_at(ends: Ends, points: Tensor) -> np.ndarray:
    """KL [nats] of the predictions at ``points`` ``(pairs, n, d)`` from those at the first ends."""
    rows, done = [], 0
    for part in ends.parts(points.shape[1] + 1):
        some = points[done : done + len(part.a)]
        done += len(part.a)
        with torch.no_grad():
            seen = part.net.readings(torch.cat([part.a[:, None], some], dim=1))
        logits = next(reading.value for reading in seen if reading.name == "logits")
        rows.append(curves.kl(logits)[:, 1:].cpu().numpy())
    return np.concatenate(rows)


def _turned(a: Tensor, tangent: Tensor, angle: Tensor) -> Tensor:
    norm = a.norm(dim=-1, keepdim=True)
    return a * angle.cos() + norm * tangent * angle.sin()


def _without(x: Tensor, u: Tensor) -> Tensor:
    return x - (x * u).sum(-1, keepdim=True) * u


def together(*conditions: Mapping[str, Mapping[str, xr.Dataset]]) -> xr.Dataset:
    """KL and reach of all results (model -> way -> result), trained first, then step 0.

    Returns:
        ``kl`` and ``reach``, dims ``weights, model, way, pair`` (and ``alpha``), float32; NaN where
        fewer base points were measured.
    """
    weights = ("trained", "step 0")[: len(conditions)]
    parts = []
    for condition in conditions:
        models = [_ways(ways) for ways in condition.values()]
        names = xr.DataArray(list(conditions[0]), dims="model", name="model")
        parts.append(xr.concat(models, names, join="outer", combine_attrs="drop_conflicts"))
    joined = xr.concat(parts, xr.DataArray(list(weights), dims="weights", name="weights"),
                       join="outer", combine_attrs="drop_conflicts")  # fmt: skip
    return joined.astype("float32")


def _ways(ways: Mapping[str, xr.Dataset]) -> xr.Dataset:
    rows = [result[["kl", "reach"]].assign_coords(pair=range(result.sizes["pair"]))
            for result in ways.values()]  # fmt: skip
    names = xr.DataArray(list(ways), dims="way", name="way")
    return xr.concat(rows, names, combine_attrs="drop_conflicts")
