"""The card of a network that sees images."""

from __future__ import annotations

from typing import Any

from plateaus.data import digits
from plateaus.training import card as cards
from plateaus.training.images.settings import ImageSettings

TITLES = {
    "digits": "the digits of scikit-learn, 8 × 8 pixels enlarged fourfold (UCI, CC BY 4.0)",
    "fashion": "Fashion-MNIST (Zalando, MIT licence)",
    "mnist": "MNIST (CC BY-SA 3.0)",
    "cifar_convnetjs4000": "4,000 training images of CIFAR-10, from the repository convnetjs",
}


def card(record: dict[str, Any], presets: dict[str, ImageSettings]) -> str:
    """Markdown for ``README.md`` from the record that is saved as ``training.json``."""
    s, data, contrastive = record["settings"], record["data"], record["recipe"] == "contrastive"
    opening = (
        f"A {_architecture(s)} of {record['parameters'] / 1e6:.2f} million parameters for images "
        f"of {data['size']} × {data['size']} pixels with {data['channels']} "
        f"channel{'s' * (data['channels'] > 1)}, trained for this book "
        f"{_objective(s, contrastive, data['training'])}."
    )
    precision = " autocast over float32 weights" if s["precision"] == "bfloat16" else ""
    projection = "; `projection.safetensors` holds the projection head" if contrastive else ""
    facts = {
        "Images": f"{TITLES.get(data['images'], data['images'])}: {data['training']:,} for "
        f"training, {data['test']:,} for testing, {len(data['classes'])} classes",
        "Recipe": f"{record['samples']:,} images seen in {record['steps']:,} steps of "
        f"{s['batch']}; AdamW, {cards.schedule(s)}, {s['precision']}{precision}",
        "Augmentation": _augmentation(s, contrastive),
        "Storage": "safetensors, the body's matrices in bfloat16 (compute in float32); pixels are "
        "divided by 255 and normalised with the mean and deviation in `preprocessor_config.json`"
        + projection,
    }
    sections = [
        f"## {data['test']:,} test images",
        _results(record, contrastive),
        "## Through training",
        cards.curve(record, "samples"),
    ]
    given = "" if data["images"] == digits.NAME else "--data DIRECTORY"
    made = cards.command(record, record["recipe"], presets, "body", given)
    return cards.page(record, opening, facts, sections, unit="samples", made=made)


def _architecture(s: dict[str, Any]) -> str:
    if s["body"] == "vit":
        return (
            f"vision transformer ({s['depths'][0]} blocks, width {s['widths'][0]}, {s['heads']} "
            f"heads, patches of {s['patch']} × {s['patch']})"
        )
    depths, widths = ("-".join(map(str, s[key])) for key in ("depths", "widths"))
    return f"ResNet (basic blocks {depths}, channels {widths})"


def _objective(s: dict[str, Any], contrastive: bool, training: int) -> str:
    if contrastive:
        return (
            f"without labels (SimCLR, temperature {s['temperature']:g}, {2 * s['batch']} views a "
            f"step, compared in {s['projection']} dimensions); its classifier is a linear probe on "
            f"{min(s['probe'], training):,} labelled training images"
        )
    if s["labels"] == "shuffled":
        return "on labels dealt out at random once: a control, which can only learn by heart"
    return "on labelled images"


def _augmentation(s: dict[str, Any], contrastive: bool) -> str:
    mirrored = "; half of the images mirrored" if s["flip"] == "yes" else ""
    if contrastive:
        return (
            f"windows of {s['crop']:.0%} to 100% of the area, resized{mirrored}; each channel "
            f"times 1 ± {s['brightness']:g} plus ± {s['brightness'] / 2:g}; noise of {s['noise']:g}"
        )
    return f"moves of up to {s['shift']} pixels{mirrored}"


def _results(record: dict[str, Any], contrastive: bool) -> str:
    q, kind = record["quality"], " (linear probe)" if contrastive else ""
    begun = f"step 0, untrained body{kind}" if contrastive else "step 0"
    rows = (
        (f"this model{kind}", q["accuracy"], q["loss"]),
        (begun, q["accuracy_step_0"], q["loss_step_0"]),
        ("always the commonest class; all classes alike", q["majority"], q["chance_loss"]),
    )
    return cards.table(
        ("", "accuracy", "loss (nats)"),
        ((name, f"{accuracy:.1%}", f"{loss:.3f}") for name, accuracy, loss in rows),
    )
