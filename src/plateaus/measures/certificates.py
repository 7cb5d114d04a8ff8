"""What certificates are worth: bounds against exact answers, searches against proofs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

import numpy as np
import torch
import xarray as xr

from plateaus.geometry.bounds import METHODS, inner_radius
from plateaus.geometry.exact import (
    ExactNetwork,
    ExactSegment,
    floating,
    witnesses,
)
from plateaus.geometry.exact.program import Point, ReLU, Residual, absolute, affine, hinges
from plateaus.geometry.inner import exact_inner_radius
from plateaus.geometry.minimax import certify, search
from plateaus.measures.known import gate, wall
from plateaus.networks.residual import ResidualMLP, network


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network on the plane, an anchor and a radius, all rational."""

    net: ExactNetwork
    a: Point
    r: Fraction


def random_cases(seed: int) -> Iterator[Case]:
    """Random rational networks R^2 -> R or R^2, without end: one or two residual blocks, in half of
    them folded at the end.
    """
    rng = Random(seed)

    def entry() -> Fraction:
        return Fraction(rng.randint(-4, 4), 2)

    def matrix(rows: int, columns: int) -> list[list[Fraction]]:
        return [[entry() for _ in range(columns)] for _ in range(rows)]

    while True:
        width, outputs = rng.randint(2, 3), rng.randint(1, 2)
        blocks = [
            Residual(branch=hinges(matrix(3, width), [entry() for _ in range(3)], matrix(width, 3)))
            for _ in range(rng.randint(1, 2))
        ]
        fold = (
            (
                *absolute(width),
                affine(matrix(width, width), [entry() for _ in range(width)]),
                ReLU(),
            )
            if rng.random() < 0.5
            else ()
        )
        net = ExactNetwork.of(
            affine(matrix(width, 2)), *blocks, *fold, affine(matrix(outputs, width)), inputs=2
        )
        yield Case(net=net, a=(entry(), entry()), r=Fraction(rng.randint(1, 16), 4))


def radii(*, count: int, seed: int = 0, digits: int = 6, rays: int = 16) -> xr.Dataset:
    """Certified inner radii of every method divided by the exact one, on ``count`` networks where
    that is finite.

    Returns:
        ``share`` (dims ``case, bound``), at most 1; ``rays`` (dim ``case``), the least exit along
        random directions divided by the exact radius, at least 1; ``exact``. Maximum norms.
    """
    rng, rows = Random(seed), []
    for case in random_cases(seed):
        exact = exact_inner_radius(case.net, case.a, case.r)
        if exact is not None:
            found = [
                float(inner_radius(case.net, case.a, case.r, method=m, digits=digits).value / exact)
                for m in METHODS
            ]
            rows.append((found, float(ray_exit(case, rays, rng) / exact), float(exact)))
        if len(rows) == count:
            break
    shares, exits, exact = zip(*rows, strict=True)
    return xr.Dataset(
        {
            "share": (("case", "bound"), np.array(shares)),
            "rays": ("case", np.array(exits)),
            "exact": ("case", np.array(exact)),
        },
        coords={"bound": list(METHODS)},
    )


def by_depth(
    depths: Sequence[int],
    *,
    width: int = 16,
    seed: int = 0,
    relative: float = 0.1,
    normalisation: str | None = None,
    methods: Sequence[str] = METHODS,
) -> xr.Dataset:
    """Certified radii of untrained residual ReLU networks R^2 -> R^2 of growing depth, in float64
    rounded outwards.

    r is ``relative`` times the distance of the outputs of a and -a, a = (1, 1/2). ``rays`` is the
    least sampled exit along 64 directions, an upper bound of every inner radius. Dims ``depth,
    bound``.
    """
    a, rows, exits = torch.tensor([1.0, 0.5], dtype=torch.float64), [], []
    angle = torch.linspace(0, 2 * torch.pi, 65, dtype=torch.float64)[:-1]
    u = torch.stack([angle.cos(), angle.sin()], dim=-1)
    t = torch.logspace(-4, 1, 400, dtype=torch.float64)
    for depth in depths:
        torch.manual_seed(seed)
        net = network(
            ResidualMLP(width=width, blocks=depth, normalisation=normalisation), dtype=torch.float64
        )
        r = relative * float((net(a) - net(-a)).norm())
        rows.append(
            [
                inner_radius(net, a, r, method=m, metric="l2", norm="l2", digits=5).value
                for m in methods
            ]
        )
        out = (net(a + t[:, None, None] * u) - net(a)).norm(dim=-1).amax(1) >= r
        exits.append(float(t[out.int().argmax()]) if bool(out.any()) else np.nan)
    return xr.Dataset(
        {"radius": (("depth", "bound"), np.array(rows)), "rays": ("depth", np.array(exits))},
        coords={"depth": list(depths), "bound": list(methods)},
    )


def ray_exit(case: Case, count: int, rng: Random, *, reach: int = 64) -> Fraction:
    """min over random directions u, max |u_i| = 1, of the first exit t*(u): an upper bound of the
    inner radius.
    """
    exits = [Fraction(reach)]
    for _ in range(count):
        u = [Fraction(rng.randint(-64, 64), 64), Fraction(rng.choice([-1, 1]))]
        rng.shuffle(u)
        line = ExactSegment.of(
            case.net,
            case.a,
            [x + v for x, v in zip(case.a, u, strict=True)],
            metric="linf",
            window=(0, reach),
        )
        part = line.component(case.r)
        exits.append(part.high if part.exits_high else Fraction(reach))
    return min(exits)


def power(*, seed: int = 0, steps: int = 200) -> xr.Dataset:
    """Straight slice, certified found path and known merge height where that is known by proof, dim
    ``network``.
    """
    plane_wells = ExactNetwork.of(
        affine([[1, 0]]), *witnesses.double_well().steps, inputs=2, name="double well"
    )
    known = [
        ("bump", witnesses.bump(), [-2.0, 0.0], [2.0, 0.0], 0.0),
        ("bent sheet", witnesses.bent_sheet(), [0.0, 1.0], [0.0, -1.0], 2.0),
        *[
            (f"gate, d = {d}", gate(d), [-2.0] + [0.0] * (d - 1), [2.0] + [0.0] * (d - 1), 0.0)
            for d in (16, 32)
        ],
        ("ridge (no way)", witnesses.ridge(), [-1.0, 1.0], [1.0, -1.0], 0.5),
        ("double well (no way)", plane_wells, [-1.0, 0.0], [1.0, 0.0], 1.0),
        ("wall, d = 16 (no way)", wall(16), [-2.0] + [0.0] * 15, [2.0] + [0.5] * 15, 1.0),
    ]
    rows = []
    for _, net, a, b, _ in known:
        a, b = (torch.tensor([x], dtype=torch.float64) for x in (a, b))
        found = certify(
            search(floating(net), a, b, metric="linf", steps=steps, seed=seed),
            net,
            a,
            metric="linf",
        )
        rows.append((float(found.straight), float(found.peaks), float(found.ceilings)))
    straight, sampled, certified = zip(*rows, strict=True)
    return xr.Dataset(
        {
            "straight": ("network", list(straight)),
            "sampled": ("network", list(sampled)),
            "certified": ("network", list(certified)),
            "known": ("network", [row[-1] for row in known]),
        },
        coords={"network": [row[0] for row in known]},
    )
