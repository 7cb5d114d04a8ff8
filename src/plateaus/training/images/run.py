"""What both image recipes add to the one that all models share: pixels, their order, and how a
network that sees images ships.
"""

from __future__ import annotations

import argparse
import json
import math
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import AutoModelForImageClassification

from plateaus.data import digits
from plateaus.data.image_files import load_images
from plateaus.data.images import Images
from plateaus.errors import TrainingError
from plateaus.training.images.card import card
from plateaus.training.images.models import Pixels, evaluate
from plateaus.training.images.settings import ImageSettings
from plateaus.training.optimisers import adamw
from plateaus.training.options import of_the_hub
from plateaus.training.order import Order
from plateaus.training.run import ShippedRun


class ImageRun(ShippedRun):
    """A network that sees images, and the images that it is trained on."""

    presets: ClassVar[dict[str, ImageSettings]]
    s: ImageSettings

    def __init__(self, s: ImageSettings, work: Path, images: Images) -> None:
        """Choose the images, in an order of their own, and place a fresh network.

        Raises:
            TrainingError: too few images, or ``work`` was begun with other settings.
        """
        self.open(s, work)
        self.images, self.checksum = images.drawn(s.examples, s.seed), images.checksum
        if s.batch > len(self.images):
            raise TrainingError(
                f"a batch of {s.batch} does not fit {len(self.images)} training images: "
                "give a smaller batch."
            )
        if (shift := getattr(s, "shift", 0)) >= self.images.size:
            raise TrainingError(
                f"a shift of up to {shift} pixels moves images of {self.images.size} pixels out of "
                "sight: give a smaller shift."
            )
        self.order = Order(len(self.images), s.batch, s.seed, 0)
        self.pixels = Pixels(self.images, self.place)
        self.build()
        self.model.train()
        self.optimisers = [adamw([p for p in self.model.parameters() if p.requires_grad], s)]

    @classmethod
    def of(cls, s: ImageSettings, work: Path, given: argparse.Namespace) -> ImageRun:
        of_the_hub(given.revision, given.data)
        if given.data is None and s.images == digits.NAME:
            return cls(s, work, digits.images())
        if given.data is None:
            raise TrainingError(
                "training on images needs some: give --data a folder with .npz files, one such "
                "file, or hub:<dataset>."
            )
        return cls(s, work, load_images(given.data, s.images, given.revision))

    @abstractmethod
    def build(self) -> None:
        """Set ``model``."""

    def loss(self, step: int) -> Tensor:
        return self.loss_of(torch.from_numpy(self.order(step)), step)

    @abstractmethod
    def loss_of(self, places: Tensor, step: int) -> Tensor:
        """The loss in nats on the training images at ``places``, ``(batch,)``."""

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        self.model.eval()
        numbers = self.measured()
        self.model.train()
        return numbers

    def measured(self) -> dict[str, float]:
        """:meth:`measure`, in evaluation mode."""
        loss, accuracy = evaluate(
            self.shipped, self.pixels, self.images.test, self.images.test_labels
        )
        return {"test_loss": loss, "test_accuracy": accuracy}

    @property
    def data(self) -> dict[str, Any]:
        images = self.images
        return {
            "images": images.name,
            "checksum": self.checksum,
            "training": len(images),
            "test": len(images.test),
            "size": images.size,
            "channels": images.channels,
            "classes": list(images.names),
        }

    def rounded(self, name: str, tensor: Tensor) -> bool:
        """The body's matrices and convolutions; statistics, scales and the small classifier are
        kept.
        """
        return tensor.ndim >= 2 and not name.startswith("classifier")

    def describe(self, folder: Path) -> None:
        """How pixels are normalised: by the moments of the images that the network has seen."""
        mean, std = (m.flatten().tolist() for m in (self.pixels.mean, self.pixels.std))
        described = {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": False,
            "size": {"height": self.images.size, "width": self.images.size},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": mean,
            "image_std": std,
        }
        text = json.dumps(described, indent=1) + "\n"
        (folder / "preprocessor_config.json").write_text(text)

    def quality(self, first: int, last: int) -> dict[str, Any]:
        """Loss and accuracy on the true test labels."""
        images, pixels = self.images, Pixels(self.images, torch.device("cpu"))
        out = {"majority": images.majority, "chance_loss": math.log(len(images.names))}
        for key, step in (("_step_0", first), ("", last)):
            model = AutoModelForImageClassification.from_pretrained(
                self.work / "checkpoints" / f"step-{step}", dtype=torch.float32
            ).eval()
            out[f"loss{key}"], out[f"accuracy{key}"] = evaluate(
                model, pixels, images.test, images.test_labels
            )
        return out

    def card(self, record: dict[str, Any]) -> str:
        return card(record, self.presets)
