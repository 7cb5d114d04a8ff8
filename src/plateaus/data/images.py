"""Labelled images: uint8 pixels with the channels first, split into training and test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import TrainingError


@dataclass(frozen=True, kw_only=True)
class Images:
    """Training and test images; their order is that of the file, which may be sorted by label."""

    name: str
    train: Tensor
    """uint8, ``(samples, channels, size, size)``."""
    labels: Tensor
    """int64, ``(samples,)``, from 0."""
    test: Tensor
    test_labels: Tensor
    names: tuple[str, ...]
    """One for each class."""

    def __len__(self) -> int:
        return len(self.train)

    @property
    def channels(self) -> int:
        return self.train.shape[1]

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return self.train.shape[-1]

    @property
    def majority(self) -> float:
        """Test accuracy of always naming the commonest training label."""
        return (self.test_labels == self.labels.bincount().argmax()).double().mean().item()

    @cached_property
    def moments(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel over the training images, of pixels in [0,
        1].
        """
        counts = [
            torch.bincount(self.train[:, c].reshape(-1).long(), minlength=256).double()
            for c in range(self.channels)
        ]
        level = torch.arange(256, dtype=torch.float64) / 255
        means = [(n @ level / n.sum()).item() for n in counts]
        spreads = [
            (n @ (level - m).square() / n.sum()).sqrt().item()
            for n, m in zip(counts, means, strict=True)
        ]
        return means, [spread or 1.0 for spread in spreads]

    @cached_property
    def checksum(self) -> str:
        """Tells these pixels and labels from others: a run is not resumed on other data."""
        digest = hashlib.sha256()
        for part in (self.train, self.labels, self.test, self.test_labels):
            digest.update(part.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def shuffled(self, seed: int) -> Images:
        """The control: the training labels dealt out again once, at random; the test labels stay
        true.
        """
        order = torch.from_numpy(np.random.default_rng([seed, 1]).permutation(len(self)))
        return replace(self, labels=self.labels[order])

    def drawn(self, count: int, seed: int) -> Images:
        """``count`` training images (0: all of them) and all test images, both in a random order:
        files may be sorted by label.
        """
        if count > len(self):
            raise TrainingError(
                f"examples was given {count}, but {self.name} has {len(self)} training images: "
                "give at most that many, or 0 for all."
            )
        random = np.random.default_rng([seed, 2])
        chosen, order = (
            torch.from_numpy(random.permutation(n)) for n in (len(self), len(self.test))
        )
        chosen = chosen[: count or len(self)]
        return replace(
            self,
            train=self.train[chosen],
            labels=self.labels[chosen],
            test=self.test[order],
            test_labels=self.test_labels[order],
        )
