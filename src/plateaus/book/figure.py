"""A chapter's figure: numbered, with alternative text, and a caption that states a computed number.

The last line of a cell tagged `hide-input` (and nothing else: its caption is compared) is

run.figure(fig, "wells", caption=f"Five wells; the lowest pass is at {low:.2f}.",
           alt="Contours of a landscape with five wells; a star marks the anchor.")

The notebook then holds the picture and, below it, the caption as text, as every notebook viewer
shows them. When the book is staged both become one numbered figure, which prose refers to as
{numref}`fig-wells`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from nbformat import NotebookNode

from plateaus.errors import BadFigure
from plateaus.figures import style

MIME = "application/vnd.plateaus.figure+json"
"""Beside the picture: its name and alternative text, which no notebook format has a place for."""
FOLDER = "figures"
"""Of a run's results, and of the site, where the tables of what was drawn lie."""
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
FILE = r"(?i)[\\/]\S*\.\w+$|\.(png|svg|jpe?g|gif|pdf|webp)$"
NOT_A_FINDING = r"(?i)\bnan\b|(?<![\w.])[-−]0(\.0+)?(?![.\d])"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a chapter shows of one figure; a notebook displays it as picture and caption."""

    name: str
    """Small letters, digits and hyphens, once in the book; the label is `fig-` and this."""
    caption: str
    """One paragraph of MyST text."""
    alt: str
    """Plain text for whoever does not see the picture."""
    png: bytes
    width: int
    """Pixels of the page at most; a narrower column makes the picture narrower."""

    def __repr__(self) -> str:
        return self.caption

    def picture(self) -> dict[str, Any]:
        """The MIME bundle of the picture; nbval compares all of it but the picture."""
        return {
            "image/png": base64.b64encode(self.png).decode(),
            "text/plain": self.caption,
            MIME: {"name": self.name, "alt": self.alt},
        }

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.picture(), metadata={"image/png": {"width": self.width}}, raw=True)
        display({"text/markdown": self.caption}, raw=True)


def shown(figure: Figure, name: str, *, caption: str, alt: str) -> Shown:
    """`figure` with its name, caption and alternative text, drawn and closed.

    Raises `BadFigure` for a name, caption or alternative text that a reader cannot use.
    """
    caption, alt = " ".join(caption.split()), " ".join(alt.split())
    if faults := [*name_faults(name), *caption_faults(caption), *alt_faults(alt)]:
        raise BadFigure(f"Figure {name!r}: {faults[0]}.")
    try:
        return Shown(
            name=name,
            caption=caption,
            alt=alt,
            png=style.png(figure),
            width=round(figure.get_figwidth() * style.PIXELS),
        )
    finally:
        plt.close(figure)


def name_faults(name: str) -> Iterator[str]:
    if not re.fullmatch(NAME, name):
        yield "the name is of small letters, digits and single hyphens, such as 'two-wells'"


def caption_faults(caption: str) -> Iterator[str]:
    if not caption:
        yield "the caption is empty: say what is seen, with a number"
    elif not re.search(r"\d", caption):
        yield f"the caption states a finding with a number; given: {caption[:60]!r}"
    elif found := re.search(NOT_A_FINDING, caption):
        yield f"the caption's numbers are finite and zero has no sign; it has {found[0]!r}"


def alt_faults(alt: str) -> Iterator[str]:
    if not alt:
        yield "the alternative text is empty: say in words what the picture shows"
    elif re.search(FILE, alt) or " " not in alt:
        yield f"the alternative text is a sentence, not a file or a word; given: {alt[:60]!r}"
    elif re.search(r"[$\\*`]", alt):
        yield f"the alternative text is read aloud: no formulas, no marks; given: {alt[:60]!r}"


def number_figures(notebook: NotebookNode) -> None:
    """Turn every figure of an executed chapter into a numbered one of the book, in place."""
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        pictures = [o for o in outputs if MIME in o.get("data", {})]
        if not pictures:
            continue
        data = pictures[0].data
        if len(pictures) > 1:
            raise BadFigure(f"Figure {data[MIME]['name']!r}: its cell shows another figure too.")
        caption = data["text/plain"]
        cell.metadata["mystnb"] = {
            "image": {"alt": data[MIME]["alt"]},
            "figure": {"name": f"fig-{data[MIME]['name']}", "caption": caption},
        }
        cell.outputs = [o for o in outputs if o.get("data", {}).get("text/markdown") != caption]
        pictures[0].data = NotebookNode({"image/png": data["image/png"]})
