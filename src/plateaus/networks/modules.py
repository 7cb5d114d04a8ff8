"""Any list of torch modules as a ``Network``: feature maps are flattened to points and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from plateaus.errors import BadParameter
from plateaus.networks.network import Network

Module = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class MapBlock:
    """A module that expects arrays of ``shape`` (say channels, height, width), acting on flat
    points.
    """

    module: Module
    shape: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        y = self.module(x.reshape(-1, *self.shape))
        return y.reshape(*x.shape[:-1], y.shape[1:].numel())


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A module x -> x + attention + mlp that is made of smaller ones, which add to the stream."""

    module: nn.Module
    parts: Mapping[str, nn.Module]
    """What adds to the stream, by the name of the sublayer."""

    def __call__(self, x: Tensor) -> Tensor:
        return self.module(x)


@dataclass(frozen=True, kw_only=True)
class LayerBlock(MapBlock):
    """A ``Layer`` on flat points: its sublayers can be read and held fixed."""

    module: Layer
    frozen: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    """Sublayer outputs held fixed, flat, by name; each broadcasts against the points."""

    def __call__(self, x: Tensor) -> Tensor:
        return self.with_parts(x)[0]

    def with_parts(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """block(x), and what each sublayer adds to the stream there; they sum up to it."""
        seen: dict[str, Tensor] = {}

        def watch(name: str) -> Callable[..., Any]:
            def hook(_module: nn.Module, _args: Any, out: Any) -> Any:
                alone = isinstance(out, Tensor)
                value = out if alone else out[0]
                if name in self.frozen:
                    value = self.frozen[name].expand_as(x).reshape(value.shape)
                seen[name] = value.reshape(x.shape)
                return value if alone else (value, *out[1:])

            return hook

        with ExitStack() as hooks:
            for name, part in self.module.parts.items():
                hooks.enter_context(part.register_forward_hook(watch(name)))
            return super().__call__(x), seen

    def freeze(self, sublayer: str, value: Tensor) -> LayerBlock:
        """This block with one sublayer's output held at ``value``."""
        return replace(self, frozen={**self.frozen, sublayer: value})


def from_modules(
    modules: Sequence[Module],
    example: Tensor,
    *,
    readout: Module | None = None,
    readouts: Mapping[str, Module] | None = None,
    name: str = "network",
) -> Network:
    """Compose modules that each take the previous one's output; points are flattened inputs.

    Args:
        modules: g_0 ... g_{n-1} in evaluation mode; batch axis first. A ``Layer`` tells which
            smaller modules add to the stream, for ``interventions.freeze``.
        example: one input without a batch axis; the shapes of all intermediate maps are read off
            it.
        readout: applied to the last map, batch axis first.
        readouts: instead of it, what can be read after the last block, by name: the first is
            computed from the last map, each other from the one before it. The network then reads
            its "logits" if it has them, else the stream.
    """
    if not isinstance(example, Tensor) or not example.is_floating_point() or not example.ndim:
        raise BadParameter(
            f"An example is one input of {name} without a batch axis, a tensor of floating-point "
            f"numbers, got {example!r:.60}: give one."
        )
    try:
        given = [*modules, *([] if readout is None else [readout]), *(readouts or {}).values()]
    except (TypeError, AttributeError):
        given = [None]
    if not all(map(callable, given)):
        raise BadParameter(
            f"{name} is made of a list of modules and what is read of one or a mapping of them, "
            f"got {[type(m).__name__ for m in given]}: give functions of tensors."
        )
    x, blocks, dims = example[None], [], [example.numel()]

    def flat(module: Module) -> MapBlock:
        nonlocal x
        kind = LayerBlock if isinstance(module, Layer) else MapBlock
        block = kind(module=module, shape=tuple(x.shape[1:]))
        try:
            x = module(x)
            if not isinstance(x, Tensor):
                raise TypeError(f"it gave a {type(x).__name__} and no array")
        except Exception as error:
            said = " ".join(str(error).split())
            raise BadParameter(
                f"Module {len(blocks)} of {name}, {type(module).__name__}, did not map an array "
                f"of shape {block.shape} ({said[:200]}): give modules that fit one after the other."
            ) from None
        return block

    with torch.no_grad():
        for module in modules:
            blocks.append(flat(module))
            dims.append(x.shape[1:].numel())
        last = None if readout is None else flat(readout)
        chain = {reading: flat(step) for reading, step in (readouts or {}).items()}
    net = Network(
        blocks=tuple(blocks),
        dims=tuple(dims),
        readout=last,
        readouts=chain,
        name=name,
        dtype=example.dtype,
        device=example.device,
    )
    return net.reading("logits") if "logits" in chain else net
