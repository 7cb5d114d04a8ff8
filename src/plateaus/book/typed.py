"""What the contract asks of formulas that are typed into a chapter's prose."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from plateaus.book.cells import code_cells, text_of

TWICE = r"\\\\[A-Za-z]+"


def formulas_are_whole(notebook: NotebookNode, name: str) -> Iterator[str]:
    """In Python a backslash may be doubled; in a formula on a line that begins a new line."""
    texts = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    texts += [text_of(c) for c in code_cells(notebook)]
    for text in texts:
        for formula in re.findall(r"(?<!\$)\$(?!\$)[^$\n]+\$", text):
            if found := re.search(TWICE, formula):
                yield f"a formula has single backslashes, not {found[0]}: {formula}"
