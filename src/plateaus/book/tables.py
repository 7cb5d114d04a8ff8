"""Tables of a chapter as a page shows them: one row of headings, and no names of files.

Pandas gives the names of a table's index a row of their own, below that of the columns; each of the
two rows is empty where the other is not.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode

from plateaus.book.cells import code_cells, drop_file_names

HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
HEADING = re.compile(r"<th>(.*?)</th>", re.DOTALL)


def for_pages(notebook: NotebookNode) -> None:
    """Outputs that say something in a notebook and nothing on a page, in place."""
    drop_file_names(notebook)
    one_heading(notebook)


def one_heading(notebook: NotebookNode) -> None:
    """Join the two rows of headings of every table of an executed chapter, in place."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            data = output.get("data", {})
            if 'class="dataframe"' in data.get("text/html", ""):
                data["text/html"] = HEAD.sub(lambda head: said(joined(head[0])), data["text/html"])


def joined(head: str) -> str:
    """The head of a table with its two rows in one, or as it is where both say something."""
    rows = [HEADING.findall(row) for row in ROW.findall(head)]
    if len(rows) != 2 or len(rows[0]) != len(rows[1]) or any(map(all, zip(*rows, strict=True))):
        return head
    names = "".join(f"<th>{above or below}</th>" for above, below in zip(*rows, strict=True))
    return f"<thead><tr>{names}</tr></thead>"


def said(head: str) -> str:
    """The head with a plain cell above the names of rows where nothing says what they are: a
    heading without a word is read aloud as one.
    """
    return head.replace("<th></th>", "<td></td>")
