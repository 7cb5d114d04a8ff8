"""The vocabulary: a network is a composition of blocks on one activation space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral

import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPoints

Block = Callable[[Tensor], Tensor]
STREAM = "stream"
"""Name of the reading that every block has: the activation that leaves it."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One place where a network can be watched, and what is seen there."""

    block: int
    """Number of the block behind which it is read, counted in the network that slices come from."""
    name: str
    """"stream", or a name in the network's ``readouts``."""
    value: Tensor
    """``(..., c)`` for points ``(..., d)``."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Network:
    """Blocks g_0, ..., g_{n-1} on R^d with an optional readout: f = readout o g_{n-1} o ... o g_0.

    A half-open slice ``net[s:t]`` is the partial network f_{s -> t-1} of the proposal and again a
    ``Network``: it maps x_s, what enters block s, to x_t, and knows where it was cut (``first``).
    Points are tensors ``(..., d)``; all leading axes are batch.
    """

    blocks: tuple[Block, ...]
    """g_0 ... g_{n-1}; block i maps ``(..., dims[i])`` to ``(..., dims[i + 1])``."""
    dims: tuple[int, ...]
    """Dimensions of x_0 ... x_n."""
    readout: Block | None = None
    """Applied after the last block (a head, logits, probabilities); None reads x_n itself."""
    readouts: Mapping[str, Block] = field(default_factory=dict)
    """What can be read after the last block, by name. A chain: the first is computed from x_n, each
    other from the one before it (normed, logits, probabilities)."""
    first: int = 0
    """Number of the first block in the network that this one was sliced from."""
    name: str = "network"
    dtype: torch.dtype = torch.float32
    device: torch.device = torch.device("cpu")

    def __post_init__(self) -> None:
        steps = (*self.blocks, *self.readouts.values(), self.readout or softmax)
        if not all(map(callable, steps)) or not all(isinstance(d, Integral) for d in self.dims):
            raise BadParameter(
                "A network is made of functions between spaces of whole dimensions, got "
                f"{', '.join(type(g).__name__ for g in steps)} and {self.dims!r:.60}: give these."
            )
        if len(self.dims) != len(self.blocks) + 1:
            raise BadParameter(
                f"A network has one dimension for each of x_0 ... x_n, got {len(self.dims)} for "
                f"{len(self.blocks)} blocks: give {len(self.blocks) + 1}."
            )

    def __len__(self) -> int:
        return len(self.blocks)

    def __repr__(self) -> str:
        spaces = " -> ".join(str(d) for d in dict.fromkeys((self.dims[0], self.dims[-1])))
        read = f", reads {', '.join(self.readouts)}" if self.readouts else ""
        return (
            f"<{type(self).__name__} {self.name}: {len(self)} blocks on R^{spaces}, "
            f"{str(self.dtype).removeprefix('torch.')}, {self.device}{read}>"
        )

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
        """The partial network of blocks s ... t-1, counted from this network's own first block.

        It keeps the readouts if it ends where this one ends.

        Raises:
            BadParameter: a bound beyond the blocks.
        """
        if not isinstance(index, slice):
            raise TypeError(
                f"a network is sliced as net[s:t], not indexed by {index!r}; block i alone is "
                "net[i:i + 1]"
            )
        n = len(self)
        given = [i for i in (index.start, index.stop) if i is not None]
        beyond = [i for i in given if not (isinstance(i, Integral) and -n <= i <= n)]
        if beyond:
            raise BadParameter(
                f"{self.name} has {n} blocks and was sliced at {beyond[0]!r}: slice it between 0 "
                f"and {n}."
            )
        s, t, step = index.indices(n)
        if step != 1 or t < s:
            raise TypeError(
                f"a slice of a network runs forwards block by block, not {s}:{t}:{step}"
            )
        whole = t == n
        return Network(
            blocks=self.blocks[s:t],
            dims=self.dims[s : t + 1],
            readout=self.readout if whole else None,
            readouts=self.readouts if whole else {},
            first=self.first + s,
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
        """x_block, what enters block ``block`` when x enters block 0; ``(..., dims[block])``.

        Raises:
            BadParameter: no such block; ``block = n`` is what leaves the last one.
        """
        if not (isinstance(block, Integral) and 0 <= block <= len(self)):
            raise BadParameter(
                f"{self.name} has blocks 0 to {len(self) - 1}, got block={block!r}: give one of "
                f"these, or {len(self)} for what leaves the last."
            )
        x = self.check(x)
        for g in self.blocks[:block]:
            x = g(x)
        return x

    def readings(self, x: Tensor, *, readouts: bool = True) -> list[Reading]:
        """All that can be watched while x passes, from shallow to deep.

        The stream that leaves each block, then what ``readouts`` name after the last block; a
        network with an unnamed readout has it as its "output".

        Args:
            readouts: whether anything is read after the last block; vocabularies are large.
        """
        stream = self.trace(x)
        seen = [
            Reading(block=self.first + i, name=STREAM, value=y) for i, y in enumerate(stream[1:])
        ]
        y, last = stream[-1], self.first + len(self) - 1
        for name, step in self._chain().items() if readouts else ():
            y = step(y)
            seen.append(Reading(block=last, name=name, value=y))
        return seen

    def reading(self, readout: str | Block | None) -> Network:
        """The same blocks under another readout: a name, a function of x_n, or None for x_n itself.

        The names are "stream", for x_n itself, and those in ``readouts``: a language model has
        "normed", "logits" and "probabilities". A slice keeps them if it ends with the last block.

        Raises:
            BadParameter: no readout of that name.
        """
        if isinstance(readout, str):
            chain = self._chain()
            names = [STREAM, *chain]
            if readout not in names:
                raise BadParameter(
                    f"{self.name} has no readout {readout!r} after its last block: choose one of "
                    f"{', '.join(names)}, or give a function."
                )
            steps = tuple(chain.values())[: names.index(readout)]
            readout = None if not steps else steps[0] if len(steps) == 1 else Chain(steps=steps)
        elif not (readout is None or callable(readout)):
            raise BadParameter(
                f"A readout of {self.name} is a name, a function or None, got {readout!r}: give "
                "one of these."
            )
        return replace(self, readout=readout)

    def with_blocks(self, blocks: tuple[Block, ...]) -> Network:
        """The same network with other blocks of the same dimensions (see ``interventions``)."""
        return replace(self, blocks=tuple(blocks))

    def _chain(self) -> Mapping[str, Block]:
        return self.readouts or ({} if self.readout is None else {"output": self.readout})

    def check(self, x: Tensor) -> Tensor:
        """x on this network's device and dtype, after a check of its dimension and its values."""
        try:
            x = torch.as_tensor(x)
        except (TypeError, ValueError, RuntimeError):
            raise BadPoints(
                f"{self.name} takes points of dimension {self.dims[0]}, got {type(x).__name__}: "
                "give an array of numbers."
            ) from None
        if x.is_complex():
            raise BadPoints(f"{self.name} takes real activations, got complex ones: give one part.")
        x = x.to(device=self.device, dtype=self.dtype)
        if x.ndim == 0 or x.shape[-1] != self.dims[0]:
            raise BadPoints(
                f"{self.name} takes points of dimension {self.dims[0]}, got an array of shape "
                f"{tuple(x.shape)}: the last axis must be the activation space that enters the "
                "first block."
            )
        if not torch.isfinite(x).all():
            raise BadPoints(
                f"{self.name} was given {int((~torch.isfinite(x)).sum())} coordinates that are NaN "
                f"or infinite in points of shape {tuple(x.shape)}: activations must be finite "
                "numbers."
            )
        return x


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Functions applied one after the other."""

    steps: tuple[Block, ...]

    def __call__(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x


def classifier(head: Block) -> dict[str, Block]:
    """The ``readouts`` of a classifier: the "logits" that its head gives, and "probabilities"."""
    return {"logits": head, "probabilities": softmax}


def softmax(logits: Tensor) -> Tensor:
    """Probabilities ``(..., c)`` of logits ``(..., c)``."""
    return logits.softmax(-1)
