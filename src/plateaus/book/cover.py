"""The first picture of the book: one figure of a chapter, on the page of the introduction."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import nbformat

MARK = "% cover"
"""The line of `book/introduction.md` that a chapter's figure replaces."""
TEXT = (
    "How far the output moves from that of the star (top left), the plateaus of six radii "
    "around it (top right), and when they join (below)."
)
FINDING = -1
"""Which sentence of the chapter's own caption is said here too: the last."""


def directive(folder: Path) -> str:
    """What shows the figure of the first cell tagged "cover" of the staged chapters in ``folder``;
    the picture is laid beside the introduction.
    """
    for path in sorted(folder.glob("chapters/*/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            outputs = [output.get("data", {}) for output in cell.get("outputs", [])]
            images = [data["image/png"] for data in outputs if "image/png" in data]
            if images and "cover" in cell.metadata.get("tags", []):
                (folder / "book" / "cover.png").write_bytes(base64.b64decode(images[0]))
                chapter = path.relative_to(folder).with_suffix("").as_posix()
                own = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
                found = re.split(r"(?<=[.!?]) ", own)[FINDING]
                caption = f"{TEXT} {found} From {{doc}}`/{chapter}`."
                return f"```{{figure}} cover.png\n:alt: {TEXT}\n\n{caption}\n```"
    return ""
