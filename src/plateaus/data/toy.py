"""Toy data sets on the plane: the proposal's spiral sectors and its folded wave (Nonaka 2026,
section 4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from plateaus.errors import TrainingError
from plateaus.shapes import takes

INPUTS = ("uniform", "normal")


@dataclass(frozen=True, kw_only=True)
class ToyData:
    """Points with what a network is to say about them."""

    x: Tensor
    """Inputs, ``(samples, inputs)``, float32; of the data sets here points of the plane."""
    y: Tensor
    """What the network is trained on: class numbers ``(samples,)``, or real targets ``(samples,
    1)``.
    """
    clean: Tensor
    """The same without label noise or shuffling, to measure accuracy against."""
    classes: int | None
    """Number of classes; None for a regression."""

    def __len__(self) -> int:
        return len(self.x)

    @property
    def outputs(self) -> int:
        """How many numbers a network must give for these targets."""
        return self.y.shape[-1] if self.classes is None else self.classes


@takes("points (..., 2), a tensor, and a number of classes")
def spiral_sector(x: Tensor, *, classes: int) -> Tensor:
    """The sector, 0 ... classes - 1, that the angle (theta + 4 r) mod 2 pi of each point falls in;
    ``(...,)``.
    """
    phase = torch.remainder(torch.atan2(x[..., 1], x[..., 0]) + 4 * x.norm(dim=-1), 2 * math.pi)
    return (phase * classes / (2 * math.pi)).long().clamp_max(classes - 1)


def spiral_depth(x: Tensor, *, classes: int) -> Tensor:
    """How far from the border of its sector each point lies, in widths of a sector: from 0 on the
    border to 0.5 half-way between two; ``(...,)``.
    """
    phase = torch.remainder(torch.atan2(x[..., 1], x[..., 0]) + 4 * x.norm(dim=-1), 2 * math.pi)
    part = torch.remainder(phase * classes / (2 * math.pi), 1)
    return torch.minimum(part, 1 - part)


@takes("whole numbers of samples and classes, a share of noise and a seed")
def spiral(
    *,
    samples: int = 10_000,
    classes: int = 2,
    noise: float = 0.0,
    inputs: str = "uniform",
    seed: int = 0,
) -> ToyData:
    """Spiral sectors with a fixed share of wrong labels.

    The noise is drawn once, with the data: a wrong label stays wrong in every epoch, as in a real
    data set. Noise drawn afresh in every batch would only smooth the loss.

    Args:
        classes: sectors of the turn; the proposal uses 2 and 3.
        noise: share of samples, in [0, 1), whose label is replaced by another class.
        inputs: "uniform" on [-1, 1]^2 or standard "normal".
    """
    if classes < 2:
        raise TrainingError(
            f"A spiral needs at least 2 classes, got {classes}: the proposal uses 2 or 3."
        )
    if not 0 <= noise < 1:
        raise TrainingError(
            f"Label noise is a share of the samples in [0, 1), got {noise}: give noise=0.05, say."
        )
    x, random = _points(samples, inputs, seed)
    clean = spiral_sector(x, classes=classes)
    wrong = torch.rand(samples, generator=random) < noise
    shift = torch.randint(1, classes, (samples,), generator=random)
    return ToyData(
        x=x, y=torch.where(wrong, (clean + shift) % classes, clean), clean=clean, classes=classes
    )


@takes("a whole number of samples, a standard deviation of noise and a seed")
def folded_wave(
    *, samples: int = 10_000, noise: float = 0.0, inputs: str = "uniform", seed: int = 0
) -> ToyData:
    """The regression (sin x_1 + cos x_2) 1[x_1 < 0]: smooth on the left, exactly flat on the right.

    Args:
        noise: standard deviation of Gaussian noise in the targets, drawn once with the data.
    """
    if not 0 <= noise < math.inf:
        raise TrainingError(
            f"Target noise is a standard deviation, got {noise}: give a number of at least 0."
        )
    x, random = _points(samples, inputs, seed)
    clean = ((x[:, 0].sin() + x[:, 1].cos()) * (x[:, 0] < 0)).unsqueeze(-1)
    return ToyData(
        x=x, y=clean + noise * torch.randn(clean.shape, generator=random), clean=clean, classes=None
    )


@takes("data and a seed")
def shuffled(data: ToyData, *, seed: int = 0) -> ToyData:
    """The control: the same inputs and the same targets, dealt out at random, so that nothing can
    be learnt.
    """
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    return replace(data, y=data.y[order])


@takes("data and a whole number of pairs")
def mates(data: ToyData, pairs: int) -> tuple[Tensor, Tensor]:
    """The first ``pairs`` samples, and of each the nearest other sample of its class, noise apart:
    two tensors ``(pairs, inputs)``.

    Raises:
        TrainingError: the data has no classes, or one of these samples is alone in its class.
    """
    if data.classes is None:
        raise TrainingError("Mates are of one class, and this data has none: give a spiral.")
    a = data.x[:pairs]
    away = torch.cdist(a, data.x)
    away[data.clean[:pairs, None] != data.clean] = torch.inf
    away.fill_diagonal_(torch.inf)
    distance, nearest = away.min(-1)
    if len(a) < pairs or not torch.isfinite(distance).all():
        raise TrainingError(
            f"{pairs} samples with a mate of their class were asked for, and there are "
            f"{int(torch.isfinite(distance).sum())}: give more samples."
        )
    return a, data.x[nearest]


@takes("data and a whole number of pairs")
def different_classes(data: ToyData, pairs: int) -> tuple[Tensor, Tensor]:
    """The first ``pairs`` pairs of samples with different labels, noise apart: two tensors
    ``(pairs, 2)``.

    Raises:
        TrainingError: the data has no classes, or not so many such pairs.
    """
    if data.classes is None:
        raise TrainingError(
            "A regression has no classes to pair: draw its pairs from all samples instead."
        )
    if pairs < 1:
        raise TrainingError(f"At least 1 pair is drawn, got {pairs!r:.40}: give a whole number.")
    half = len(data) // 2
    differ = (data.clean[:half] != data.clean[half : 2 * half]).nonzero()[:pairs, 0]
    if len(differ) < pairs:
        raise TrainingError(
            f"{len(data)} samples hold {len(differ)} pairs of different classes, not {pairs}: give "
            "more samples."
        )
    return data.x[:half][differ], data.x[half : 2 * half][differ]


def _points(samples: int, inputs: str, seed: int) -> tuple[Tensor, torch.Generator]:
    if samples < 1:
        raise TrainingError(f"A data set needs at least 1 sample, got {samples}.")
    if inputs not in INPUTS:
        raise TrainingError(
            f"Inputs are drawn {' or '.join(INPUTS)}, got {inputs!r}: choose one of these."
        )
    random = torch.Generator().manual_seed(seed)
    if inputs == "normal":
        return torch.randn(samples, 2, generator=random), random
    return 2 * torch.rand(samples, 2, generator=random) - 1, random
