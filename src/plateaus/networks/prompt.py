"""A language model at a prompt, as a ``Network`` on the residual stream of its last position.

The prefix is run once and its keys and values are kept. A batch of points then costs one token
each: the points stand side by side as alternative last tokens, and a mask lets each see the prefix
and itself but no other point. The layers that run are the model's own, called through the bridge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from plateaus.errors import BadPoints
from plateaus.networks.network import Network

if TYPE_CHECKING:
    from plateaus.networks.language_model import LanguageModel

SUBLAYERS = {"attention": "hook_attn_out", "mlp": "hook_mlp_out"}
"""What each sublayer adds to the stream, after a post-norm where the architecture has one."""
SIDE_BY_SIDE = 64
"""Points that share one copy of the prefix; the mask grows with its square, the copies shrink with
it.
"""
AT_ONCE = 4096
"""Points in one call of a layer; bounds memory."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Prefix:
    """What running P prefixes of T tokens once leaves behind."""

    keys: tuple[Tensor, ...]
    """Per block, ``(P, heads, T, d_head)``; empty for the empty prefix."""
    values: tuple[Tensor, ...]
    kwargs: tuple[Mapping[str, Any], ...]
    """Per block, the arguments (rotary phases, ...) with which the model itself calls it at
    position T.
    """
    prompts: int
    tokens: int


