"""What decides a network that sees images: settings and presets of the supervised and the
contrastive recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from plateaus.errors import BadParameter
from plateaus.rules import listing, one_of, real, whole
from plateaus.training import options
from plateaus.training.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ImageSettings(Settings):
    """What both recipes have in common: the network, and the images that it sees."""

    rules: ClassVar = {
        **Settings.rules,
        "body": one_of("resnet", "vit"),
        "labels": one_of("true", "shuffled"),
        "flip": one_of("yes", "no"),
        "precision": one_of("float32", "bfloat16"),
        "images": options.NAME,
        "batch": whole(2, 2**20),
        "depths": listing(whole(1, 1000)),
        "widths": listing(whole(1, 2**14)),
        "examples": whole(0),
        "shift": whole(0, 10**4),
        "brightness": real(0, 1),
        "noise": real(0),
        "crop": real(0.01, 1),
        "projection": whole(1, 2**16),
    }

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
    precision: str = "float32"
    """``"bfloat16"``: matrix products and convolutions under autocast. On CPUs it helps
    transformers, not small convolutions.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.body == "vit" and not len(self.depths) == len(self.widths) == 1:
            raise BadParameter(
                f"a transformer was given depths {self.depths} and widths {self.widths}: give one "
                "number each, for example depths=8 and widths=64."
            )
        if len(self.depths) != len(self.widths):
            raise BadParameter(
                f"depths {self.depths} and widths {self.widths} do not name the same number of "
                "stages: give as many of one as of the other."
            )
        if self.body == "vit" and self.widths[0] % self.heads:
            raise BadParameter(
                f"width {self.widths[0]} cannot be split over {self.heads} heads: choose a "
                "multiple."
            )

    @property
    def length(self) -> int:
        return self.samples


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
_DIGITS = {
    "images": "digits",
    "flip": "no",
    "depths": (3, 3, 3),
    "widths": (16, 24, 32),
    "batch": 128,
    "checkpoints": 0,
    "threads": 1,
}
_RESNET = VisionSettings(name="vision-resnet")
_TRANSFORMER = VisionSettings(name="vision-vit", samples=600_000, warmup=0.1, **_VIT)
VISION = {
    "vision-resnet": _RESNET,
    "vision-resnet-shuffled": replace(_RESNET, name="vision-resnet-shuffled", labels="shuffled"),
    "vision-vit": _TRANSFORMER,
    "vision-vit-shuffled": replace(_TRANSFORMER, name="vision-vit-shuffled", labels="shuffled"),
    "vision-digits": VisionSettings(name="vision-digits", samples=60_000, shift=4, **_DIGITS),
}
"""Fashion-MNIST, and the digits that ship with the package; the controls differ from their models
in the labels alone.
"""
CONTRASTIVE = {
    "contrastive-resnet": ContrastiveSettings(name="contrastive-resnet", samples=900_000),
    "contrastive-vit": ContrastiveSettings(
        name="contrastive-vit", samples=300_000, warmup=0.1, **_VIT
    ),
    "contrastive-digits": ContrastiveSettings(
        name="contrastive-digits", samples=60_000, crop=0.5, noise=0.1, **_DIGITS
    ),
}
"""The bodies of the supervised presets, in the same order of the data."""
