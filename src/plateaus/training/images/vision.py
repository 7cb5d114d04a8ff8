"""Supervised image classification: the recipe of ``plateaus train vision``.

A small ResNet or vision transformer, AdamW, cosine schedule, images moved by a pixel or two and
mirrored. With ``labels="shuffled"`` the same network sees the same images under labels that mean
nothing: the control for the claim that plateaus depend on the task (N2).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from plateaus.training.images.augment import generator, mirrored, shifted
from plateaus.training.images.models import build_model, evaluate, fast
from plateaus.training.images.run import ImageRun
from plateaus.training.images.settings import VISION, VisionSettings

SEEN = 2000
"""Training images on which a checkpoint measures how much was learnt by heart."""


class VisionRun(ImageRun):
    """A classifier of labelled images."""

    kind, presets = "vision", VISION
    s: VisionSettings

    def build(self) -> None:
        if self.s.labels == "shuffled":
            self.images = self.images.shuffled(self.s.seed)
        self.model = build_model(self.s, self.images)
        self.labels = self.images.labels.to(self.place)

    def loss_of(self, places: Tensor, step: int) -> Tensor:
        random = generator(self.s.seed, "shifts", step)
        x = shifted(self.pixels.unit(self.images.train[places]), self.s.shift, random)
        if self.s.flip == "yes":
            x = mirrored(x, random)
        with fast(self.s):
            logits = self.model(pixel_values=self.pixels.normalised(x)).logits
        return F.cross_entropy(logits.float(), self.labels[places.to(self.place)])

    def measured(self) -> dict[str, float]:
        seen = self.images.train[:SEEN], self.images.labels[:SEEN]
        accuracy = evaluate(self.model, self.pixels, *seen)[1]
        return {**super().measured(), "training_accuracy": accuracy}
