"""Which of the book's language models a chapter speaks of, in a line below its first words.

The names in a chapter ("prose-12l") say neither size nor quality. Both stand in the records of the
trainings; the line is made of these when a page is built, so that no number in it is typed.
"""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from plateaus.book.cells import code_cells, tree
from plateaus.networks.embedded import models_folder

PAGE = "/book/models/README"
TEXTS = {"laboratory": "stories of the laboratory language", "prose": "English books"}


def name_models(notebook: NotebookNode, models: Path) -> None:
    """Add the line to a staged chapter that names language models of the folder ``models``."""
    cells = [tree(cell.source) for cell in code_cells(notebook)]
    words = {n.value for c in cells for n in ast.walk(c) if isinstance(n, ast.Constant)}
    named = [record for name, record in _records(models).items() if name in words]
    if named:
        told = "; ".join(f"*{record['name']}*, {in_words(record)}" for record in named)
        line = f"The models of this chapter: {told}. {{doc}}`The table of all models <{PAGE}>`."
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(line))


def in_words(record: dict[str, Any]) -> str:
    """Size, text and quality of a training, "12 blocks of width 120, 2.6 M weights, …"."""
    s = record["settings"]
    return (
        f"{s['blocks']} blocks of width {s['width']}, {record['parameters'] / 1e6:.1f} M weights, "
        f"trained on {record['tokens'] / 1e6:.0f} M tokens of {TEXTS[s['language']]} "
        f"({quality(record)})"
    )


def quality(record: dict[str, Any]) -> str:
    """How well it foretells text that was held out."""
    q = record["quality"]
    if record["settings"]["language"] == "laboratory":
        return f"KL from the true next word {q['kl_truth_to_model']:.3f} nats"
    return (
        f"{q['bits_per_byte']:.2f} bits per byte of other books, a 3-gram "
        f"{q['bits_per_byte_trigram']:.2f}"
    )


def record(name: str) -> dict[str, Any] | None:
    """The record of a language model's training, if it is one of the book's."""
    folder = models_folder()
    return _records(folder).get(name) if folder else None


def slope(name: str) -> tuple[float, float, float]:
    """Its median maximum slope with its interval, as the page of the models shows it."""
    measured = json.loads((models_folder() / "slopes.json").read_text("utf-8"))[name]
    return tuple(measured[max(measured, key=int)]["stream"])


@cache
def _records(models: Path) -> dict[str, dict[str, Any]]:
    """Those that speak one of the book's two languages, by name."""
    found = [json.loads(p.read_text("utf-8")) for p in sorted(models.glob("*/training.json"))]
    return {r["name"]: r for r in found if r["settings"].get("language") in TEXTS}
