"""A language model at a prompt, as a ``Network`` on the residual stream of its last position.

The prefix is run once and its keys and values are kept. A batch of points then costs one token
each: the points stand side by side as alternative last tokens, and a mask lets each see the prefix
and itself but no other point. The layers that run are the model's own, called through the bridge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from plateaus.errors import BadPoints, UnsupportedModel
from plateaus.networks.chunks import budget, in_chunks
from plateaus.networks.network import Network
from plateaus.networks.prefix import Prefix

SUBLAYERS = {"attention": "hook_attn_out", "mlp": "hook_mlp_out"}
"""What each sublayer adds to the stream, after a post-norm where the architecture has one."""
HEADS = "heads"
PLACES = SUBLAYERS | {HEADS: "attn.hook_z"}
"""What can be held; of the heads of an attention, what each hands to the common projection."""
SIDE_BY_SIDE = 64
"""Points that share one copy of the prefix; the mask grows with its square, the copies shrink with
it.
"""
LEVEL = 1_000_000
"""Marks our hooks, so that only they are taken away again."""
_NOT_SEEN = (
    "What {names} of block {index} add to the stream cannot be told apart in this architecture: "
    "its sublayers cannot be frozen or measured one by one."
)
AT_ONCE = 4096
"""Points in one call of a layer, if memory allows: more are not faster."""


@dataclass(frozen=True, kw_only=True)
class PromptBlock:
    """Block i of a language model at the last position of its prompts: ``(..., d)`` to ``(...,
    d)``.

    With P > 1 prompts points are ``(P, n, d)``, n for each prompt.
    """

    layer: Any = field(repr=False)
    """The bridge's block around the model's own."""
    index: int
    prefix: Prefix = field(repr=False)
    frozen: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    """Outputs held fixed, by name; each broadcasts against the points."""
    side_by_side: int = SIDE_BY_SIDE
    """Points in one row; 1 for an architecture that cannot tell several apart."""

    def __call__(self, x: Tensor) -> Tensor:
        return self._run(x)[0]

    def with_parts(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """block(x), and what each sublayer adds to the stream there.

        Raises:
            UnsupportedModel: x + attention + mlp is not block(x) in this architecture.
        """
        y, parts = self._run(x, tuple(SUBLAYERS))
        apart = (x + sum(parts.values()) - y).norm()
        if not apart <= torch.finfo(y.dtype).eps ** 0.5 * y.norm():
            raise UnsupportedModel(_NOT_SEEN.format(index=self.index, names=" and ".join(parts)))
        return y, parts

    def heads(self, x: Tensor) -> Tensor:
        """What each head of the attention hands on there, ``(..., heads, d_head)``.

        Raises:
            UnsupportedModel: heads that cannot be told apart.
        """
        found = self._run(x, (HEADS,))[1][HEADS]
        if found.ndim != x.ndim + 1:
            raise UnsupportedModel(_NOT_SEEN.format(index=self.index, names="the heads"))
        return found

    def freeze(self, sublayer: str, value: Tensor) -> PromptBlock:
        """This block with one sublayer's output, or those of its heads, held at ``value``."""
        value = value.flatten(-2) if sublayer == HEADS else value
        return replace(self, frozen={**self.frozen, sublayer: value})

    def _run(self, x: Tensor, record: tuple[str, ...] = ()) -> tuple[Tensor, dict[str, Tensor]]:
        if not x.numel():
            return x, dict.fromkeys(record, x)
        rows, owner, restore = self._rows(x)
        held = {k: self._rows(v.expand(*x.shape[:-1], -1))[0] for k, v in self.frozen.items()}

        def run(some: slice) -> list[Tensor]:
            frozen = {k: v[some] for k, v in held.items()}
            return self._layer(rows[some], owner[some], frozen, record)

        size = min(AT_ONCE // rows.shape[1], budget(x.device) // self._bytes(rows))
        found = [restore(torch.cat(p)) for p in zip(*in_chunks(run, len(rows), size), strict=True)]
        return found[0], dict(zip(record, found[1:], strict=True))

    def _layer(
        self, rows: Tensor, owner: Tensor, frozen: Mapping[str, Tensor], record: tuple[str, ...]
    ) -> list[Tensor]:
        """The block's output for rows of points, then what is to be recorded."""
        seen: dict[str, Tensor] = {}

        def watch(name: str) -> Callable[..., Tensor | None]:
            def hook(out: Tensor, hook: Any) -> Tensor | None:
                value = frozen[name].reshape(out.shape).contiguous() if name in frozen else None
                seen[name] = (out if value is None else value).clone()
                return value

            return hook

        arguments = self.prefix.arguments(self.index, owner, rows.shape[1])
        watched = dict.fromkeys((*record, *frozen))
        with ExitStack() as hooks:
            for name in watched:
                point = self.layer
                for step in PLACES[name].split("."):
                    point = getattr(point, step, None)
                if point is not None:
                    point.add_hook(watch(name), level=LEVEL)
                    hooks.callback(point.remove_hooks, level=LEVEL)
            out = self.layer(rows, **arguments)
        out = out if isinstance(out, Tensor) else out[0]
        if unseen := [name for name in watched if name not in seen]:
            raise UnsupportedModel(_NOT_SEEN.format(index=self.index, names=" and ".join(unseen)))
        return [out, *(seen[name] for name in record)]

    def _rows(self, x: Tensor) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]:
        """Points as ``(rows, m, d)``, m sharing a prefix; the prompt of each row; the way back."""
        prompts = self.prefix.prompts
        points = x.reshape(1, -1, x.shape[-1]) if prompts == 1 else x
        if points.ndim != 3 or points.shape[0] != prompts:
            raise BadPoints(
                f"A network at {prompts} prompts takes points of shape ({prompts}, n, d), got "
                f"{tuple(x.shape)}: the first axis must run over the prompts."
            )
        n = points.shape[1]
        m = min(n, self.side_by_side)
        copies = -(-n // m)
        if copies * m > n:  # filled with a real point: zeros could upset a normalisation
            points = torch.cat([points, points[:, -1:].expand(-1, copies * m - n, -1)], dim=1)
        owner = torch.arange(prompts, device=x.device).repeat_interleave(copies)

        def restore(y: Tensor) -> Tensor:
            inside = y.shape[2:]
            return y.reshape(prompts, copies * m, *inside)[:, :n].reshape(*x.shape[:-1], *inside)

        return points.reshape(prompts * copies, m, -1), owner, restore

    def _bytes(self, rows: Tensor) -> int:
        """About what a row costs inside a layer: keys and values, scores, and the MLP's inside."""
        m, d = rows.shape[1:]
        keys = self.prefix.tokens + m
        heads = self.prefix.keys[self.index].shape[1] if self.prefix.tokens else 1
        return rows.element_size() * (16 * m * d + 4 * keys * d + 6 * heads * m * keys)


@dataclass(frozen=True, kw_only=True, repr=False)
class PromptNetwork(Network):
    """A language model at one or several prefixes of equal length; see ``LanguageModel.at``.

    x_0 is what enters block 0 at the last position: the embedding of the last token.
    """

    prefix: Prefix
    prefix_ids: Tensor
    """``(P, T)``."""
    enter: Callable[[Sequence[str] | Tensor], Tensor]
    """x_0 of tokens, see ``embed``."""

    def embed(self, continuations: Sequence[str] | Tensor) -> Tensor:
        """x_0 of each continuation: ``(k, d)``, or ``(P, k, d)`` for ids ``(P, k)`` at P prompts.

        Raises:
            BadPrompt: a continuation is not one token after this prefix.
        """
        return self.enter(continuations)

    def states(self, x: Sequence[str] | Tensor, block: int) -> Tensor:
        """x_block of each continuation: strings, token ids or points that enter block 0."""
        if not isinstance(x, Tensor) or not x.is_floating_point():
            x = self.embed(x)
        return super().states(x, block)
