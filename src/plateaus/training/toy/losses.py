"""What a toy network can be trained to make small: one number for each network, in its batch."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

SMOOTHING = 0.1
"""Share of a smoothed label that is spread over all classes."""


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """Nats; class numbers ``(networks, batch)``."""
    return F.cross_entropy(output.transpose(1, 2), target, reduction="none").mean(1)


def smoothed(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy, in nats, to labels a tenth of which is spread over all classes."""
    logits = output.transpose(1, 2)
    lost = F.cross_entropy(logits, target, reduction="none", label_smoothing=SMOOTHING)
    return lost.mean(1)


def logistic(output: Tensor, target: Tensor) -> Tensor:
    """Nats; each class is told from all others by its own logit."""
    hot = F.one_hot(target, output.shape[-1]).to(output.dtype)
    return F.binary_cross_entropy_with_logits(output, hot, reduction="none").mean((1, 2))


def squared_class(output: Tensor, target: Tensor) -> Tensor:
    """Squared units: the logits are to be 1 for the class and 0 for all others."""
    hot = F.one_hot(target, output.shape[-1]).to(output.dtype)
    return (output - hot).square().mean((1, 2))


def squared(output: Tensor, target: Tensor) -> Tensor:
    """Squared units; real targets ``(networks, batch, outputs)``."""
    return (output - target).square().mean((1, 2))


def rectified(output: Tensor, target: Tensor) -> Tensor:
    """Squared units; an output below 0 answers 0, as in the toys of superposition of Elhage et al.
    (2022), so that interference below 0 costs nothing.
    """
    return squared(F.relu(output), target)


def logistic_numbers(output: Tensor, target: Tensor) -> Tensor:
    """Nats; each output is the logit of its target's being 1, targets are in [0, 1]."""
    return F.binary_cross_entropy_with_logits(output, target, reduction="none").mean((1, 2))


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross-entropy": cross_entropy,
    "smoothed": smoothed,
    "logistic": logistic,
    "squared": squared_class,
}
"""Of classifications."""
REGRESSIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": squared,
    "rectified": rectified,
    "logistic": logistic_numbers,
}
"""Of regressions."""
