"""What the contract asks of a chapter as a page: what fits, what is folded, what is compared."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from plateaus.book.cells import IGNORED, code_cells, start, tags, text_of, visible_cells

COLUMNS = 88
"""Characters of code or output that a page of 1,280 pixels shows without a scroll bar."""
VISIBLE_CELLS = 8
BLIND = r"#\s*(NBVAL_|PYTEST_VALIDATE_)\w+"
"""Comments that nbval obeys as it obeys tags."""
MINUS_ZERO = r"(?<![\w.)-])[-−]0(\.0*)?(?![\w.,]*\d)"

POWER = r"\b\d+(?:\.\d+)?[eE](?:\+\d+|-0\d)\b"
"""Such as 4.45e+04 or 2e-03; smaller errors may have their exponent."""

PERCENT = r"\d\s%(?!\w)"


def code_fits_the_page(notebook: NotebookNode, name: str) -> Iterator[str]:
    for cell in visible_cells(notebook):
        if (longest := _longest(cell.source)) > COLUMNS:
            yield f"a visible line of code has at most {COLUMNS} characters, not {longest}: " + (
                start(cell)
            )


def output_fits_the_page(notebook: NotebookNode, name: str) -> Iterator[str]:
    """Of text; a page wraps Markdown, and scales pictures, by itself."""
    for cell in code_cells(notebook):
        if "provenance" in tags(cell) or {"hide-output", "remove-cell"} & set(tags(cell)):
            continue
        for output in cell.outputs:
            data = output.get("data", {"text/plain": output.get("text", "")})
            longest = _longest(data.get("text/plain", ""))
            if set(data) == {"text/plain"} and longest > COLUMNS:
                yield f"a line of output has at most {COLUMNS} characters, not {longest}: " + (
                    start(cell)
                )


def zero_has_no_minus(notebook: NotebookNode, name: str) -> Iterator[str]:
    """A rounded number that is shown as -0.00 says that it has a sign, and has none."""
    for cell in code_cells(notebook):
        if "provenance" in tags(cell):
            continue
        if found := re.search(MINUS_ZERO, text_of(cell)):
            yield f"zero is shown without a minus, not {found[0]}: {start(cell)}"


def numbers_are_written_out(notebook: NotebookNode, name: str) -> Iterator[str]:
    """A number of everyday size is not shown as a computer writes it."""
    for cell in code_cells(notebook):
        if "provenance" not in tags(cell) and (found := re.search(POWER, text_of(cell))):
            yield f"a number is written out, not as {found[0]}: {start(cell)}"


def percent_stands_at_its_number(notebook: NotebookNode, name: str) -> Iterator[str]:
    """As Python writes it, so that all of a page look alike."""
    for cell in notebook.cells:
        shown = cell.source if cell.cell_type == "markdown" else text_of(cell)
        if found := re.search(PERCENT, shown):
            yield f"a percent sign stands at its number, not as {found[0]!r}: {start(cell)}"


def few_cells_are_visible(notebook: NotebookNode, name: str) -> Iterator[str]:
    found = len(visible_cells(notebook))
    if found > VISIBLE_CELLS:
        yield f"at most {VISIBLE_CELLS} code cells are visible, set-up is folded; {found} are"


def findings_are_compared(notebook: NotebookNode, name: str) -> Iterator[str]:
    """Only a picture or the table of versions may differ from the committed one."""
    for cell in code_cells(notebook):
        pictures = bool(cell.outputs) and all(
            any(key.startswith("image/") for key in output.get("data", {}))
            for output in cell.outputs
        )
        if IGNORED in tags(cell) and not pictures and "provenance" not in tags(cell):
            yield f"only a picture or the provenance is tagged {IGNORED}: {start(cell)}"
        if found := re.search(BLIND, cell.source):
            yield f"nbval is not told in a comment to look away: {found[0]}"


def _longest(text: str) -> int:
    return max((len(line) for line in text.splitlines()), default=0)
