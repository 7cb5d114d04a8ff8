"""What the contract asks of a chapter's figures; each check as in `contract.py`."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from nbformat import NotebookNode

from plateaus.book.figure import MIME, alt_faults, caption_faults, name_faults

TAGS_OF_A_FIGURE = "a figure's code is folded (hide-input) and its caption compared (no nbval tag)"


def figures_are_numbered(notebook: NotebookNode, name: str) -> Iterator[str]:
    """Every figure has a name of its own, a caption with a number and alternative text."""
    names: Counter[str] = Counter()
    for cell, pictures in _figures(notebook):
        if len(pictures) > 1:
            yield f"a cell shows one figure: {cell.source[:40]!r}"
        tags = set(cell.metadata.get("tags", []))
        if "hide-input" not in tags or "nbval-ignore-output" in tags:
            yield f"{TAGS_OF_A_FIGURE}: {cell.source[:40]!r}"
        for data in pictures:
            figure = data[MIME]
            names[figure["name"]] += 1
            faults = (
                *name_faults(figure["name"]),
                *caption_faults(data["text/plain"]),
                *alt_faults(figure["alt"]),
            )
            yield from (f"figure {figure['name']!r}: {fault}" for fault in faults)
    yield from (f"a figure's name is its own: {n!r} is given twice" for n in names if names[n] > 1)


def captions_are_computed(notebook: NotebookNode, name: str) -> Iterator[str]:
    """The numbers of a caption follow from the run, so that nbval notices when they change."""
    for cell, _ in _figures(notebook):
        for call in _calls(cell.source):
            given = {k.arg: k.value for k in call.keywords}.get("caption")
            parts = ast.walk(given) if given is not None else ()
            if not any(isinstance(p, ast.FormattedValue | ast.Name) for p in parts):
                yield f"a caption's numbers are computed: {ast.unparse(call)[:60]}"


def _figures(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, list[NotebookNode]]]:
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        pictures = [o.data for o in outputs if MIME in o.get("data", {})]
        if pictures:
            yield cell, pictures


def _calls(source: str) -> Iterator[ast.Call]:
    """The calls of `run.figure` in a cell."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "run.figure":
            yield node
