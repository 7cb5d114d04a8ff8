"""The first picture of the book: one walk between two activations, as the page's example has it."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

import plateaus as pl
from plateaus.book import downloads
from plateaus.figures import style

MARK = "% walk"
"""The line of `book/introduction.md` that the picture replaces."""
MODEL, PROMPT, WORDS = "laboratory-12l", "Anna heard the", (" dog", " cow")
NAMES = {"trained": "trained", "step 0": "before training"}
EVEN = "an even walk of the logits"
STEPS, FLAT = 51, 0.1
"""Points of the walk; the output counts as unmoved, or arrived, within this share of the way."""


def place(folder: Path) -> None:
    """Draw the picture into the staged `folder`, where its introduction has the mark."""
    page = folder / "introduction.md"
    text = page.read_text(encoding="utf-8")
    if MARK in text.splitlines():
        page.write_text(text.replace(MARK, picture(folder)), encoding="utf-8")


def walk(lm: pl.LanguageModel, reading: str | None = "probabilities") -> torch.Tensor:
    """ρ, the share of the way from one output to the other, at `STEPS` points of the walk; without
    a reading, of the raw stream after the last block.
    """
    net = lm.at(PROMPT)
    net = net.reading(reading) if reading else net
    a, b = net.states(list(WORDS), block=1)
    return pl.curves.relative_distance(net[1:](pl.paths.slerp(a, b, steps=STEPS)))


def softened(lm: pl.LanguageModel) -> torch.Tensor:
    """ρ of the probabilities if the logits went straight from one end to the other: how much of
    the sharpness the softmax makes alone.
    """
    net = lm.at(PROMPT).reading("logits")
    a, b = net[1:](net.states(list(WORDS), block=1))
    return pl.curves.relative_distance(pl.paths.segment(a, b, steps=STEPS).softmax(-1))


def picture(folder: Path) -> str:
    """Write `walk.png`; returns the directive that shows it, with a caption that counts."""
    lm = pl.load(MODEL)
    curves = {"trained": walk(lm), "step 0": walk(lm.step_zero())}
    even, stream = softened(lm), between(walk(lm, reading=None))
    alpha = torch.linspace(0, 1, STEPS)
    figure, ax = style.subplots(height=2.6)
    for name, rho in curves.items():
        ax.plot(alpha, rho, color=style.colours([name])[name], label=NAMES[name])
    ax.plot(alpha, even, **style.REFERENCE, label=EVEN)
    ax.set_xlabel("place on the walk from A to B")
    ax.set_ylabel("share of its way that\nthe answer has gone")
    ax.legend()
    (folder / "walk.png").write_bytes(style.png(figure))
    downloads.of_page(figure, "walk", sys.modules[__name__], folder / "_static")
    steep = {name: between(rho) for name, rho in curves.items()}
    caption = (
        f"A walk through the activations of a small language model, from A, the input “{PROMPT}"
        f"{WORDS[0]}”, to B, “{PROMPT}{WORDS[1]}”. The answer is the list of probabilities of the "
        f"word after that. Trained, it makes the middle {1 - 2 * FLAT:.0%} of its way on "
        f"{steep['trained']:.0%} of the walk; before training on {steep['step 0']:.0%}, where "
        f"{1 - 2 * FLAT:.0%} is even. Not all of that was learnt: turning scores (logits) into "
        "probabilities sharpens by itself. If the scores went evenly from end to end (dotted), it "
        f"would be {between(even):.0%} of the walk; and the last activation, from which the "
        f"scores are read, needs {stream:.0%}. This pair was chosen because it is clear; "
        "{doc}`/chapters/2-language-models/interpolation` has the median of hundreds that were "
        "drawn at random."
    )
    alt = (
        "Three curves from 0 to 1. The trained network's is flat, jumps and is flat again; that of "
        "an even walk of its logits is less sharp, and that of step 0 rises almost evenly."
    )
    return f"```{{figure}} walk.png\n:name: fig-walk\n:alt: {alt}\n\n{caption}\n```"


def between(rho: torch.Tensor) -> float:
    """Share of the walk from where ρ last is at most `FLAT` to where it first stays above the rest.

    A straight curve has `1 - 2 * FLAT`.
    """
    steps = torch.arange(len(rho))
    left, arrived = steps[rho <= FLAT].max(), steps[rho < 1 - FLAT].max() + 1
    return float(arrived - left) / (len(rho) - 1)
