"""One small ResNet on handwritten digits, trained with labels and without (SimCLR): what becomes
of its plateaus, and of its features.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import transformers
import xarray as xr

from plateaus.data import digits
from plateaus.data.images import Images
from plateaus.experiments.images import PATHS, apart, stages, swept
from plateaus.experiments.sharpness import over
from plateaus.measures.representation import alignment, uniformity
from plateaus.networks.batch_norm import with_statistics
from plateaus.networks.load import load
from plateaus.networks.loaded import ImageNetwork
from plateaus.training.export import export
from plateaus.training.images.augment import generator, view
from plateaus.training.images.contrastive import ContrastiveRun, regression
from plateaus.training.images.run import ImageRun
from plateaus.training.images.settings import CONTRASTIVE, VISION, ContrastiveSettings
from plateaus.training.images.vision import VisionRun
from plateaus.training.loop import begin, train

TRAININGS = {
    "labels": (VisionRun, VISION["vision-digits"]),
    "contrastive": (ContrastiveRun, CONTRASTIVE["contrastive-digits"]),
}
"""What the network is told -> the recipe and its settings."""
WEIGHTS = ("as drawn", "untrained", "trained")
"""Step 0 with the batch-norm statistics 0 and 1 that are stored, step 0 with those of the training
images, and the end.
"""
AT_ONCE = 500
"""Images whose features are computed together."""


def study(
    tables: str | None = None,
    *,
    seeds: Sequence[int] = tuple(range(5)),
    pairs: int = 50,
    work: Path = Path("runs"),
) -> xr.Dataset:
    """Every training of every seed, and what ``measured`` says of it, along ``training, seed``;
    trainings that are done, or half done, in ``work`` are not begun anew.
    """
    images = digits.images()
    return over(
        "training",
        TRAININGS,
        lambda found: over("seed", {n: trained(*found, n, images, work) for n in seeds},
                           lambda net: measured(net, images, pairs=pairs)),
    )  # fmt: skip


def trained(
    kind: type[ImageRun], settings: object, seed: int, images: Images, work: Path
) -> ImageNetwork:
    """The network of one training, which knows its step 0."""
    transformers.utils.logging.disable_progress_bar()
    folder = work / f"{settings.name}-seed-{seed}"
    run = kind(replace(settings, seed=seed), folder, images)  # refuses a folder of another run
    if begin(run)[0] < run.pace.last_step:
        train(run)
    if not (folder / "model" / "training.json").is_file():
        export(run, folder / "model")
    return load(folder / "model", device="cpu")


def short(settings: ContrastiveSettings, images: Images) -> tuple[ImageNetwork, list[float]]:
    """A contrastive training of which nothing is kept: the network, and the loss on views of test
    images before and after, in nats.
    """
    with tempfile.TemporaryDirectory() as folder:
        net = trained(ContrastiveRun, settings, settings.seed, images, Path(folder))
        (record,) = Path(folder).glob("*/model/training.json")
        log = json.loads(record.read_text())["log"]
    return net, [row["contrastive_loss"] for row in log if "contrastive_loss" in row]


def measured(
    net: ImageNetwork, images: Images, *, pairs: int, settling: int | None = None
) -> xr.Dataset:
    """One network before and after training, on pairs of test images of different classes.

    Args:
        settling: so many training images give the untrained network its batch-norm statistics, by
            default all.

    Returns:
        With the dim ``weights``: ``slope`` and ``half_exit`` of ``experiments.images.swept``;
        ``alignment`` and ``uniformity`` of the pooled features of test images, and ``probe``, the
        accuracy on them of a linear probe that is fitted to the features of training images.
    """
    begun = net.step_zero()
    settled = with_statistics(begun, begun.points(images.train[:settling]))
    each = dict(zip(WEIGHTS, (begun, settled, net), strict=True))
    a, b = apart(images, pairs)
    return over(
        "weights",
        each,
        lambda one: swept(one, a, b, blocks=stages(one), paths=PATHS).merge(
            of_features(one, images)
        ),
    )


def of_features(net: ImageNetwork, images: Images) -> xr.Dataset:
    """``alignment``, ``uniformity`` and ``probe`` of the pooled features."""
    s, pooled = TRAININGS["contrastive"][1], net.reading("pooled")
    random = generator(0, "held-out views", 0)
    changes = {"crop": s.crop, "brightness": s.brightness, "noise": s.noise}
    unit = images.test.float() / 255
    mean, std = (torch.tensor(m).reshape(-1, 1, 1) for m in (net.mean, net.std))

    @torch.no_grad()
    def features(pixels: torch.Tensor) -> torch.Tensor:
        parts = ((pixels - mean) / std).flatten(1).split(AT_ONCE)
        return torch.cat([pooled(part.to(net.device, net.dtype)).double().cpu() for part in parts])

    views = [features(view(unit, flip=False, random=random, **changes)) for _ in range(2)]
    fitted, fresh = features(images.train.float() / 255), features(unit)
    weight, bias = regression(fitted, images.labels, len(images.names))
    right = (fresh @ weight.T + bias).argmax(-1) == images.test_labels
    found = {
        "alignment": float(alignment(*views)),
        "uniformity": float(uniformity(fresh)),
        "probe": float(right.double().mean()),
    }
    return xr.Dataset({name: ((), np.float64(value)) for name, value in found.items()})
