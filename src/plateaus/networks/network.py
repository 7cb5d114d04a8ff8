"""The vocabulary: a network is a composition of blocks on one activation space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPoints

Block = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Network:
    """Blocks g_0, ..., g_{n-1} on R^d with an optional readout: f = readout o g_{n-1} o ... o g_0.

    A half-open slice ``net[s:t]`` is the partial network f_{s -> t-1} of the proposal and again a
    ``Network``: it maps x_s, what enters block s, to x_t. Points are tensors ``(..., d)``; all
    leading axes are batch.
    """

    blocks: tuple[Block, ...]
    """g_0 ... g_{n-1}; block i maps ``(..., dims[i])`` to ``(..., dims[i + 1])``."""
    dims: tuple[int, ...]
    """Dimensions of x_0 ... x_n."""
    readout: Block | None = None
    """Applied after the last block (a head, logits, probabilities); None reads x_n itself."""
    readouts: Mapping[str, Block | None] = field(default_factory=dict)
    """What else can be read after the last block, by name: see ``reading``."""
    name: str = "network"
    dtype: torch.dtype = torch.float32
    device: torch.device = torch.device("cpu")

    def __post_init__(self) -> None:
        assert len(self.dims) == len(self.blocks) + 1, "one dimension for each x_0 ... x_n"

    def __len__(self) -> int:
        return len(self.blocks)

    def __call__(self, x: Tensor) -> Tensor:
        """f(x), shape ``(..., c)`` for points ``(..., d)``.

        Raises:
            BadPoints: wrong dimension, or a NaN or infinite coordinate.
        """
        x = self.check(x)
        for g in self.blocks:
            x = g(x)
        return x if self.readout is None else self.readout(x)

    def __getitem__(self, index: slice) -> Network:
        """The partial network of blocks s ... t-1; it keeps the readout if it ends where this one
        ends.
        """
        if not isinstance(index, slice):
            raise TypeError(
                f"a network is sliced as net[s:t], not indexed by {index!r}; block i alone is net[i:i + 1]"
            )
        s, t, step = index.indices(len(self))
        if step != 1 or t < s:
            raise TypeError(
                f"a slice of a network runs forwards block by block, not {s}:{t}:{step}"
            )
        return Network(
            blocks=self.blocks[s:t],
            dims=self.dims[s : t + 1],
            readout=self.readout if t == len(self) else None,
            readouts=self.readouts if t == len(self) else {},
            name=f"{self.name}[{s}:{t}]",
            dtype=self.dtype,
            device=self.device,
        )

    def trace(self, x: Tensor) -> list[Tensor]:
        """Every intermediate activation [x_0, ..., x_n], x_0 = x; the readout is not applied."""
        states = [self.check(x)]
        for g in self.blocks:
            states.append(g(states[-1]))
        return states

    def states(self, x: Tensor, block: int) -> Tensor:
        """x_block, what enters block ``block`` when x enters block 0; ``(..., dims[block])``."""
        x = self.check(x)
        for g in self.blocks[:block]:
            x = g(x)
        return x

    def reading(self, readout: str | Block | None) -> Network:
        """The same blocks under another readout: a function, a name in ``readouts``, or None for
        the last state itself.

        A language model has "stream" (the raw residual stream), "normed", "logits" and
        "probabilities". A slice keeps these names if it ends with the last block.

        Raises:
            BadParameter: no readout of that name.
        """
        if isinstance(readout, str):
            if readout not in self.readouts:
                raise BadParameter(
                    f"{self.name} has no readout {readout!r} after its last block: choose one of "
                    f"{', '.join(self.readouts) or 'none; give a function'}."
                )
            readout = self.readouts[readout]
        return replace(self, readout=readout)

    def with_blocks(self, blocks: tuple[Block, ...]) -> Network:
        """The same network with other blocks of the same dimensions (see ``interventions``)."""
        return replace(self, blocks=tuple(blocks))

    def check(self, x: Tensor) -> Tensor:
        """x on this network's device and dtype, after a check of its dimension and its values."""
        x = torch.as_tensor(x).to(device=self.device, dtype=self.dtype)
        if x.ndim == 0 or x.shape[-1] != self.dims[0]:
            raise BadPoints(
                f"{self.name} takes points of dimension {self.dims[0]}, got an array of shape {tuple(x.shape)}: "
                "the last axis must be the activation space that enters the first block."
            )
        if not torch.isfinite(x).all():
            raise BadPoints(
                f"{self.name} was given {int((~torch.isfinite(x)).sum())} coordinates that are NaN or infinite "
                f"in points of shape {tuple(x.shape)}: activations must be finite numbers."
            )
        return x
