"""Pairs of activations that enter one block: the only place that knows how they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import Any

import torch
from numpy import iterable
from torch import Tensor

from plateaus.data.prompts import Pairs
from plateaus.errors import BadParameter, BadPoints
from plateaus.experiments.runs import Part, Runs, together
from plateaus.geometry import checks, paths
from plateaus.networks.chunks import trim
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.loaded import ImageNetwork
from plateaus.networks.network import Network
from plateaus.progress import bar


@dataclass(frozen=True, kw_only=True)
class Ends:
    """P pairs of end points a, b of paths that enter one block of a network.

    Every experiment takes ``Ends``; ``of_prompts``, ``of_inputs``, ``of_images``, ``of_points``
    and ``of_directions`` make them, part by part when they are asked for, so that any number of
    them fits the device.
    """

    make: Callable[[Sequence[int]], Runs]
    """The runs of some of the pairs, by their numbers."""
    labels: tuple[str, ...]
    """A name for each pair."""
    source: str
    """Where the pairs come from, for the provenance."""
    block: int
    """Number of the block that the ends enter; 1 is "after block 0", the published place."""
    blocks: range
    """Numbers of the blocks that they could enter."""
    width: int
    """Size of the widest read-out: it decides how many pairs make a part."""
    device: torch.device
    attrs: dict[str, Any]
    """What every result says of its network: model, dtype."""

    def __post_init__(self) -> None:
        if not self.labels:
            raise BadPoints(f"Ends for {self.attrs['model']} hold no pair: give at least one.")
        if not isinstance(self.block, Integral) or self.block not in self.blocks:
            raise BadParameter(
                f"{self.attrs['model']} has blocks {self.blocks[0]} to {self.blocks[-1]}, got "
                f"block={self.block!r}: let the ends enter one of these."
            )

    @classmethod
    def of_prompts(cls, lm: LanguageModel, pairs: Pairs, *, block: int = 1) -> Ends:
        """Last-position activations of prompts A and B; paths run in the context of A.

        In a shared context the end of a path is the clean run of B; in A's context it is not.
        """
        _is(lm, LanguageModel, "Ends of prompts need a", 'make one with plateaus.load("prose-12l")')
        _is(pairs, Pairs, "Ends of prompts need a", "make one with plateaus.data.prompts")

        def make(rows: Sequence[int]) -> Runs:
            a, b = pairs.a[list(rows)], pairs.b[list(rows)]
            net = lm.at(a[:, :-1])
            other = net if torch.equal(a[:, :-1], b[:, :-1]) else lm.at(b[:, :-1])
            return Runs(net=net, a=_last(net, a), b=_last(other, b))

        return cls(
            make=make,
            labels=tuple(pairs.labels),
            source=pairs.source,
            block=block,
            blocks=range(len(lm)),
            width=lm.vocabulary,
            device=lm.device,
            attrs=_about(lm) | {"tokens": pairs.a.shape[1]},
        )

    @classmethod
    def of_inputs(
        cls,
        net: Network,
        a: Tensor,
        b: Tensor,
        *,
        block: int = 1,
        labels: Sequence[str] | None = None,
        source: str = "inputs",
    ) -> Ends:
        """The activations that inputs ``a``, ``b`` ``(pairs, inputs)`` of ``net`` cause.

        Raises:
            BadPoints: the two do not have the same shape ``(pairs, inputs)``.
        """
        how = "give one; a language model is one at a prompt, lm.at(prompt)"
        _is(net, Network, "Inputs enter a", how)
        a, b = net.check(a), net.check(b)
        if a.ndim != 2 or a.shape != b.shape:
            raise BadPoints(
                f"Ends are two arrays of one shape (pairs, {net.dims[0]}), got {tuple(a.shape)} "
                f"and {tuple(b.shape)}: give one row for each pair."
            )
        if labels is not None and (not iterable(labels) or len({*labels}) != len(a)):
            raise BadParameter(
                f"Each of {len(a)} pairs has a label of its own, got {labels!r:.80}: give as many "
                "different ones, or none."
            )

        def make(rows: Sequence[int]) -> Runs:
            with torch.no_grad():
                return Runs(net=net, a=net.trace(a[list(rows)]), b=net.trace(b[list(rows)]))

        return cls(
            make=make,
            labels=tuple(labels or (f"pair {i}" for i in range(len(a)))),
            source=source,
            block=block,
            blocks=range(net.first, net.first + len(net)),
            width=max(net.dims),
            device=net.device,
            attrs=_about(net),
        )

    @classmethod
    def of_images(cls, net: ImageNetwork, a: Any, b: Any, *, block: int = 1) -> Ends:
        """The activations that images cause, ``(pairs, channels, height, width)``.

        Raises:
            BadPoints: images of another size, or pixels out of range.
        """
        how = 'give one that sees images, such as plateaus.load("vision-digits")'
        _is(net, ImageNetwork, "Images enter an", how)
        return cls.of_inputs(net, net.points(a), net.points(b), block=block, source="images")

    @classmethod
    def of_points(cls, net: Network, a: Tensor, b: Tensor, **options: Any) -> Ends:
        """Any points of the space that enters ``net``, a slice: latents, say, or samples."""
        return cls.of_inputs(net, a, b, block=net.first, **{"source": "points", **options})

    @classmethod
    def of_directions(cls, net: Network, a: Tensor, directions: Tensor, *, length: float) -> Ends:
        """From activations ``a`` as far as ``length`` along directions, both ``(pairs, d)``.

        Args:
            net: a slice; ``a`` enters its first block.
            directions: of any length but zero, such as the features of a sparse dictionary.
            length: in the units of the activations.
        """
        a = net.check(a)
        b = paths.ray(a, net.check(directions), length=length, steps=2)[:, -1]
        return cls.of_points(net, a, b, source="directions")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | Sequence[int]) -> Ends:
        """Some of the pairs, in the order given."""
        every = range(len(self))
        numbers = every[rows] if isinstance(rows, slice) else list(rows) if iterable(rows) else None
        if numbers is None or any(i not in every for i in numbers):
            raise BadParameter(
                f"Pairs are taken by a slice or a list of numbers from 0 to {len(self) - 1}, got "
                f"{rows!r:.80}: give these."
            )
        return replace(
            self,
            make=lambda some: self.make([numbers[i] for i in some]),
            labels=tuple(self.labels[i] for i in numbers),
        )

    def at(self, block: int) -> Ends:
        """The same pairs, entering another block."""
        return replace(self, block=block)

    def moved(self, *, a: Tensor | None = None, b: Tensor | None = None) -> Ends:
        """Other ends in the place of these, in the same networks: ``(pairs, d)``, block ``block``.

        Raises:
            BadPoints: they do not have the shape of the ends that they replace.
        """
        a, b = (self.a if a is None else a), (self.b if b is None else b)
        a, b = (checks.tensor(x) for x in (a, b))
        for new, old in ((a, self.a), (b, self.b)):
            if new.shape != old.shape or not torch.isfinite(new).all():
                raise BadPoints(
                    f"The ends to replace have the shape {tuple(old.shape)}, got "
                    f"{tuple(new.shape)}: give one point of finite numbers for each pair."
                )

        def make(rows: Sequence[int]) -> Runs:
            net, some = self.make(rows).part(self.block).net, list(rows)
            return Runs(net=net, a=[a[some]], b=[b[some]])

        return replace(self, make=make, blocks=range(self.block, self.block + 1))

    def runs(self, points: int) -> Iterator[Runs]:
        """All pairs in parts of which the device can carry ``points`` points for each pair."""
        checks.whole(points, "The number of points of each pair", least=1)
        groups = together(len(self), points * self.width, self.device)
        for rows in bar(groups, f"{self.attrs['model']}, {len(self):,} pairs", unit="part"):
            yield self.make(rows)
            trim()

    def elsewhere(self, make: Callable[[Sequence[int]], Runs]) -> Ends:
        """The same ends in other networks, in which they are where they are here."""
        found = replace(self, make=make)
        found.__dict__["_both"] = self._both  # else all of ``make`` would be run to know them
        return found

    def parts(self, points: int) -> Iterator[Part]:
        """The same, cut where the ends enter."""
        for runs in self.runs(points):
            yield runs.part(self.block)

    @property
    def a(self) -> Tensor:
        """The first ends, ``(pairs, d)``."""
        return self._both[0]

    @property
    def b(self) -> Tensor:
        """The second ends, ``(pairs, d)``."""
        return self._both[1]

    @cached_property
    def _both(self) -> tuple[Tensor, Tensor]:
        found = zip(*((part.a, part.b) for part in self.parts(points=1)), strict=True)
        return tuple(map(torch.cat, found))


def _is(given: Any, kind: type, what: str, advice: str) -> None:
    if not isinstance(given, kind):
        raise BadParameter(f"{what} {kind.__name__}, got a {type(given).__name__}: {advice}.")


def _last(net: Network, ids: Tensor) -> list[Tensor]:
    """x_0 ... x_n at the last position of each prompt, ``(pairs, d)``."""
    return [x[:, 0] for x in net.trace(net.embed(ids[:, -1:]))]


def _about(network: Network | LanguageModel) -> dict[str, str]:
    return {"model": network.name, "dtype": str(network.dtype).removeprefix("torch.")}