class _Kept:
    """Stands in for the layers' cache: hands out prefix plus new keys and values, and stores
    nothing.
    """

    def __init__(self, prefix: Prefix, copies: int) -> None:
        self.prefix, self.copies = prefix, copies

    def update(
        self, k: Tensor, v: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.prefix.tokens:
            return k, v
        kept = (self.prefix.keys[layer_idx], self.prefix.values[layer_idx])
        return tuple(
            torch.cat([old.repeat_interleave(self.copies, 0), new], dim=-2)
            for old, new in zip(kept, (k, v), strict=True)
        )

    def get_seq_length(self, *_: Any) -> int:
        return self.prefix.tokens


@dataclass(frozen=True, kw_only=True)
class PromptBlock:
    """Block i of a language model at the last position of its prompts: ``(..., d)`` to ``(...,
    d)``.

    With P > 1 prompts points are ``(P, n, d)``, n for each prompt.
    """

    model: LanguageModel
    index: int
    prefix: Prefix = field(repr=False)
    frozen: Mapping[str, Tensor]
    """Sublayer outputs held fixed, by name; each broadcasts against the points."""

    def __call__(self, x: Tensor) -> Tensor:
        return self._run(x)[0]

    def with_parts(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """block(x), and what each sublayer adds to the stream there; x + attention + mlp =
        block(x).
        """
        return self._run(x, record=True)

    def freeze(self, sublayer: str, value: Tensor) -> PromptBlock:
        """This block with one sublayer's output held at ``value``."""
        return replace(self, frozen={**self.frozen, sublayer: value})

    def _run(self, x: Tensor, record: bool = False) -> tuple[Tensor, dict[str, Tensor]]:
        rows, copies, restore = _side_by_side(x, self.prefix.prompts)
        fixed = {
            k: _side_by_side(v.expand_as(x), self.prefix.prompts)[0] for k, v in self.frozen.items()
        }
        out, parts = [], {name: [] for name in SUBLAYERS} if record else {}
        # Prompts cannot be split across calls, so a call takes whole groups of `copies` rows.
        size = max(1, AT_ONCE // rows.shape[1]) if self.prefix.prompts == 1 else rows.shape[0]
        for start in range(0, rows.shape[0], size):
            chunk = rows[start : start + size]
            held = {k: v[start : start + size] for k, v in fixed.items()}
            each = chunk.shape[0] if self.prefix.prompts == 1 else copies
            y, seen = self._layer(chunk, each, held, record)
            out.append(y)
            for name, part in seen.items():
                parts[name].append(part)
        return restore(torch.cat(out)), {name: restore(torch.cat(p)) for name, p in parts.items()}

    def _layer(
        self, rows: Tensor, copies: int, held: Mapping[str, Tensor], record: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        block, seen = self.model.bridge.blocks[self.index], {}
        kwargs = dict(self.prefix.kwargs[self.index])
        kept = _Kept(self.prefix, copies)
        kwargs = {k: kept if hasattr(v, "get_seq_length") else v for k, v in kwargs.items()}
        kwargs["attention_mask"] = _mask(rows.shape[1], self.prefix.tokens, rows)
        with ExitStack() as hooks:
            for name, alias in SUBLAYERS.items():
                point = getattr(block, alias)
                if name in held:
                    hooks.enter_context(_hook(point, lambda _m, _a, _o, value=held[name]: value))
                if record:
                    hooks.enter_context(
                        _hook(point, lambda _m, _a, o, name=name: seen.__setitem__(name, o.clone()))
                    )
            out = block(rows, **kwargs)
        return out if isinstance(out, Tensor) else out[0], seen


@dataclass(frozen=True, kw_only=True, repr=False)
class PromptNetwork(Network):
    """A language model at one or several prefixes of equal length; see ``LanguageModel.at``.

    x_0 is what enters block 0 at the last position: the embedding of the last token.
    """

    model: LanguageModel
    prefix: Prefix
    prefix_ids: Tensor
    """``(P, T)``."""

    def embed(self, continuations: Sequence[str] | Tensor) -> Tensor:
        """x_0 of each continuation: ``(k, d)``, or ``(P, k, d)`` for ids ``(P, k)`` at P prompts.

        Raises:
            BadPrompt: a continuation is not one token after this prefix.
        """
        ids = continuations
        if not isinstance(ids, Tensor):
            ids = self.model.continuation_ids(self.prefix_ids, continuations)
        return self.model.embed(ids.reshape(-1), position=self.prefix.tokens).reshape(
            *ids.shape, -1
        )

    def states(self, x: Sequence[str] | Tensor, block: int) -> Tensor:
        """x_block of each continuation: strings, token ids or points that enter block 0."""
        if not isinstance(x, Tensor) or not x.is_floating_point():
            x = self.embed(x)
        return super().states(x, block)


def _side_by_side(x: Tensor, prompts: int) -> tuple[Tensor, int, Callable[[Tensor], Tensor]]:
    """Lay points out as ``(rows, m, d)``, m alternatives sharing one prefix; also rows per prompt
    and the way back.
    """
    points = x.reshape(1, -1, x.shape[-1]) if prompts == 1 else x
    if points.ndim != 3 or points.shape[0] != prompts:
        raise BadPoints(
            f"A network at {prompts} prompts takes points of shape ({prompts}, n, d), got {tuple(x.shape)}: "
            "the first axis must run over the prompts."
        )
    n = points.shape[1]
    m = min(n, SIDE_BY_SIDE)
    copies = -(-n // m)
    if (
        copies * m > n
    ):  # fill the last row with copies of a real point: zeros could upset a normalisation
        points = torch.cat([points, points[:, -1:].expand(-1, copies * m - n, -1)], dim=1)
    rows = points.reshape(prompts * copies, m, -1)
    return (
        rows,
        copies,
        lambda y: y.reshape(prompts, copies * m, -1)[:, :n].reshape(*x.shape[:-1], y.shape[-1]),
    )


def _mask(m: int, tokens: int, like: Tensor) -> Tensor:
    """Additive mask ``(1, 1, m, T + m)``: every point sees the whole prefix and, of the points,
    itself.
    """
    apart = torch.full((m, m), torch.finfo(like.dtype).min, dtype=like.dtype, device=like.device)
    apart.fill_diagonal_(0)
    return torch.cat([apart.new_zeros(m, tokens), apart], dim=1)[None, None]


class _hook:
    """A forward hook for the length of a with-block."""

    def __init__(self, module: torch.nn.Module, fn: Callable[..., Any]) -> None:
        self.module, self.fn = module, fn

    def __enter__(self) -> None:
        self.handle = self.module.register_forward_hook(self.fn)

    def __exit__(self, *_: object) -> None:
        self.handle.remove()
