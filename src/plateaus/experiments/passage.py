"""A path on its way through the blocks: its speed, the MLPs' Jacobians and neurons, block by block.

A path x(alpha) and its derivative are carried through the network together (forward-mode automatic
differentiation), so that the speed |dx_l/dalpha| is exact at every point. Each block is cut in two,
attention and MLP, and the logarithms of what each half multiplies the speed by add up to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.autograd.forward_ad as forward
import xarray as xr
from torch import Tensor

from plateaus.errors import UnsupportedModel
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.interpolation import Path
from plateaus.experiments.runs import Part
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.measures.jacobians import NormOf
from plateaus.networks.perceptron import perceptron

HALVES = ("attention", "mlp")


@checked
def passage(
    ends: Ends, *, steps: int = 50, path: Path = paths.segment, seed: int = 0
) -> xr.Dataset:
    """What happens along the path of every pair at every block behind the one that it enters.

    Returns:
        Dims ``pair, block, alpha``: ``log_gain`` (and ``half``: attention, mlp), logarithm of what
        a half of the block multiplies the speed by; ``mlp_norm`` |DF|_F of the MLP with its
        normalisation, and ``mlp_gain`` |DF v| / |v| along the path; ``stream`` the norm of x where
        it enters the MLP's half, that its normalisation divides by. Dims ``pair, alpha``:
        ``log_speed`` of the output, ``log_speed_in``, ``rho`` and ``root_jsd`` of the output;
        ``step_size`` with ``step``, the middles between two points, in the place of alpha. Dims
        ``pair, block, step``: ``switched``, neurons that change sides between two points;
        ``length`` between them where they enter the MLP's half; ``switched_random`` for steps as
        long in a random direction from the same points.

    Raises:
        UnsupportedModel: blocks whose halves or MLPs cannot be told apart.
    """
    generator, norms, found = np.random.default_rng(seed), [], []
    for part in ends.parts(steps):
        found.append(_part(part, steps, path, generator, norms))
    return xr.concat(found, "pair").assign_coords(pair=list(ends.labels)).assign_attrs(
        ends.attrs, steps=steps, block_in=ends.block, source=ends.source
    )  # fmt: skip


def together(results: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Results of several models as one data set, dim ``model``, pairs numbered, float32."""
    rows = [r.assign_coords(pair=range(r.sizes["pair"])) for r in results.values()]
    names = xr.DataArray(list(results), dims="model", name="model")
    joined = xr.concat(rows, names, join="outer", combine_attrs="drop_conflicts")
    return joined.drop_vars(("mlp_gain", "stream"), errors="ignore").astype("float32")


def _part(
    part: Part, steps: int, path: Path, generator: np.random.Generator, norms: list[NormOf]
) -> xr.Dataset:
    x = path(part.a, part.b, steps=steps)
    v = torch.gradient(x, spacing=1 / (steps - 1), dim=1, edge_order=1)[0]
    log_in, rows = _log(v), []
    with torch.no_grad():
        for k, block in enumerate(part.net.blocks):
            if not hasattr(block, "with_parts"):
                raise UnsupportedModel(f"Block {k} of {part.net.name} is not made of sublayers.")
            if len(norms) == k:
                norms.append(NormOf(mlp=perceptron(block, x[:, :2])))
            x, v, row = _block(block, norms[k], x, v, generator)
            rows.append(row)
        end = {"rho": curves.relative_distance(x), "step_size": curves.step_sizes(x)}
        logits = part.net.readouts.get("normed"), part.net.readouts.get("logits")
        if all(logits):
            end["root_jsd"] = curves.root_jsd(logits[1](logits[0](x)))
    end |= {"log_speed": _log(v), "log_speed_in": log_in}
    along = {steps: "alpha", steps - 1: "step"}
    data = {n: (("pair", along[e.shape[-1]]), e.cpu().numpy()) for n, e in end.items()}
    for name, values in rows[0].items():
        last = along[values.shape[-1]]
        dims = ("pair", "block", *(["half"] if name == "log_gain" else []), last)
        data[name] = dims, torch.stack([row[name] for row in rows], dim=1).cpu().numpy()
    first = part.net.first
    alpha = paths.fractions(steps).numpy()
    coords = {"alpha": alpha, "step": (alpha[1:] + alpha[:-1]) / 2, "half": list(HALVES)}
    coords["block"] = range(first, first + len(rows))
    return xr.Dataset(data, coords=coords)


def _block(
    block, norm: NormOf, x: Tensor, v: Tensor, generator: np.random.Generator
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    with forward.dual_level():
        y, parts = block.with_parts(forward.make_dual(x.contiguous(), v.contiguous()))
        y, parts = forward.unpack_dual(y), {k: forward.unpack_dual(p) for k, p in parts.items()}
        mid = x + parts["attention"].primal
        v_mid = v + parts["attention"].tangent
        gain = parts["mlp"].tangent.norm(dim=-1) / v_mid.norm(dim=-1)
        out, v_out = y.primal.clone(), y.tangent.clone()
    delta = mid.diff(dim=1)
    length = delta.norm(dim=-1)
    drawn = torch.from_numpy(generator.standard_normal(tuple(delta.shape))).to(delta)
    aside = mid[:, :-1] + length[..., None] * drawn / drawn.norm(dim=-1, keepdim=True)
    on = norm.mlp.switches(mid) > 0
    row = {
        "log_gain": torch.stack([_log(v_mid) - _log(v), _log(v_out) - _log(v_mid)], dim=1),
        "mlp_norm": norm(mid).double(),
        "mlp_gain": gain.double(),
        "stream": norm.mlp.size(mid.double()),
        "switched": (on[:, 1:] != on[:, :-1]).sum(-1).double(),
        "switched_random": ((norm.mlp.switches(aside) > 0) != on[:, :-1]).sum(-1).double(),
        "length": length.double(),
    }
    return out, v_out, row


def _log(v: Tensor) -> Tensor:
    return v.double().norm(dim=-1).log()
