"""Activations put together from the features of a dictionary, as base points and as targets
(Giglemiani et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter
from plateaus.experiments import targets
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.networks.dictionary import Dictionary

QUARTER = 0.25
"""Of the median distance between two real activations' outputs: where a plateau ends here."""
COMPOSED = ("structured", "baseline")
REBUILT = "rebuilt"
"""Encoded and decoded: what the dictionary keeps of a real activation, as long as it."""
ELSEWHERE = "elsewhere"
"""Real, but another prompt's, as long as the one that it replaces: foreign to its context, as every
point that is made is."""
TARGETS = ("real", "random", "isotropic", *COMPOSED)
BASES = ("real", "random", *COMPOSED, REBUILT, ELSEWHERE)
WAYS = {f"real, towards {kind}": ("real", kind) for kind in TARGETS}
WAYS |= {f"{kind}, towards random": (kind, "random") for kind in BASES}
"""Name -> base point and target."""


@checked
def composed(
    dictionary: Dictionary, real: Tensor, *, structured: bool, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """For each real activation ``(n, d)`` one of other features, as many, as active, and as long.

    The leading feature is drawn from those that are active anywhere in ``real``. The others are
    drawn likewise (the published baseline), or, ``structured``, each is the one not yet used whose
    cosine with the new leading feature is nearest to what it was with the old one.

    Returns:
        The new activations ``(n, d)``, and the activities of the real and of the new ones
        ``(n, f)``.
    """
    z = dictionary.encode(real)
    new = torch.zeros_like(z)
    alive = torch.nonzero((z > 0).any(0))[:, 0]
    if not len(alive):
        raise BadParameter(
            f"No feature of the dictionary {dictionary.name} is active on any of {len(z)} "
            "activations, so that none can be put together: give one that was made for this model."
        )
    unit = dictionary.W_dec / dictionary.W_dec.norm(dim=-1, keepdim=True)
    generator = np.random.default_rng(seed)
    for row, old in zip(new, z, strict=True):
        size, which = old.sort(descending=True)
        count = int((size > 0).sum())
        drawn = torch.from_numpy(generator.permutation(len(alive))).to(alive)
        chosen = alive[drawn[:count]]
        if structured and count:
            cosine = unit[which[1:count]] @ unit[which[0]]
            chosen = _like(cosine, unit[alive] @ unit[chosen[0]], int(drawn[0]), alive)
        row[chosen] = size[:count]
    return _as_long(dictionary.decode(new), real), z, new


def _as_long(points: Tensor, real: Tensor) -> Tensor:
    return points * real.norm(dim=-1, keepdim=True) / points.norm(dim=-1, keepdim=True)


def _like(wanted: Tensor, offered: Tensor, first: int, alive: Tensor) -> Tensor:
    """``first``, then for each wanted cosine the feature not yet used that comes nearest."""
    free, chosen = torch.ones_like(offered, dtype=torch.bool), [first]
    for cosine in wanted:
        free[chosen[-1]] = False
        chosen.append(int(torch.where(free, (offered - cosine).abs(), torch.inf).argmin()))
    return alive[torch.tensor(chosen)]


def quality(dictionary: Dictionary, real: Tensor, *, seed: int = 0) -> dict[str, float]:
    """What a dictionary keeps of activations ``(n, d)``, and how nearly composed ones are like
    them in the cosines of their features.
    """
    found = {
        "features": dictionary.features,
        "explained variance": round(dictionary.explained(real), 2),
        "active at once": round(dictionary.active(real), 1),
        "active at all": int((dictionary.encode(real).amax(0) > 0).sum()),
    }
    for kind in COMPOSED:
        made = composed(dictionary, real, structured=kind == COMPOSED[0], seed=seed)
        found[f"cosine error, {kind}"] = round(cosine_error(dictionary, *made[1:]), 2)
    return found


def cosine_error(dictionary: Dictionary, z: Tensor, new: Tensor) -> float:
    """Mean absolute difference between the cosines of active features with the leading one, of
    activities ``z`` and ``new`` ``(n, f)``, feature by feature in the order of activity.
    """
    unit = dictionary.W_dec / dictionary.W_dec.norm(dim=-1, keepdim=True)
    off = []
    for both in zip(z, new, strict=True):
        count = int((both[0] > 0).sum())
        which = [one.argsort(descending=True, stable=True)[:count] for one in both]
        off.append(torch.stack([unit[w[1:]] @ unit[w[0]] for w in which if len(w)]).diff(dim=0))
    return float(torch.cat([x.flatten() for x in off]).abs().mean())


@checked
def points(ends: Ends, kind: str, dictionary: Dictionary, seed: int, *, of: Tensor) -> Tensor:
    """Points of one kind ``(pairs, d)``; "real" and composed ones are, or are made like, ``of``.

    Raises:
        BadParameter: no such kind.
    """
    if kind == "real":
        return of
    if kind in COMPOSED:
        return composed(dictionary, of, structured=kind == "structured", seed=seed)[0]
    if kind == REBUILT:
        return _as_long(dictionary.decode(dictionary.encode(of)), of)
    if kind == ELSEWHERE:
        return _as_long(targets.real(ends, seed), of)
    if kind not in targets.KINDS:
        known = ", ".join([*targets.KINDS, *COMPOSED, REBUILT, ELSEWHERE])
        raise BadParameter(f"A point is one of {known}, got {kind!r}: choose one of these.")
    return targets.KINDS[kind](ends, seed)


@checked
def moved(ends: Ends, dictionary: Dictionary, *, base: str, toward: str, seed: int = 0) -> Ends:
    """Ends from base points of one kind to targets of another; each target is another pair's."""
    other = targets.real(ends, 2 * seed + 1)
    return ends.moved(
        a=points(ends, base, dictionary, 2 * seed, of=ends.a),
        b=points(ends, toward, dictionary, 2 * seed + 1, of=other),
    )


@checked
def walk(ends: Ends, *, steps: int = 100, length: float) -> xr.Dataset:
    """Straight from the first ends towards the second, as far as ``length`` whatever they are.

    Returns:
        ``distance``, dims ``pair, step``: L2 from the output at the base point, of the stream after
        the last block; ``step`` runs from 0 to 100 in hundredths of the way.
    """
    rows = []
    for part in ends.parts(steps + 1):
        along = paths.ray(part.a, part.b - part.a, length=length, steps=steps + 1)
        with torch.no_grad():
            rows.append(curves.distance(part.net.readings(along, readouts=False)[-1].value).cpu())
    found = torch.cat(rows).numpy()
    return xr.Dataset(
        {"distance": (("pair", "step"), found, {"units": "units of the stream"})},
        coords={"pair": list(ends.labels), "step": np.linspace(0, 100, steps + 1)},
        attrs=ends.attrs | {"length": length, "steps": steps},
    )


def radius(ends: Ends) -> float:
    """A quarter of the median distance between the outputs of a real activation and another."""
    rows = []
    for part in ends.moved(b=targets.real(ends, 1)).parts(2):
        both = torch.stack([part.a, part.b], dim=1)
        with torch.no_grad():
            rows.append(curves.distance(part.net.readings(both, readouts=False)[-1].value)[:, 1])
    return QUARTER * float(torch.cat(rows).median())


def steepest(result: xr.Dataset) -> np.ndarray:
    """The step (0 to 100) in whose middle the distance grows fastest ``(pair,)``."""
    growth = result.distance.diff("step", label="lower")
    half = 50 / result.attrs["steps"]
    return growth.idxmax("step").values + half


def plateau_length(result: xr.Dataset, radius: float) -> np.ndarray:
    """The step at which the distance reaches ``radius`` ``(pair,)``; 100 where it never does.

    Raises:
        BadParameter: a radius that is not above zero.
    """
    if not radius > 0:
        raise BadParameter(f"radius must be above 0, got {radius}: give a distance of outputs.")
    at = curves.crossing(torch.as_tensor(result.distance.values) / radius, 1.0)
    return 100 * np.nan_to_num(at.numpy(), nan=1.0)


@checked
def walks(
    ends: Ends, dictionary: Dictionary, ways: Iterable[str] = tuple(WAYS), *, steps: int = 100,
    seed: int = 0, through: Callable[[Ends], Ends] = lambda ends: ends,
) -> dict[str, xr.Dataset]:  # fmt: skip
    """``walk`` for every way named, all as long as real activations are in the median.

    Args:
        ways: names in ``WAYS``.
        through: what carries the same points into another network, such as one untrained.
    """
    length = float(ends.a.norm(dim=-1).median())
    found = {}
    for name in ways:
        if name not in WAYS:
            raise BadParameter(f"There is no way {name!r}: choose among {', '.join(WAYS)}.")
        base, toward = WAYS[name]
        some = through(moved(ends, dictionary, base=base, toward=toward, seed=seed))
        found[name] = walk(some, steps=steps, length=length).assign_attrs(base=base, toward=toward)
    return found


def carried(into: Ends, points: Ends) -> Ends:
    """The same points in the networks of other ends."""
    return into.moved(a=points.a, b=points.b)


def summary(found: dict[str, dict[str, xr.Dataset]], radii: dict[str, float]) -> xr.Dataset:
    """``steepest`` and ``length`` of all results (model -> way -> result), in steps of a hundred.

    Args:
        radii: model -> where its plateaus end.

    Returns:
        Dims ``model, way, pair``, float32.
    """
    data = {"steepest": [], "length": []}
    for name, ways in found.items():
        data["steepest"].append([steepest(way) for way in ways.values()])
        data["length"].append([plateau_length(way, radii[name]) for way in ways.values()])
    arrays = {k: (("model", "way", "pair"), np.array(v, dtype="float32")) for k, v in data.items()}
    ways = list(next(iter(found.values())))
    return xr.Dataset(arrays, coords={"model": list(found), "way": ways})
