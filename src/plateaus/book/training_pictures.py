"""Pictures of the models' page: loss and steepness through training, from the committed records."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from plateaus.book import downloads
from plateaus.book.models import records
from plateaus.figures import style


def place(models: Path, folder: Path) -> None:
    """Put a picture below each heading "NAME through training" of the staged page in ``folder``.

    Args:
        models: the folder of the shipped models, whose records are drawn.
    """
    page, slopes = folder / "README.md", models / "slopes.json"
    if not slopes.is_file():
        return
    text, measured = page.read_text(encoding="utf-8"), json.loads(slopes.read_text("utf-8"))
    for name, record in records(models).items():
        heading = f"## {name} through training\n"
        if heading in text:
            shown = picture(record, measured[name], folder)
            text = text.replace(heading, f"{heading}\n{shown}\n")
    page.write_text(text, encoding="utf-8")


def picture(record: dict[str, Any], measured: dict[str, Any], folder: Path) -> str:
    """Write the picture of one model; returns the directive that shows it."""
    name, batch = record["name"], record["settings"]["batch"] * record["settings"]["context"]
    losses = [(r["step"], r["validation"]) for r in record["log"] if "validation" in r]
    steps = sorted(map(int, measured))
    slopes = [measured[str(step)]["stream"] for step in steps]
    figure, (left, right) = style.subplots(1, 2)
    blue = style.PALETTE["blue"]
    left.plot([step * batch / 1e6 for step, _ in losses], [loss for _, loss in losses], color=blue)
    left.set_ylabel("validation loss\n(nats per token)")
    middle, low, high = zip(*slopes, strict=True)
    millions = [step * batch / 1e6 for step in steps]
    right.fill_between(millions, low, high, color=blue, alpha=0.2, lw=0)
    right.plot(millions, middle, color=blue, marker="o", ms=4)
    right.axhline(1, **style.REFERENCE)
    right.set_ylabel("maximum slope")
    for ax in (left, right):
        ax.set_xscale("symlog", linthresh=0.3)
        ax.set_xlim(-0.05, 1.5 * record["tokens"] / 1e6)
        ax.set_xticks([0, 1, 10, 100])
        style.plain_powers(ax.xaxis)
        ax.set_xlabel("tokens (M)")
    (folder / f"{name}.png").write_bytes(style.png(figure))
    static = folder.parent / "_static"
    downloads.of_page(figure, f"training-{name}", sys.modules[__name__], static)
    caption = (
        f"{name}: from {losses[0][1]:.2f} to {losses[-1][1]:.2f} nats per token while the median "
        f"maximum slope of the stream goes from {middle[0]:.2f} to {middle[-1]:.2f}; band: 95% "
        "interval over pairs, of this one training; dotted: a straight line."
    )
    alt = f"Two curves against tokens of training of {name}: the loss, and the maximum slope."
    return f"```{{figure}} {name}.png\n:name: fig-training-{name}\n:alt: {alt}\n\n{caption}\n```\n"
