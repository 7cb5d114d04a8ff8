"""Published ResNets for CIFAR against the same networks with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from plateaus import results
from plateaus.data.image_files import load_images
from plateaus.data.images import Images
from plateaus.experiments.images import PATHS, accuracy, apart, stages, swept
from plateaus.experiments.sharpness import over
from plateaus.networks.batch_norm import with_statistics
from plateaus.networks.load import load
from plateaus.networks.loaded import ImageNetwork

MODELS = ("resnet20", "resnet56")
IMAGES = "cifar_convnetjs4000"
"""4,000 images, all of them from the training set of CIFAR-10."""
SETTLING = 500
"""Images, none of them in a pair, that give the batch norms of random networks their statistics."""
WEIGHTS = ("as drawn", "random", "pretrained")
"""Random weights with the statistics 0 and 1 of a fresh network, and with those of images."""


def study(
    weights: str,
    images: str,
    *,
    models: Sequence[str] = MODELS,
    pairs: int = 50,
    work: Path = Path("runs/vision"),
) -> xr.Dataset:
    """What ``measured`` says of each of ``<weights>/<model>.th``, along ``network``; what is found
    in ``work`` is not computed again.
    """
    shown = load_images(images, IMAGES, option="--images")
    nets = {name: load(Path(weights) / f"{name}.th") for name in models}
    found = over(
        "network",
        nets,
        lambda net: measured(net, shown, pairs=pairs, work=work / f"{net.name}-{pairs}"),
    )
    digests = {name: net.provenance["sha256"] for name, net in nets.items()}
    return found.drop_attrs().assign_attrs(
        pairs=pairs, images=f"{IMAGES}, {shown.checksum}", sha256=str(digests)
    )


@torch.no_grad()
def measured(
    net: ImageNetwork,
    images: Images,
    *,
    pairs: int,
    seed: int = 0,
    work: Path | None = None,
    **options: object,
) -> xr.Dataset:
    """One network and the same with random weights, on pairs of images of different classes.

    Args:
        work: where each of them is kept, so that a study that was stopped goes on.

    Returns:
        ``slope``, ``half_exit``, dims ``weights, path, stage, reading, pair``, and ``accuracy`` on
        the test images. What is as drawn travels straight and from stage 1 only.
    """
    drawn = net.step_zero(seed)
    settled = with_statistics(drawn, drawn.points(images.train[:SETTLING]))
    each = dict(zip(WEIGHTS, (drawn, settled, net), strict=True))
    a, b = apart(images, pairs, seed=seed)
    options = {"blocks": stages(net), **options}
    few = {**options, "blocks": options["blocks"][:1], "paths": {"straight": PATHS["straight"]}}

    def made(name: str) -> xr.Dataset:
        found = swept(each[name], a, b, **(few if name == WEIGHTS[0] else options))
        return found.assign(accuracy=accuracy(each[name], images))

    said = options | {"paths": list(options.get("paths", PATHS))}
    facts = {"network": dict(net.provenance), "images": images.checksum, "pairs": pairs}

    def one(name: str) -> xr.Dataset:
        file = None if work is None else work / f"{name}.nc"
        return results.kept(file, partial(made, name), **facts, seed=seed, options=said)

    where = {
        "path": list(options.get("paths", PATHS)),
        "stage": 1 + np.arange(len(options["blocks"])),
    }
    return over("weights", {n: n for n in WEIGHTS}, lambda name: one(name).reindex(where))
