"""All that is published of one pair of prompts (Shinkle & Heimersheim), in a single pass.

Every block is patched, with nothing, the attention or the MLPs frozen, and all of them travel
together: one token for each point, behind a prefix that is run once.
"""

from __future__ import annotations

import torch
import xarray as xr
from torch import Tensor

from plateaus.data.pairs import Pairs
from plateaus.errors import UnsupportedModel
from plateaus.experiments.given import checked
from plateaus.experiments.interpolation import Path
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.measures.dense import AttentionJacobians, MLPJacobians
from plateaus.networks.explicit import explicit
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.network import Network

FROZEN = ("none", "attention", "mlp")
FIRST = 1
"""The first block that is patched: what enters it leaves block 0."""
AT_ONCE = 2**22
"""Numbers of the dense Jacobians that are held at once: few enough for a processor's cache."""
JACOBIANS = ("attention", "mlp", "block", "chain")


@checked
def one_pair(
    lm: LanguageModel,
    pairs: Pairs,
    *,
    steps: int = 50,
    path: Path = paths.slerp,
    jacobians: bool = True,
) -> xr.Dataset:
    """Curves, steps, switches and Jacobians of each pair, at its own prompt.

    Returns:
        ``rho``, dims ``pair, frozen, block_in, block_out, alpha`` (NaN where the reading comes
        before the patch), and ``rho_logits`` ``(pair, frozen, alpha)`` with block 1 patched. With
        that patch and nothing frozen, dims ``pair, block_out`` and ``step``: ``step_size`` of the
        stream, and ``density``, neurons that change sides between two points over their distance
        where they enter the MLP's half; dims ``pair, of, block_out, alpha``: ``norm`` |J|_F of the
        attention and the MLP with their normalisations, of the block and of all blocks from the
        first patched one to it; and ``directions`` ``(pair, block_out)``, how many the slopes of
        the MLP span along the path, which is what its Jacobians cost.

    Raises:
        UnsupportedModel: no GPT-2, whose blocks can be written out.
    """
    rows = [_one(lm, a, b, steps, path, jacobians) for a, b in zip(pairs.a, pairs.b, strict=True)]
    return xr.concat(rows, "pair").assign_coords(pair=list(pairs.labels)).assign_attrs(
        model=lm.name, steps=steps, source=pairs.source
    )  # fmt: skip


@torch.no_grad()
def _one(
    lm: LanguageModel, a: Tensor, b: Tensor, steps: int, path: Path, jacobians: bool
) -> xr.Dataset:
    prompt = lm.at(a[:-1])
    net = explicit(prompt, dtype=lm.dtype)
    ends = torch.cat([prompt.embed(a[None, -1:]), prompt.embed(b[None, -1:])]).flatten(0, -2)
    states = net.trace(ends)
    if not torch.equal(a[:-1], b[:-1]):
        other = lm.at(b[:-1])
        for x, y in zip(states, other.trace(other.embed(b[None, -1:])), strict=True):
            x[1] = y.flatten()
    depth = len(net)
    _written_out(net, prompt, ends)
    rho = torch.full((len(FROZEN), depth, depth, steps), torch.nan, dtype=torch.float64)
    rows, x, chain = [], torch.empty(len(FROZEN), 0, steps, lm.d, dtype=lm.dtype), None
    for k in range(FIRST, depth):
        new = path(*states[k], steps=steps)
        x = torch.cat([x, new.expand(len(FROZEN), 1, steps, lm.d)], dim=1)
        attention, mlp = net.blocks[k]
        added = _frozen(attention.branch(x), "attention")
        mid = x + added
        y = mid + _frozen(mlp.branch(mid), "mlp")
        rho[:, FIRST : k + 1, k] = curves.relative_distance(y)
        row = _along(net.blocks[k], mid[0, 0], y[0, 0])
        if jacobians:
            halves = {"half": attention, "at": x[0, 0]}, {"half": mlp, "at": mid[0, 0]}
            of = AttentionJacobians(**halves[0]), MLPJacobians(**halves[1])
            row["norm"], chain = _norms(*of, chain)
            row["directions"] = len(of[1].spanned[1])
        rows.append(row)
        x = y
    logits = net.readouts["logits"](net.readouts["normed"](x[:, 0]))
    return _labelled(rho[:, FIRST:, FIRST:], curves.relative_distance(logits), rows, steps)


def _frozen(added: Tensor, name: str) -> Tensor:
    """What a half adds ``(frozen, patches, steps, d)``; where it is frozen, its mean over steps."""
    held = added[FROZEN.index(name)]
    held[:] = held.mean(-2, keepdim=True)
    return added


def _along(block: torch.nn.Sequential, mid: Tensor, y: Tensor) -> dict[str, Tensor]:
    norm, w_in, *_ = block[1].branch
    on = w_in(norm(mid)) > 0
    switched = (on[1:] != on[:-1]).sum(-1)
    return {"density": switched / curves.step_sizes(mid), "step_size": curves.step_sizes(y)}


def _norms(
    attention: AttentionJacobians, mlp: MLPJacobians, chain: Tensor | None
) -> tuple[Tensor, Tensor]:
    """|J|_F ``(of, n)``, and the Jacobians of the chain ``(n, d, d)`` with this block behind."""
    n, d = attention.at.shape
    size = max(1, AT_ONCE // d**2)
    norms = attention.at.new_empty(len(JACOBIANS), n)
    whole = attention.at.new_empty(n, d, d) if chain is None else chain
    for start in range(0, n, size):
        some = slice(start, start + size)
        first, second = attention(some), mlp(some)
        norms[:2, some] = torch.stack([_frobenius(first), _frobenius(second)])
        first.diagonal(dim1=-2, dim2=-1).add_(1)
        second.diagonal(dim1=-2, dim2=-1).add_(1)
        block = second @ first
        whole[some] = block if chain is None else block @ chain[some]
        norms[2:, some] = torch.stack([_frobenius(block), _frobenius(whole[some])])
    return norms, whole


def _frobenius(matrices: Tensor) -> Tensor:
    return matrices.flatten(1).norm(dim=-1)


def _written_out(net: Network, prompt: Network, x: Tensor) -> None:
    """Raise `UnsupportedModel` unless the plain layers do what the model does."""
    mine, own = net(x), prompt(x)
    if not (mine - own).norm() <= torch.finfo(own.dtype).eps ** 0.5 * own.norm():
        raise UnsupportedModel(
            f"The blocks of {prompt.name}, written out, do something else than the model: give a "
            "GPT-2 with its own activation function."
        )


def _labelled(
    rho: Tensor, rho_logits: Tensor, rows: list[dict[str, Tensor]], steps: int
) -> xr.Dataset:
    alpha = paths.fractions(steps).numpy()
    blocks = range(FIRST, FIRST + len(rows))
    data = {
        "rho": (("frozen", "block_in", "block_out", "alpha"), rho.numpy()),
        "rho_logits": (("frozen", "alpha"), rho_logits.numpy()),
    }
    for name in ("density", "step_size"):
        stacked = torch.stack([row[name] for row in rows])
        data[name] = ("block_out", "step"), stacked.double().numpy()
    coords = {"frozen": list(FROZEN), "block_in": blocks, "block_out": blocks, "alpha": alpha}
    if "norm" in rows[0]:
        norm = torch.stack([row["norm"] for row in rows], dim=1).double().numpy()
        data["norm"], coords["of"] = (("of", "block_out", "alpha"), norm), list(JACOBIANS)
        data["directions"] = "block_out", [row["directions"] for row in rows]
    return xr.Dataset(data, coords=coords | {"step": (alpha[1:] + alpha[:-1]) / 2})
