"""One attention, head or MLP held at a time, or MLPs made linear: what does a curve need?"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter, UnsupportedModel
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.runs import Part
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.networks.perceptron import perceptron
from plateaus.networks.prompt import HEADS, SUBLAYERS

HELD = ("mean", "end")
"""Where an output is held: at its mean over the path, or at what it is at the first end."""


@checked
def one_by_one(
    ends: Ends, *, steps: int = 50, held: str = "mean", single: bool = True
) -> xr.Dataset:
    """Maximum slopes of d(alpha)/d(1), the stream after the last block, with one sublayer of one
    block held and all others free; and with all of a kind.

    Args:
        held: "mean" over the path, or the first "end" of it.
        single: whether blocks are held one by one; else only all of them.

    Returns:
        ``whole``, dim ``pair``; ``slope``, dims ``sublayer, block, pair``, one of them held;
        ``all``, dims ``sublayer, pair``, that sublayer of every block, each while those before it
        are held.

    Raises:
        BadParameter: another way to hold.
        UnsupportedModel: blocks that are not made of sublayers.
    """
    return _labelled([_part(p, steps, _known(held), single) for p in ends.parts(steps)],
                     ends, steps, held)  # fmt: skip


@checked
def heads_one_by_one(ends: Ends, *, steps: int = 50, held: str = "mean") -> xr.Dataset:
    """The same with one head of one attention held: ``whole`` and ``slope``; ``sublayer`` is the
    head's number.
    """
    return _labelled([_heads(p, steps, _known(held)) for p in ends.parts(steps)],
                     ends, steps, held)  # fmt: skip


@checked
def linearised_mlps(ends: Ends, *, steps: int = 50, attention: bool = True) -> np.ndarray:
    """Maximum slopes ``(pair,)`` with every MLP, its normalisation with it, replaced by its tangent
    at the first end of the path; attention is what it was, or held at its mean.

    Raises:
        UnsupportedModel: blocks whose MLP cannot be written out.
    """
    found = []
    for part in ends.parts(steps):
        x = paths.segment(part.a, part.b, steps=steps)
        for block in part.net.blocks:
            with torch.no_grad():
                out = block.with_parts(x)[1]["attention"]
                out = out if attention else out.mean(-2, keepdim=True)
            mlp, mid = perceptron(block, x[:, :2]), x + out
            at = mid[:, :1].expand_as(mid).contiguous()
            value, change = torch.func.jvp(mlp, (at,), (mid - at,))
            held = block if attention else block.freeze("attention", out)
            with torch.no_grad():
                x = held.freeze("mlp", (value + change).detach())(x)
        found.append(_slope(x))
    return torch.cat(found).numpy()


def _known(held: str) -> str:
    if held not in HELD:
        raise BadParameter(f"A sublayer is held at its {' or its '.join(HELD)}, got {held!r:.80}.")
    return held


def _labelled(found: list[xr.Dataset], ends: Ends, steps: int, held: str) -> xr.Dataset:
    return xr.concat(found, "pair").assign_coords(pair=list(ends.labels)).assign_attrs(
        ends.attrs, steps=steps, block_in=ends.block, held=held, source=ends.source
    )  # fmt: skip


def _path(part: Part, steps: int, method: str) -> tuple[Tensor, tuple]:
    if not all(hasattr(block, method) for block in part.net.blocks):
        raise UnsupportedModel(f"{part.net.name} is not made of sublayers that could be held.")
    return paths.segment(part.a, part.b, steps=steps), part.net.blocks


def _part(part: Part, steps: int, held: str, single: bool) -> xr.Dataset:
    x, blocks = _path(part, steps, "with_parts")
    names, first = list(SUBLAYERS), part.net.first
    with torch.no_grad():
        every = [_every(x, blocks, name, held) for name in names]
        singly, out = _singly(x, blocks, names if single else [], held)
    found = xr.Dataset(
        {"whole": ("pair", _slope(out).numpy()), "all": (("sublayer", "pair"), _stack(every))},
        coords={"sublayer": names},
    )
    if single:
        found["slope"] = ("sublayer", "block", "pair"), np.stack([_stack(singly[n]) for n in names])
        found = found.assign_coords(block=range(first, first + len(blocks)))
    return found


def _singly(
    x: Tensor, blocks: tuple, names: list[str], held: str
) -> tuple[dict[str, list[Tensor]], Tensor]:
    """Slopes with one sublayer held, by name and block; and the output with none held."""
    rows = {name: [] for name in names}
    for k, block in enumerate(blocks):
        y, parts = block.with_parts(x)
        for name in names:
            z = block.freeze(name, _value(parts[name], held))(x)
            rows[name].append(_slope_behind(z, blocks[k + 1 :]))
        x = y
    return rows, x


@torch.no_grad()
def _heads(part: Part, steps: int, held: str) -> xr.Dataset:
    x, blocks = _path(part, steps, "heads")
    rows = []
    for k, block in enumerate(blocks):
        every, of_block = block.heads(x), []  # (pairs, steps, heads, d_head)
        for head in range(every.shape[-2]):
            z = every.clone()
            z[:, :, head] = _value(every[:, :, head], held)
            of_block.append(_slope_behind(block.freeze(HEADS, z)(x), blocks[k + 1 :]))
        rows.append(_stack(of_block))
        x = block(x)
    first = part.net.first
    return xr.Dataset(
        {
            "whole": ("pair", _slope(x).numpy()),
            "slope": (("sublayer", "block", "pair"), np.stack(rows, axis=1)),
        },
        coords={"sublayer": range(len(rows[0])), "block": range(first, first + len(blocks))},
    )


def _slope_behind(x: Tensor, blocks: tuple) -> Tensor:
    for block in blocks:
        x = block(x)
    return _slope(x)


def _every(x: Tensor, blocks: tuple, name: str, held: str) -> Tensor:
    for block in blocks:
        x = block.freeze(name, _value(block.with_parts(x)[1][name], held))(x)
    return _slope(x)


def _value(out: Tensor, held: str) -> Tensor:
    """``(pairs, 1, d)`` of a sublayer's outputs ``(pairs, steps, d)``."""
    return out.mean(-2, keepdim=True) if held == "mean" else out[:, :1]


def _stack(rows: list[Tensor]) -> np.ndarray:
    return torch.stack(rows).numpy()


def _slope(y: Tensor) -> Tensor:
    return curves.maximum_slope(curves.normalised_distance(y)).cpu()
