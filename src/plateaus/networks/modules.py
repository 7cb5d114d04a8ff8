"""Any list of torch modules as a ``Network``: feature maps are flattened to points and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from plateaus.networks.network import Network


@dataclass(frozen=True, kw_only=True)
class MapBlock:
    """A module that expects arrays of ``shape`` (say channels, height, width), acting on flat
    points.
    """

    module: Callable[[Tensor], Tensor]
    shape: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        y = self.module(x.reshape(-1, *self.shape))
        return y.reshape(*x.shape[:-1], y.shape[1:].numel())


def from_modules(
    modules: Sequence[Callable[[Tensor], Tensor]],
    example: Tensor,
    *,
    readout: Callable[[Tensor], Tensor] | None = None,
    name: str = "network",
) -> Network:
    """Compose modules that each take the previous one's output; points are flattened inputs.

    Args:
        modules: g_0 ... g_{n-1} in evaluation mode; batch axis first.
        example: one input without a batch axis; the shapes of all intermediate maps are read off
            it.
        readout: applied to the last map, batch axis first.
    """
    shapes, x = [tuple(example.shape)], example[None]
    with torch.no_grad():
        for module in modules:
            x = module(x)
            shapes.append(tuple(x.shape[1:]))
    blocks = tuple(MapBlock(module=m, shape=s) for m, s in zip(modules, shapes, strict=False))
    return Network(
        blocks=blocks,
        dims=tuple(torch.Size(s).numel() for s in shapes),
        readout=None if readout is None else MapBlock(module=readout, shape=shapes[-1]),
        name=name,
        dtype=example.dtype,
        device=example.device,
    )
