"""Plateaus along segments, for any network: what `interpolation` measures on language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.networks.network import Network

MEASURES = {
    "slope": "maximum slope of d(α)/d(1)",
    "slope_rho": "maximum slope of ρ",
    "half_exit": "half-exit index φ at r = d(1)/2",
    "width": "α(ρ = 0.9) − α(ρ = 0.1)",
}


def readings(net: Network, x: Tensor, *, probabilities: bool = True) -> dict[str, Tensor]:
    """What can be read while x passes: "block i" leaves block i; then the "logits" and their
    "probabilities".

    Without a readout there is only the stream; with ``probabilities=False`` the readout is the
    "output" itself, as for a regression.
    """
    states = net.trace(x)[1:]
    read = {f"block {i}": y for i, y in enumerate(states)}
    if net.readout is not None:
        y = net.readout(states[-1])
        read |= {"logits": y, "probabilities": y.softmax(-1)} if probabilities else {"output": y}
    return read


def sharpness(
    net: Network,
    a: Tensor,
    b: Tensor,
    *,
    steps: int = 200,
    first: int = 0,
    probabilities: bool = True,
) -> xr.Dataset:
    """How plateau-like the segments from a to b are, at every read-out.

    Args:
        a, b: end points in the space that enters ``net``, ``(pairs, d)``.
        first: number of the first block of ``net`` in the network it was sliced from, for the
            labels.

    Returns:
        ``slope``, ``slope_rho``, ``half_exit`` and ``width`` (see ``MEASURES``), dims ``pair,
        readout``. A straight, evenly run line has 1, 1, 1 and 0.8. Slopes are at most ``steps - 1``
        where a curve stays within [0, 1].
    """
    read = readings(net, paths.segment(a, b, steps=steps), probabilities=probabilities)
    read = {_shift(name, first): y for name, y in read.items()}
    found: dict[str, list[Tensor]] = {name: [] for name in MEASURES}
    for y in read.values():
        d, rho = curves.distance(y), curves.relative_distance(y)
        found["slope"].append(curves.maximum_slope(d / d[..., -1:]))
        found["slope_rho"].append(curves.maximum_slope(rho))
        found["half_exit"].append(curves.half_exit_index(d, d[..., -1] / 2))
        found["width"].append(curves.width(rho))
    return xr.Dataset(
        {
            k: (("pair", "readout"), torch.stack(v, -1).cpu().numpy(), {"long_name": MEASURES[k]})
            for k, v in found.items()
        },
        coords={"readout": list(read)},
        attrs={"steps": steps, "network": net.name},
    )


def across(
    nets: Sequence[Network], a: Tensor, b: Tensor, *, patch: int = 1, **options: Any
) -> xr.Dataset:
    """``sharpness`` of several networks on the same data, patched where block ``patch`` begins;
    adds a dim ``seed``.

    Args:
        a, b: *inputs*, ``(pairs, inputs)``; each network moves its own activations of these.
    """
    parts = [
        sharpness(n[patch:], n.states(a, patch), n.states(b, patch), first=patch, **options)
        for n in nets
    ]
    return xr.concat(
        parts,
        dim=xr.DataArray([n.name for n in nets], dims="seed", name="seed"),
        combine_attrs="drop_conflicts",
    )


def history(
    checkpoints: Mapping[int, Sequence[Network]],
    a: Tensor,
    b: Tensor,
    *,
    readout: str,
    **options: Any,
) -> xr.Dataset:
    """Medians over pairs at one read-out for networks kept through training (step -> networks);
    dims ``step, seed``.
    """
    parts = [
        across(nets, a, b, **options).sel(readout=readout).median("pair")
        for nets in checkpoints.values()
    ]
    return xr.concat(parts, dim=xr.DataArray(list(checkpoints), dims="step", name="step"))


def table(
    results: Mapping[str, xr.Dataset],
    readouts: Sequence[str],
    measures: Sequence[str] = ("slope", "half_exit"),
) -> xr.DataArray:
    """Medians over pairs and seeds; dims ``network, readout, measure``."""
    rows = [
        r[list(measures)].sel(readout=list(readouts)).median(["pair", "seed"]).to_array("measure")
        for r in results.values()
    ]
    return xr.concat(rows, dim=xr.DataArray(list(results), dims="network", name="network"))


def curve(
    net: Network,
    a: Tensor,
    b: Tensor,
    *,
    steps: int = 200,
    probabilities: bool = True,
    first: int = 0,
) -> xr.Dataset:
    """The curves themselves: ``distance`` d(α)/d(1) and ``relative_distance`` ρ, dims ``pair,
    readout, alpha``.
    """
    read = readings(net, paths.segment(a, b, steps=steps), probabilities=probabilities)
    dims = ("pair", "readout", "alpha")
    stack = lambda f: torch.stack([f(y).cpu() for y in read.values()], dim=-2).numpy()  # noqa: E731
    return xr.Dataset(
        {
            "distance": (dims, stack(curves.normalised_distance)),
            "relative_distance": (dims, stack(curves.relative_distance)),
        },
        coords={
            "readout": [_shift(name, first) for name in read],
            "alpha": paths.fractions(steps).numpy(),
        },
    )


def _shift(name: str, first: int) -> str:
    return f"block {int(name.split()[1]) + first}" if name.startswith("block ") else name
