"""Contrastive training without labels, SimCLR (Chen et al. 2020): the recipe of ``plateaus train
contrastive``.

The network is the body of ``plateaus train vision`` with a small projection head. Two random views
of each image are to find each other among all views of the batch. What was learnt is measured by a
linear probe, against the same probe on the untrained body; the probe is then the classifier of the
model that ships, so that it loads like a supervised one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from plateaus.data.images import Images
from plateaus.training.images.augment import generator, view
from plateaus.training.images.models import Pixels, build_model, fast, features, head
from plateaus.training.images.run import ImageRun
from plateaus.training.images.settings import CONTRASTIVE, ContrastiveSettings

HELD_OUT = 2048
"""Test images on which a checkpoint measures the contrastive loss."""


def nt_xent(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross entropy, in nats (Chen et al. 2020, equation 1), of two
    views ``(batch, d)`` of the same images.

    Each view is to name its partner among all others, by cosine similarity; itself is not among the
    candidates.
    """
    z = F.normalize(torch.cat([a, b]), dim=1)
    similarity = (z @ z.T / temperature).fill_diagonal_(float("-inf"))
    partner = torch.arange(len(z), device=z.device).roll(len(a))
    return F.cross_entropy(similarity, partner)


class SimCLR(nn.Module):
    """A body with the projection head in which its views are compared; the classifier of the body
    is no part of the loss.
    """

    def __init__(self, body: PreTrainedModel, dimension: int, seed: int) -> None:
        super().__init__()
        self.body, linear = body, head(body)
        linear.requires_grad_(False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            width = linear.in_features
            self.projection = nn.Sequential(
                nn.Linear(width, width), nn.ReLU(), nn.Linear(width, dimension)
            ).to(linear.weight.device)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pixels ``(batch, channels, size, size)`` to ``(batch, dimension)``."""
        return self.projection(features(self.body, x))


class ContrastiveRun(ImageRun):
    """A body that is trained without labels, and a linear probe of it as its classifier."""

    kind, presets = "contrastive", CONTRASTIVE
    s: ContrastiveSettings
    model: SimCLR

    def build(self) -> None:
        s = self.s
        self.model = SimCLR(build_model(s, self.images), s.projection, s.seed)
        self.shipped = self.model.body

    def loss_of(self, places: Tensor, step: int) -> Tensor:
        return self.compared(self.images.train[places], generator(self.s.seed, "views", step))

    def compared(self, x: Tensor, random: torch.Generator) -> Tensor:
        """The loss on two views of each of the images ``x``."""
        s, x = self.s, self.pixels.unit(x)
        changes = {"crop": s.crop, "brightness": s.brightness, "noise": s.noise}
        views = [view(x, flip=s.flip == "yes", random=random, **changes) for _ in range(2)]
        with fast(s):  # one pass: BatchNorm sees both views alike
            projected = self.model(self.pixels.normalised(torch.cat(views)))
        return nt_xent(*projected.float().chunk(2), s.temperature)

    def measured(self) -> dict[str, float]:
        # Batches as large as in training: the loss counts the candidates.
        batch = self.s.batch
        parts = self.images.test[: max(HELD_OUT, batch)].split(batch)
        lost = [
            self.compared(part, generator(self.s.seed, "held-out views", i)).item()
            for i, part in enumerate(parts)
            if len(part) == batch
        ]
        probe(self.model.body, self.pixels, self.images, self.s.probe)
        return {"contrastive_loss": sum(lost) / max(1, len(lost)), **super().measured()}

    def ship(self, folder: Path, steps: Sequence[int]) -> None:
        """With the projection, for those who measure in the space where views are compared."""
        super().ship(folder, steps)
        weights = self.model.projection.state_dict()
        save_file(
            {name: tensor.cpu().contiguous() for name, tensor in weights.items()},
            folder / "projection.safetensors",
        )


def probe(
    body: PreTrainedModel, pixels: Pixels, images: Images, count: int, *, penalty: float = 1e-4
) -> None:
    """Fit the classifier of ``body``, in place, to the labels of the first ``count`` training
    images; the body stays as it is.

    Multinomial logistic regression on standardised features, in float64 and to convergence, so that
    it depends on the body alone. ``penalty`` weighs half the squared norm of the weights. The body
    must be in evaluation mode.
    """
    with torch.no_grad():
        x = torch.cat(
            [
                features(body, pixels.normalised(pixels.unit(part))).double().cpu()
                for part in images.train[:count].split(500)
            ]
        )
    weight, bias = regression(x, images.labels[:count], len(images.names), penalty=penalty)
    with torch.no_grad():
        linear = head(body)
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)


def regression(
    x: Tensor, y: Tensor, classes: int, *, penalty: float = 1e-4
) -> tuple[Tensor, Tensor]:
    """Weights ``(classes, d)`` and biases ``(classes,)`` of a multinomial logistic regression on
    features ``(samples, d)`` in float64, which are standardised for the fit.
    """
    mean, spread = x.mean(0), x.std(0).clamp_min(1e-12)
    x = (x - mean) / spread
    weight = torch.zeros(classes, x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    mover = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        mover.zero_grad()
        value = F.cross_entropy(F.linear(x, weight, bias), y) + penalty / 2 * weight.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        mover.step(closure)
    with torch.no_grad():  # the features that come are not standardised
        weight = weight / spread
        return weight, bias - weight @ mean
