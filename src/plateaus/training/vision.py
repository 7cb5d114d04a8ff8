"""Supervised image classification: the recipe of ``plateaus train vision``.

A small ResNet or vision transformer, AdamW, cosine schedule, images moved by a pixel or two and
mirrored. With ``labels="shuffled"`` the same network sees the same images under labels that mean
nothing: the control for the claim that plateaus depend on the task (N2).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from plateaus.data.images import Images
from plateaus.training.augment import generator, mirrored, shifted
from plateaus.training.image_loop import train_on
from plateaus.training.image_models import Pixels, build_model, fast, place
from plateaus.training.image_settings import VisionSettings

SEEN = 2000
"""Training images on which a checkpoint measures how much was learnt by heart."""


def prepare(s: VisionSettings, images: Images) -> Images:
    """The training images that the settings choose, with the labels that they are to be trained
    on.
    """
    images = images.drawn(s.examples, s.seed)
    return images.shuffled(s.seed) if s.labels == "shuffled" else images


def train(
    s: VisionSettings,
    work: Path,
    images: Images,
    *,
    save_every: int = 200,
    stop_after: int | None = None,
    report: Callable[[str], None] = print,
) -> PreTrainedModel:
    """Train, or go on where ``work`` left off (see :func:`plateaus.training.image_loop.train_on`);
    returns the model.
    """
    torch.set_num_threads(s.threads)
    images = prepare(s, images)
    device = place(s)
    model, pixels, labels = build_model(s, images), Pixels(images, device), images.labels.to(device)

    def loss(index: Tensor, step: int) -> Tensor:
        x, random = pixels.unit(images.train[index]), generator(s.seed, "shifts", step)
        x = shifted(x, s.shift, random)
        if s.flip == "yes":
            x = mirrored(x, random)
        with fast(s):
            logits = model(pixel_values=pixels.normalised(x)).logits
        return F.cross_entropy(logits.float(), labels[index.to(device)])

    def measure() -> dict[str, float]:
        seen = evaluate(model, pixels, images.train[:SEEN], images.labels[:SEEN])
        held_out = evaluate(model, pixels, images.test, images.test_labels)
        return {
            "test_loss": held_out[0],
            "test_accuracy": held_out[1],
            "training_accuracy": seen[1],
        }

    train_on(
        s,
        work,
        images,
        model=model,
        shipped=model,
        loss=loss,
        measure=measure,
        save_every=save_every,
        stop_after=stop_after,
        report=report,
    )
    return model.eval()


@torch.no_grad()
def evaluate(
    model: PreTrainedModel, pixels: Pixels, x: Tensor, y: Tensor, batch: int = 500
) -> tuple[float, float]:
    """Mean cross entropy in nats and accuracy of a network in evaluation mode on uint8 images, in
    float32.
    """
    logits = torch.cat(
        [
            model(pixel_values=pixels.normalised(pixels.unit(part))).logits.float().cpu()
            for part in x.split(batch)
        ]
    )
    return F.cross_entropy(logits.double(), y).item(), (
        logits.argmax(1) == y
    ).double().mean().item()
