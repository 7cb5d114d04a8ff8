"""The plain way: whole prompts and hooks on the library's own model."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from plateaus.geometry import paths
from plateaus.networks import source
from plateaus.networks.language_model import LanguageModel


@torch.no_grad()
def by_hooks(raw: nn.Module, a: Tensor, b: Tensor, *, patch: int, steps: int, batch: int) -> Tensor:
    """x_n along the segments between P pairs of prompts ``(P, T)`` where they enter block
    ``patch``: ``(P, steps, d)``, in the contexts of a.
    """
    seen = {}

    def note(_module: Any, args: Any) -> None:
        seen["enters"] = args[0][:, -1].clone()

    with blocks(raw)[patch].register_forward_pre_hook(note):
        raw.base_model(torch.cat([a, b]), use_cache=False)
    ways = paths.segment(*seen["enters"].chunk(2), steps=steps)
    found = [
        patched(raw, prompt, x, patch=patch, batch=batch) for prompt, x in zip(a, ways, strict=True)
    ]
    return torch.stack(found)


@torch.no_grad()
def patched(raw: nn.Module, prompt: Tensor, points: Tensor, *, patch: int, batch: int) -> Tensor:
    """What leaves the last block ``(n, d)`` when ``points`` enter block ``patch`` in the place of
    the prompt's last token, ``batch`` at once.
    """
    layers, seen, found = blocks(raw), {}, []

    def read(_module: Any, _args: Any, out: Any) -> None:
        seen["leaves"] = (out if isinstance(out, Tensor) else out[0])[:, -1].clone()

    def put(_module: Any, args: Any) -> None:
        args[0][:, -1] = seen["points"]

    for seen["points"] in points.split(batch):
        with ExitStack() as hooks:
            hooks.enter_context(layers[patch].register_forward_pre_hook(put))
            hooks.enter_context(layers[-1].register_forward_hook(read))
            raw.base_model(prompt.expand(len(seen["points"]), -1), use_cache=False)
        found.append(seen["leaves"])
    return torch.cat(found)


def plain(name: str, lm: LanguageModel) -> nn.Module:
    """The same weights as the library loads them by itself, with its own choice of attention."""
    from transformers import AutoModelForCausalLM

    where = source.find(name)
    model = AutoModelForCausalLM.from_pretrained(
        where.weights, dtype=lm.dtype, trust_remote_code=False, **where.revision
    )
    return model.to(lm.device).eval().requires_grad_(False)


def blocks(raw: nn.Module) -> nn.ModuleList:
    """The blocks of a model of the library."""
    depth = raw.config.get_text_config().num_hidden_layers
    lists = (m for m in raw.modules() if isinstance(m, nn.ModuleList))
    return next(found for found in lists if len(found) == depth)
