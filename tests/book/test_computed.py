"""Which numbers of a chapter's prose pass for computed, and which do not."""

from __future__ import annotations

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

from plateaus.book.cells import code_cells
from plateaus.book.computed import numbers_are_computed

CHAPTER = "2-language-models/steering"
SHOWN = "rank 0.824 [0.798, 0.852], gain -0.30 [-0.40, -0.02], 1e-9"


def faults(notebook: NotebookNode, text: str) -> list[str]:
    """Of a sentence in a chapter that shows ``SHOWN``."""
    code_cells(notebook)[2].outputs.append(new_output("stream", name="stdout", text=SHOWN))
    notebook.cells.append(new_markdown_cell(text))
    return list(numbers_are_computed(notebook, CHAPTER))


@pytest.mark.parametrize(
    "text",
    [
        "The correlation is 0.82 [0.80, 0.85], about 0.8.",
        "It falls by 0.30 [−0.40, −0.02].",
        "It is worse by 0.30 [0.02, 0.40].",
        "The rule asks for 0.7 and 1.25.",
        "In Remark 3.4, and in section 3.2.2 of version 1.0.2.",
        "A formula $x = 3.21$ and `code = 3.21` and {doc}`page 3.21 <x>`.",
        "All 100 pairs, in [51, 132] lines of 99 %.<!-- numbers: 51, 132; counted by hand -->",
        "It was 0.62. <!-- numbers: 0.62, 0.61; of pairs that are no longer drawn -->",
        "A comment. <!-- claims: none, 3.21 is no number of the page -->",
    ],
    ids=[
        "rounded",
        "minus",
        "turned",
        "a rule",
        "names",
        "not prose",
        "counted",
        "given",
        "comment",
    ],
)
def test_what_is_computed_passes(text: str, good: NotebookNode) -> None:
    assert faults(good, text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It is 0.83.", "0.83"),
        ("It is 0.8241.", "0.8241"),
        ("It is 0.82 [0.79, 0.85].", "[0.79, 0.85]"),
        ("It is 0.82 [-0.40, 0.85].", "[-0.40, 0.85]"),
        ("It falls by 0.30 [0.40, 0.02].", "[0.40, 0.02]"),
        ("It was 0.62. <!-- numbers: 0.61; another one -->", "0.62"),
        ("It was 0.62. <!-- numbers: 0.62; -->", "0.62"),
        ("Between [51, 132].", "[51, 132]"),
        ("The bound of another chapter, 0.033.", "0.033"),
    ],
    ids=["other", "more digits", "one end", "of two intervals", "sign", "not named", "no reason",
         "whole", "no rule"],
)  # fmt: skip
def test_what_is_not_computed_is_named(text: str, number: str, good: NotebookNode) -> None:
    assert [found.rsplit(": ", 1)[1] for found in faults(good, text)] == [number]
