"""What proofs of outside are worth: sets that separate, and exact cuts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
import xarray as xr
from torch import nn

from plateaus.errors import Undecided
from plateaus.geometry import separation
from plateaus.geometry.exact import ExactPlane, floating, landscape, random_wells, witnesses
from plateaus.geometry.exact.cuts import cut, least_merge_height
from plateaus.measures.known import gate, wall
from plateaus.networks.network import Network

FRAME = ((-2, -2), (2, 2))
SHARES = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))


def normalised_wells(d: int) -> Network:
    """||n_0| - 1/2| of the normalised vector n = LayerNorm(x) in R^d.

    Heights vanish on both sides, where n_0 = -1/2 and where n_0 = 1/2; every path from one to the
    other passes n_0 = 0, where h = 1/2.
    """
    pick = nn.Linear(d, 1, bias=False, dtype=torch.float64)
    pick.weight.data = 2 * torch.eye(d, dtype=torch.float64)[:1]
    halved = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    halved.weight.data = torch.full((1, 1), 0.5, dtype=torch.float64)
    (wells,) = floating(witnesses.double_well()).blocks
    norm = nn.LayerNorm(d, dtype=torch.float64)
    tail = nn.Sequential(pick, wells, halved)
    return Network(
        blocks=(norm.requires_grad_(False), tail.requires_grad_(False)),
        dims=(d, d, 1),
        dtype=torch.float64,
        name=f"wells behind a LayerNorm of {d}",
    )


def examples() -> xr.Dataset:
    """Three networks on R^16, with h_a(b) = 0: a wall, wells behind a LayerNorm, and, the control,
    a wall with a gate.

    Returns:
        Dim ``network``: ``radius`` that was tried, ``separated``, ``by`` which set.
    """
    left, right = np.zeros((2, 16))
    left[0], right[0] = -2, 2
    cases = {
        "wall": (wall(16), left, right, 0.99),
        "wells behind LayerNorm": (normalised_wells(16), *_well_ends(16), 0.49),
        "wall with a gate": (gate(16), left, right, 0.1),
    }
    found = {name: _separated(*case) for name, case in cases.items()}
    return xr.Dataset(
        {
            "radius": ("network", [case[-1] for case in cases.values()]),
            "separated": ("network", [bool(by) for by in found.values()]),
            "by": ("network", list(found.values())),
        },
        coords={"network": list(cases)},
    )


def _well_ends(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of mean 0 and variance 1, up to LayerNorm's epsilon, with first entry 1/2 or -1/2."""
    b = np.full(d, -0.5 / (d - 1))
    b[0] = 0.5
    rest = np.zeros(d)
    rest[1:] = np.resize([1, -1], d - 1)
    rest[1:] -= rest[1:].mean()
    b += rest * np.sqrt((d - b @ b) / (rest @ rest))
    return -b, b


def reached(*, count: int, seed: int = 0, budget: int = 300) -> xr.Dataset:
    """Random landscapes, each well with an excess barrier: how much of it single sets prove.

    Args:
        budget: boxes for each set that is tried.

    Returns:
        ``proved`` (dims ``well, share``): whether a moat or a level set proves b to lie outside the
        plateau whose radius lies this share of the barrier above h_a(b). ``cut`` (dim ``well``):
        the lowest height on the exact cut divided by m(a, b). Maximum norm; m is that of the plane.
    """
    proved, cuts = [], []
    for k in range(count):
        wells = random_wells(seed + k)
        a, *others = [tuple(well[:2]) for well in wells]
        net = landscape(wells)
        plane = ExactPlane.of(net, window=FRAME, anchor=a, metric="linf")
        for b in others:
            m, end = plane.merge_height(b), plane.height(b)
            if m == end or least_merge_height(plane, b) < m:
                continue
            radii = [end + share * (m - end) for share in SHARES]
            proved.append([bool(_separated(net, a, b, r, budget=budget)) for r in radii])
            cuts.append(float(cut(plane, b).lowest / m))
    return xr.Dataset(
        {"proved": (("well", "share"), np.array(proved)), "cut": ("well", cuts)},
        coords={"share": [float(share) for share in SHARES]},
    )


def _separated(net, a: Sequence, b: Sequence, r: float, *, budget: int = 200) -> str:
    """By which set, in words; empty if by none that was tried."""
    try:
        return separation.separate(net, a, b, r, metric="linf", budget=budget).by
    except Undecided:
        return ""
