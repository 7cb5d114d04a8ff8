"""What decides a network that sees images: settings and presets of the supervised and the
contrastive recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from plateaus.errors import TrainingError
from plateaus.training.options import INFINITE, choose

CHOICES = {
    "body": ("resnet", "vit"),
    "labels": ("true", "shuffled"),
    "flip": ("yes", "no"),
    "precision": ("float32", "bfloat16"),
}
BOUNDS = {
    "seed": (0, INFINITE),
    "examples": (0, INFINITE),
    "checkpoints": (0, INFINITE),
    "spacing": (1.01, INFINITE),
    "shift": (0, INFINITE),
    "final_rate": (0, 1),
    "warmup": (0, 1),
    "weight_decay": (0, INFINITE),
    "brightness": (0, 1),
    "noise": (0, INFINITE),
    "crop": (0.01, 1),
}


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """What both recipes have in common: the network, the data and its order, the optimiser."""

    unit: ClassVar[str] = "samples"

    name: str
    body: str = "resnet"
    """``"resnet"`` (basic residual blocks in stages, BatchNorm) or ``"vit"`` (a vision transformer,
    LayerNorm).
    """
    depths: tuple[int, ...] = (3, 3, 3, 3)
    """Residual blocks in each stage; for a transformer one number, its blocks."""
    widths: tuple[int, ...] = (24, 40, 56, 80)
    """Channels of each stage; for a transformer one number, its width."""
    heads: int = 2
    """Attention heads of a transformer."""
    patch: int = 4
    """Pixels along the side of a transformer's patch."""
    images: str = "fashion"
    """Which file of the data folder, without ``.npz``."""
    examples: int = 0
    """Train on so many images, drawn once by the seed. 0: all."""
    flip: str = "yes"
    """Mirror half of the images left to right: not for digits or letters."""
    samples: int = 1_200_000
    """Length of the run in images seen; the schedule ends there."""
    batch: int = 128
    learning_rate: float = 3e-3
    final_rate: float = 0.01
    """Learning rate at the end, as a fraction of the peak."""
    warmup: float = 0.05
    """Fraction of the run over which the learning rate rises linearly."""
    weight_decay: float = 0.05
    clip: float = 1.0
    checkpoints: int = 6
    """How many are kept beside step 0, log-spaced backwards from the end."""
    spacing: float = 4.0
    """Each is so many times further than the one before."""
    precision: str = "float32"
    """``"bfloat16"``: matrix products and convolutions under autocast. On CPUs it helps
    transformers, not small convolutions.
    """
    seed: int = 0
    device: str = "auto"
    threads: int = 2

    @property
    def per_step(self) -> int:
        """Images of one step."""
        return self.batch

    @property
    def steps(self) -> int:
        """Length of the run in steps."""
        return max(1, self.samples // self.batch)

    @property
    def last_step(self) -> int:
        """Where the run ends: with the schedule."""
        return self.steps

    @property
    def checkpoint_steps(self) -> list[int]:
        """Step 0, the log-spaced ones, and the last."""
        return sorted(
            {round(self.steps / self.spacing**k) for k in range(self.checkpoints)} | {0, self.steps}
        )


@dataclass(frozen=True, kw_only=True)
class VisionSettings(ImageSettings):
    """Supervised image classification."""

    labels: str = "true"
    """``"shuffled"``: the training labels are dealt out once at random, so that nothing can be
    learnt but by heart.
    """
    shift: int = 2
    """Images are moved by up to so many pixels either way."""


@dataclass(frozen=True, kw_only=True)
class ContrastiveSettings(ImageSettings):
    """SimCLR (Chen et al. 2020): two views of an image are to be told from the views of all
    others.
    """

    batch: int = 256
    """Images of a step, each seen twice; all views of other images in it are negatives."""
    temperature: float = 0.3
    projection: int = 64
    """Dimension in which the views are compared."""
    crop: float = 0.25
    """Smallest share of the image's area that a view shows."""
    brightness: float = 0.4
    """Views are multiplied by 1 ± this and shifted by ± half of it (pixels in [0, 1])."""
    noise: float = 0.05
    """Standard deviation of the noise added to every pixel of a view (pixels in [0, 1])."""
    probe: int = 10_000
    """Training images, with their labels, that the linear probe is fitted to."""


_VIT = {
    "body": "vit",
    "depths": (8,),
    "widths": (64,),
    "precision": "bfloat16",
    "learning_rate": 2e-3,
}
_RESNET = VisionSettings(name="vision-resnet")
_TRANSFORMER = VisionSettings(name="vision-vit", samples=600_000, warmup=0.1, **_VIT)
VISION = {
    "vision-resnet": _RESNET,
    "vision-resnet-shuffled": replace(_RESNET, name="vision-resnet-shuffled", labels="shuffled"),
    "vision-vit": _TRANSFORMER,
    "vision-vit-shuffled": replace(_TRANSFORMER, name="vision-vit-shuffled", labels="shuffled"),
}
"""Fashion-MNIST; the controls differ from their models in the labels alone."""
CONTRASTIVE = {
    "contrastive-resnet": ContrastiveSettings(name="contrastive-resnet", samples=900_000),
    "contrastive-vit": ContrastiveSettings(
        name="contrastive-vit", samples=300_000, warmup=0.1, **_VIT
    ),
}
"""The bodies of the supervised presets, in the same order of the data."""


def settings(presets: dict[str, ImageSettings], preset: str, **changes: object) -> ImageSettings:
    """A preset of ``VISION`` or ``CONTRASTIVE`` with changes. Raises :class:`TrainingError` for
    what is unknown or cannot be.
    """
    if preset not in presets:
        raise TrainingError(f"preset {preset!r} is unknown: choose one of {', '.join(presets)}.")
    s = choose(presets[preset], changes, choices=CHOICES, bounds=BOUNDS)
    if s.body == "vit" and not len(s.depths) == len(s.widths) == 1:
        raise TrainingError(
            f"a transformer was given depths {s.depths} and widths {s.widths}: give one number each, for example depths=8 and widths=64."
        )
    if len(s.depths) != len(s.widths):
        raise TrainingError(
            f"depths {s.depths} and widths {s.widths} do not name the same number of stages: give as many of one as of the other."
        )
    if s.body == "vit" and s.widths[0] % s.heads:
        raise TrainingError(
            f"width {s.widths[0]} cannot be split over {s.heads} heads: choose a multiple."
        )
    return s
