"""Ship a network that sees images: a Hugging Face folder with checkpoints, measurements, card and
checksums.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForImageClassification

from plateaus.data.images import Images
from plateaus.errors import TrainingError
from plateaus.training.files import write_sums
from plateaus.training.folders import replaced
from plateaus.training.image_card import card
from plateaus.training.image_models import Pixels
from plateaus.training.image_settings import ContrastiveSettings, ImageSettings
from plateaus.training.loop import cost
from plateaus.training.vision import evaluate


def export(s: ImageSettings, work: Path, target: Path, images: Images, *, keep: int = 99) -> dict:
    """Copy the last checkpoint to ``target`` and measure it as it ships, rounded; earlier ones go
    to ``target/checkpoints``.

    ``keep`` limits the earlier ones: step 0 is kept first, then the latest. Returns what
    ``training.json`` says.

    Raises:
        TrainingError: the run in ``work`` has not come to its end, or ``target`` is not to be
            replaced.
    """
    if not (work / "log.jsonl").exists():
        raise TrainingError(
            f"{work.name} has no finished run: train with the same --work to its end first."
        )
    log = [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]
    first, *earlier, last = [row["step"] for row in log if "test_accuracy" in row]
    shipped = [first, *earlier[max(0, len(earlier) + 1 - keep) :]] if keep else []
    with replaced(target, work) as folder:
        return _fill(folder, s, work, images, log, shipped, (first, last))


def _fill(
    target: Path,
    s: ImageSettings,
    work: Path,
    images: Images,
    log: list[dict],
    shipped: list[int],
    ends: tuple[int, int],
) -> dict:
    last = ends[1]
    shutil.copytree(work / "checkpoints" / f"step-{last}", target, dirs_exist_ok=True)
    for n in shipped:
        shutil.copytree(work / "checkpoints" / f"step-{n}", target / "checkpoints" / f"step-{n}")

    contrastive = isinstance(s, ContrastiveSettings)
    if contrastive:  # for those who measure in the space where views are compared
        weights = torch.load(work / "state.pt", weights_only=True)["model"]
        save_file(
            {
                k.removeprefix("projection."): v.contiguous()
                for k, v in weights.items()
                if k.startswith("projection.")
            },
            target / "projection.safetensors",
        )
    # Moments of the images that were trained on: the ones that the network has seen.
    pixels = Pixels(images.drawn(s.examples, s.seed), torch.device("cpu"))
    mean, std = (m.flatten().tolist() for m in (pixels.mean, pixels.std))
    described = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": False,
        "size": {"height": images.size, "width": images.size},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
    }
    (target / "preprocessor_config.json").write_text(json.dumps(described, indent=1) + "\n")
    record = {
        "name": s.name,
        "recipe": "contrastive" if contrastive else "vision",
        "settings": asdict(s),
        "steps": last,
        "samples": last * s.per_step,
        "data": {
            "images": images.name,
            "checksum": images.checksum,
            "training": s.examples or len(images),
            "test": len(images.test),
            "size": images.size,
            "channels": images.channels,
            "classes": list(images.names),
        },
        "checkpoints": [*shipped, last],
        "quality": _quality(work, ends, pixels, images),
        "parameters": sum(
            p.numel() for p in AutoModelForImageClassification.from_pretrained(target).parameters()
        ),
        **cost(log, s.unit),
        "versions": {"torch": torch.__version__},
        "log": log,
    }
    (target / "training.json").write_text(json.dumps(record, indent=1) + "\n")
    (target / "README.md").write_text(card(record))
    write_sums(target)
    return record


def _quality(
    work: Path, steps: tuple[int, int], pixels: Pixels, images: Images
) -> dict[str, float]:
    """Loss and accuracy on the true test labels of the first and the last checkpoint, loaded as a
    reader would.
    """
    out = {"majority": images.majority, "chance_loss": math.log(len(images.names))}
    for key, step in zip(("_step_0", ""), steps, strict=True):
        model = AutoModelForImageClassification.from_pretrained(
            work / "checkpoints" / f"step-{step}", dtype=torch.float32
        ).eval()
        out[f"loss{key}"], out[f"accuracy{key}"] = evaluate(
            model, pixels, images.test, images.test_labels
        )
    return out
