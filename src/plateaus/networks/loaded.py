"""Networks that were read from files: they know where they came from and what came before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPoints
from plateaus.networks.network import Network


@dataclass(frozen=True, kw_only=True, repr=False)
class LoadedNetwork(Network):
    """A ``Network`` with its provenance, its checkpoints and its untrained twin."""

    provenance: Mapping[str, str] = field(default_factory=dict)
    """Where the weights came from: source, checkpoint, sha256, dtype."""
    checkpoints: tuple[str, ...] = ()
    """Names of the stored checkpoints, from the first training step to the last."""
    checkpoint: Callable[[str], LoadedNetwork] | None = None
    """Loads one of them."""
    untrained: Callable[[int], LoadedNetwork] | None = None
    """Makes the same architecture with fresh random weights from a seed."""

    def at(self, *_: Any, **__: Any) -> Any:
        """Only a language model is a network at a prompt.

        Raises:
            BadParameter: always.
        """
        raise BadParameter(
            f"{self.name} reads no prompts: give a language model, such as prose-12l."
        )

    def step_zero(self, seed: int = 0) -> LoadedNetwork:
        """The negative control: the weights that training started from, or where they are not
        stored, fresh ones.

        Raises:
            BadParameter: neither is to be had.
        """
        if "step-0" in self.checkpoints:
            return self.checkpoint("step-0")
        if self.untrained is None:
            raise BadParameter(
                f"{self.name} has no checkpoint step-0 and cannot be drawn again: train it with "
                "`plateaus train`, which keeps step 0."
            )
        return self.untrained(seed)


@dataclass(frozen=True, kw_only=True, repr=False)
class ImageNetwork(LoadedNetwork):
    """A network whose points are images, flattened after normalisation."""

    shape: tuple[int, int, int]
    """Channels, height and width of the images that it takes."""
    mean: Sequence[float]
    """Subtracted from each channel of pixels in [0, 1]."""
    std: Sequence[float]
    """Then each channel is divided by this."""
    classes: tuple[str, ...] = ()
    """What the logits stand for, if it names classes."""

    def points(self, images: Any) -> Tensor:
        """What enters block 0: ``(..., d)`` for images ``(..., channels, height, width)``.

        Args:
            images: uint8 from 0 to 255, or floating point from 0 to 1.

        Raises:
            BadPoints: images of another size, or pixels outside these bounds.
        """
        try:
            x = torch.as_tensor(images)
        except (TypeError, ValueError, RuntimeError):
            raise BadPoints(
                f"{self.name} takes images of shape {tuple(self.shape)}, got "
                f"{type(images).__name__}: give an array of pixels."
            ) from None
        if x.ndim < 3 or tuple(x.shape[-3:]) != tuple(self.shape):
            raise BadPoints(
                f"{self.name} takes images of shape {tuple(self.shape)} (channels, height, width), "
                f"got an array of shape {tuple(x.shape)}: resize them and put the channels first."
            )
        whole = x.dtype == torch.uint8
        pixels = x.to(self.device).double() / (255 if whole else 1)
        if not (whole or x.is_floating_point()) or not ((pixels >= 0) & (pixels <= 1)).all():
            raise BadPoints(
                f"{self.name} takes pixels as uint8 from 0 to 255 or as floating point from 0 to "
                f"1, got {str(x.dtype).removeprefix('torch.')} from {x.min()} to {x.max()}: give "
                "the images as they are before normalisation."
            )
        mean, std = (pixels.new_tensor(m).reshape(-1, 1, 1) for m in (self.mean, self.std))
        return ((pixels - mean) / std).flatten(-3).to(self.dtype)
