"""What a language model keeps of a prefix, and how its blocks are called one token later.

Nothing about an architecture is written down here: which keys are kept, which of them a position
may see and how its phases turn are noted while the model itself runs the prefix and one more token.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

BIASES = ("alibi", "position_bias")
"""Arguments that are added to the scores of each key."""
CACHE = object()
"""Stands in a noted call for the model's cache, which is not kept a second time."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Prefix:
    """What running P prefixes of T tokens once leaves behind."""

    keys: tuple[Tensor, ...]
    """Per block, ``(P, heads, t, d_head)``; t is T, or what a sliding window leaves of it."""
    values: tuple[Tensor, ...]
    calls: tuple[Mapping[str, Any], ...]
    """Per block, the arguments (mask, phases, ...) with which the model calls it at position T."""
    prompts: int
    tokens: int

    def arguments(self, block: int, owner: Tensor, m: int) -> dict[str, Any]:
        """The arguments of ``block`` for rows of m alternative last tokens that do not see each
        other.

        Args:
            owner: ``(rows,)``, the prompt that each row continues.
        """
        rows = len(owner)
        given: dict[str, Any] = {}
        for name, value in self.calls[block].items():
            if value is CACHE:
                value = _Cache(self, owner)
            elif name == "attention_mask":
                value = _mask(value, rows, m)
            elif name in BIASES and value is not None:
                value = _spread(value[..., -self.tokens - 1 :], m)
                if name == "alibi":  # its first axis runs over rows and heads
                    one = value[: len(value) // self.prompts]
                    value = one.repeat(rows, *[1] * (one.ndim - 1))
            else:
                value = _once(value)
            given[name] = value
        return given


def keep(bridge: Any, ids: Tensor) -> Prefix:
    """Run prefixes ``(P, T)`` once, then one token more to note how the blocks are called."""
    # Without the head: nobody reads logits here.
    model, cache, kept, left = bridge.original_model.base_model, None, [], {}

    def leaves(block: Any, _args: Any, out: Any) -> None:
        left[block] = _last_token(out)

    with torch.no_grad():
        if ids.shape[1]:
            with ExitStack() as hooks:
                for block in bridge.blocks:
                    hooks.enter_context(block.original_component.register_forward_hook(leaves))
                cache = model(ids, use_cache=True).past_key_values
            kept = [(layer.keys.clone(), layer.values.clone()) for layer in cache.layers]
        with _noting(bridge.blocks, left) as calls:
            model(ids.new_zeros(len(ids), 1), past_key_values=cache, use_cache=True)
    return Prefix(
        keys=tuple(k for k, _ in kept),
        values=tuple(v for _, v in kept),
        calls=tuple(calls),
        prompts=len(ids),
        tokens=ids.shape[1],
    )


@contextmanager
def _noting(blocks: Any, left: Mapping[Any, Any]) -> Iterator[list[dict[str, Any]]]:
    """The calls of ``blocks``, which are not run where ``left`` has what once left them: the next
    is called as it is for any token, and reading all weights for one takes as long as for many.
    """
    calls: list[dict[str, Any]] = []
    names = {b: inspect.signature(b.original_component.forward).parameters for b in blocks}

    def note(block: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # Some models pass arguments by their place; every block takes them by name.
        given = dict(zip(names[block], args, strict=False)) | kwargs
        given.pop("hidden_states", None)
        is_cache = {k: hasattr(v, "get_seq_length") for k, v in given.items()}
        calls.append({k: CACHE if is_cache[k] else v for k, v in given.items()})

    with ExitStack() as undo:
        for block in blocks:
            undo.enter_context(block.register_forward_pre_hook(note, with_kwargs=True))
            inner = block.original_component
            if inner in left:
                undo.enter_context(patch.object(inner, "forward", partial(_given, left[inner])))
        yield calls


def _given(out: Any, *_: Any, **__: Any) -> Any:
    return out


def _last_token(out: Any) -> Any:
    """What left a block of a prefix ``(P, T, d)``, as it leaves for the last token alone."""
    if isinstance(out, Tensor):
        return out[:, -1:].clone()
    return (out[0][:, -1:].clone(), *out[1:])


class _Cache:
    """Stands in for the model's own: hands out kept and new keys and values, and stores nothing."""

    def __init__(self, prefix: Prefix, owner: Tensor) -> None:
        self.prefix, self.owner = prefix, owner

    def update(
        self, k: Tensor, v: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.prefix.tokens:
            return k, v
        kept = (self.prefix.keys[layer_idx], self.prefix.values[layer_idx])
        return tuple(
            torch.cat([self._of_rows(old), new], dim=-2)
            for old, new in zip(kept, (k, v), strict=True)
        )

    def get_seq_length(self, *_: Any) -> int:
        return self.prefix.tokens

    def _of_rows(self, kept: Tensor) -> Tensor:
        rows = len(self.owner)
        return kept.expand(rows, -1, -1, -1) if len(kept) == 1 else kept[self.owner]


def _mask(own: Tensor | None, rows: int, m: int) -> Tensor | None:
    """The model's own mask of one token, ``(P, h, 1, t + 1)``, for m of them side by side.

    Each sees of the prefix what the one token sees (all of it, or a window), and of the m itself.
    """
    if own is None:
        if m == 1:
            return None
        raise ValueError("the model makes no mask, so that points could see each other")
    own = own[:1]
    seen = own[..., -1:]  # a token sees itself
    unseen = ~seen if own.dtype == torch.bool else seen + torch.finfo(own.dtype).min
    itself = torch.eye(m, dtype=torch.bool, device=own.device)
    apart = torch.where(itself, seen, unseen)
    before = own[..., :-1].expand(-1, -1, m, -1)
    return torch.cat([before, apart], dim=-1).expand(rows, -1, -1, -1)


def _spread(bias: Tensor, m: int) -> Tensor:
    """Biases of the keys, the last axis, with the last token's repeated for m tokens."""
    return torch.cat([bias[..., :-1], bias[..., -1:].expand(*bias.shape[:-1], m)], dim=-1)


def _once(value: Any) -> Any:
    """The first row of per-prompt arguments: all prompts have the same length, so the rows
    agree.
    """
    if isinstance(value, tuple):
        return tuple(_once(v) for v in value)
    return value[:1] if isinstance(value, Tensor) and value.ndim else value
