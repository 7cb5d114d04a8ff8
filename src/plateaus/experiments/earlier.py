"""Paths at a position before the last, by whole prompts: what is behind the patch runs anew.

The prefix that all other experiments share ends where the path is, so that it serves the last
position alone. Here every point of a path costs its whole prompt; a few pairs are affordable.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from plateaus.data.prompts import Pairs
from plateaus.errors import BadParameter
from plateaus.experiments.given import checked
from plateaus.geometry import checks, paths
from plateaus.measures import curves
from plateaus.networks.language_model import LanguageModel


@checked
def earlier(
    lm: LanguageModel, pairs: Pairs, *, back: int, block: int = 1, steps: int = 50
) -> xr.Dataset:
    """The straight path between what enters ``block`` in both prompts ``back`` positions before
    the last, in the context of the first; the stream is read at the last position.

    Returns:
        Dim ``pair``: ``slope``, the maximum slope of d(alpha)/d(1) after the last block, and
        ``moved``, d(1) over the norm of the stream at the first end.

    Raises:
        BadParameter: a position that the prompts do not have, or no such block.
    """
    at = pairs.a.shape[1] - 1 - checks.whole(back, "The number of positions, back,", least=0)
    if at < 0:
        raise BadParameter(f"Prompts of {at + back + 1} tokens have none {back} before the last.")
    a, b = (_run(lm, ids, block, at)[0] for ids in (pairs.a, pairs.b))
    rows = []
    for ids, x in zip(pairs.a, paths.segment(a, b, steps=steps), strict=True):
        rows.append(_run(lm, ids.expand(steps, -1), block, at, put=x)[1])
    y = torch.stack(rows)
    far = (y[:, -1] - y[:, 0]).double().norm(dim=-1) / y[:, 0].double().norm(dim=-1)
    slope = curves.maximum_slope(curves.normalised_distance(y))
    return xr.Dataset(
        {"slope": ("pair", slope.numpy(force=True)), "moved": ("pair", far.numpy(force=True))},
        coords={"pair": list(pairs.labels)},
        attrs={"model": lm.name, "back": back, "block_in": block, "steps": steps},
    )


@torch.no_grad()
def _run(
    lm: LanguageModel, ids: Tensor, block: int, at: int, put: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """What enters ``block`` at position ``at`` of prompts ``(n, T)``, or what is put there, and
    what leaves the last block at the last position; both ``(n, d)``.
    """
    seen: dict[str, Tensor] = {}

    def enter(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x = args[0] if args else kwargs["hidden_states"]
        if put is not None:
            x[:, at] = put
        seen["enters"] = x[:, at].clone()

    def leave(_module: Any, _args: Any, out: Any) -> None:
        seen["leaves"] = (out if isinstance(out, Tensor) else out[0])[:, -1].clone()

    first, last = lm.bridge.blocks[block], lm.bridge.blocks[-1]
    with ExitStack() as hooks:
        hooks.enter_context(first.register_forward_pre_hook(enter, with_kwargs=True))
        hooks.enter_context(last.register_forward_hook(leave))
        lm.bridge.original_model.base_model(ids, use_cache=False)
    return seen["enters"], seen["leaves"]
