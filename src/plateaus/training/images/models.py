"""The bodies that both image recipes train: small ResNets and vision transformers of the
transformers library.
"""

from __future__ import annotations

import contextlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    AutoModelForImageClassification,
    PretrainedConfig,
    PreTrainedModel,
    ResNetConfig,
    ViTConfig,
)

from plateaus.data.images import Images
from plateaus.errors import TrainingError
from plateaus.training.images.settings import ImageSettings


def build_model(s: ImageSettings, images: Images) -> PreTrainedModel:
    """A fresh classifier in float32 for images of this size and these classes, a pure function of
    settings and seed.
    """
    named = {
        "id2label": dict(enumerate(images.names)),
        "label2id": {name: i for i, name in enumerate(images.names)},
    }
    config = (
        _vit(s, images, named)
        if s.body == "vit"
        else ResNetConfig(
            num_channels=images.channels,
            embedding_size=s.widths[0],
            hidden_sizes=list(s.widths),
            depths=list(s.depths),
            layer_type="basic",
            **named,
        )
    )
    # At this number of tokens plain products and a softmax are faster on CPUs, under autocast, than
    # the fused attention.
    attention = (
        {"attn_implementation": "sdpa" if s.place.type == "cuda" else "eager"}
        if s.body == "vit"
        else {}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(s.seed)
        model = AutoModelForImageClassification.from_config(
            config, dtype=torch.float32, **attention
        )
    return model.to(
        s.place, memory_format=torch.channels_last
    )  # a third faster for small convolutions on CPUs


def _vit(s: ImageSettings, images: Images, named: dict) -> PretrainedConfig:
    if images.size % s.patch:
        raise TrainingError(
            f"images of {images.size} pixels cannot be cut into patches of {s.patch}: choose a "
            "divisor for patch."
        )
    return ViTConfig(
        image_size=images.size,
        patch_size=s.patch,
        num_channels=images.channels,
        hidden_size=s.widths[0],
        num_hidden_layers=s.depths[0],
        num_attention_heads=s.heads,
        intermediate_size=4 * s.widths[0],
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **named,
    )


def features(model: PreTrainedModel, x: Tensor) -> Tensor:
    """What the classifier reads of normalised pixels ``(batch, channels, size, size)``: ``(batch,
    width)``.
    """
    out = model.base_model(pixel_values=x)
    return (
        out.last_hidden_state[:, 0]
        if model.config.model_type == "vit"
        else out.pooler_output.flatten(1)
    )


def head(model: PreTrainedModel) -> nn.Linear:
    """The linear layer that names the class."""
    return model.classifier if isinstance(model.classifier, nn.Linear) else model.classifier[-1]


def fast(s: ImageSettings) -> contextlib.AbstractContextManager:
    """Autocast to bfloat16, if the settings ask for it."""
    return (
        torch.autocast(s.place.type, dtype=torch.bfloat16)
        if s.precision == "bfloat16"
        else contextlib.nullcontext()
    )


class Pixels:
    """uint8 images as floats in [0, 1], and normalised by the moments of the training images."""

    def __init__(self, images: Images, device: torch.device) -> None:
        self.mean, self.std = (
            torch.tensor(m, dtype=torch.float32, device=device).reshape(-1, 1, 1)
            for m in images.moments
        )
        self.device = device

    def unit(self, x: Tensor) -> Tensor:
        return x.to(self.device).float() / 255

    def normalised(self, unit: Tensor) -> Tensor:
        """(x - mean) / std of pixels in [0, 1], channels last in memory."""
        return ((unit - self.mean) / self.std).contiguous(memory_format=torch.channels_last)


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
