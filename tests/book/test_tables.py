"""A table has one row of headings on its page, and loses none of them."""

from __future__ import annotations

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from plateaus.book import tables

COLUMNS = {"slope": [1.0, 2.0], "width": [0.8, 0.5]}


def headings(table: pd.DataFrame) -> tuple[list[list[str]], int]:
    """The rows of headings on the page, and how many there are in the notebook."""
    output = new_output("execute_result", data={"text/html": table._repr_html_()})
    before = len(rows(output.data["text/html"]))
    notebook = new_notebook(cells=[new_code_cell("table", outputs=[output])])
    tables.one_heading(notebook)
    return rows(notebook.cells[0].outputs[0].data["text/html"]), before


def rows(html: str) -> list[list[str]]:
    head = tables.HEAD.search(html)[0]
    return [tables.HEADING.findall(row) for row in tables.ROW.findall(head)]


@pytest.mark.parametrize("names", [["model"], ["model", "read from"]])
def test_names_of_the_index_stand_beside_those_of_the_columns(names: list[str]) -> None:
    index = pd.MultiIndex.from_product([["prose"], ["stream", "logits"]], names=["", *names][-2:])
    table = pd.DataFrame(COLUMNS, index=index if len(names) == 2 else index.droplevel(0))
    table.index.names = names
    assert headings(table) == ([[*names, "slope", "width"]], 2)


def test_two_rows_that_both_say_something_stay() -> None:
    table = pd.DataFrame(COLUMNS)
    table.columns = pd.MultiIndex.from_product([["trained"], ["slope", "width"]])
    found, before = headings(table)
    assert len(found) == before == 2


def test_no_heading_is_without_a_word() -> None:
    assert headings(pd.DataFrame(COLUMNS)) == ([["slope", "width"]], 1)
    output = new_output("execute_result", data={"text/html": pd.DataFrame(COLUMNS)._repr_html_()})
    assert rows(output.data["text/html"]) == [["", "slope", "width"]]  # the twin
