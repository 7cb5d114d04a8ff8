"""A figure is refused without words for it, seen in the notebook, numbered in the book."""

from __future__ import annotations

import base64
import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from plateaus.book import build
from plateaus.book.figure import MIME, number_figures, shown
from plateaus.errors import BadFigure
from plateaus.figures import style

WORDS = {"caption": "The pass is at $h = 0.52$.", "alt": "A curve with two wells."}
CELL = """
from plateaus.book.figure import shown
from plateaus.figures import style

fig, ax = style.subplots(height=2)
ax.plot([0, 1])
shown(fig, "line", caption=f"It ends at {1}.", alt="A straight line.")
"""


@pytest.fixture
def fig() -> Figure:
    return style.subplots(height=1)[0]


def test_figure_is_drawn_once_with_its_words_and_closed(fig: Figure) -> None:
    figure = shown(fig, "two-wells", **WORDS)
    bundle = figure.picture()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == repr(figure) == WORDS["caption"]
    assert bundle[MIME] == {"name": "two-wells", "alt": WORDS["alt"]}
    assert fig.number not in plt.get_fignums()


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("Two wells", {}, "small letters"),
        ("wells", {"caption": " "}, "caption is empty"),
        ("wells", {"caption": "The pass is low."}, "with a number"),
        ("wells", {"caption": "The pass is at nan, not 1."}, "has 'nan'"),
        ("wells", {"caption": "The median is -0.00 of 3."}, "has '-0.00'"),
        ("wells", {"alt": ""}, "alternative text is empty"),
        ("wells", {"alt": "../_images/two wells.png"}, "not a file"),
        ("wells", {"alt": "plot"}, "not a file or a word"),
        ("wells", {"alt": "The height $h_a$ on a line."}, "read aloud"),
    ],
)
def test_figure_without_words_for_it_is_refused(
    name: str, words: dict[str, str], sentence: str, fig: Figure
) -> None:
    with pytest.raises(BadFigure, match=f"Figure '{name}': .*{sentence}"):
        shown(fig, name, **(WORDS | words))


@pytest.mark.parametrize("number", ["-0.004", "-0.5", "0.0", "block-0", "2-0.5"])
def test_numbers_that_are_findings_are_not_refused(number: str, fig: Figure) -> None:
    assert shown(fig, "wells", caption=f"It is {number} of 3.", alt=WORDS["alt"])


@pytest.fixture(scope="module")
def executed() -> NotebookNode:
    """A notebook with a figure, as a kernel leaves it."""
    from nbclient import NotebookClient

    cell = new_code_cell(CELL, metadata={"tags": ["hide-input"]})
    words = new_markdown_cell("# Page\n\nSee {numref}`fig-line`.")
    notebook = new_notebook(cells=[words, cell])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def test_notebook_shows_picture_then_caption(executed: NotebookNode) -> None:
    picture, caption = [o.data for o in executed.cells[1].outputs]
    assert set(picture) == {"image/png", "text/plain", MIME}
    assert dict(caption) == {"text/markdown": "It ends at 1."}


def test_book_shows_one_numbered_figure_that_prose_can_name(
    executed: NotebookNode, tmp_path: Path, staged: Callable
) -> None:
    staged(tmp_path / "_build", "format: jb-book\nroot: page\n")
    notebook = copy.deepcopy(executed)
    number_figures(notebook)
    nbformat.write(notebook, tmp_path / "_build" / "stage" / "page.ipynb")
    build.render(tmp_path, tmp_path / "_build")
    html = (tmp_path / "_build" / "html" / "page.html").read_text(encoding="utf-8")
    figure = re.search(r'(?s)<figure[^>]* id="fig-line".*?</figure>', html)[0]
    assert 'alt="A straight line."' in figure and html.count("It ends at 1.") == 1
    number = re.search(r"Fig\. \d+", figure)[0]
    assert re.search(rf'href="#fig-line">.*{re.escape(number)}', html)


def test_two_figures_in_one_cell_are_refused(executed: NotebookNode) -> None:
    notebook = copy.deepcopy(executed)
    notebook.cells[1].outputs.append(notebook.cells[1].outputs[0])
    with pytest.raises(BadFigure, match="another figure"):
        number_figures(notebook)


def test_caption_that_changed_fails_nbval(
    executed: NotebookNode, written: Callable[[NotebookNode], Path]
) -> None:
    """The picture may differ in every byte, the caption in none."""
    from plateaus.book.notebooks import execute_in_place

    path = written(copy.deepcopy(executed))
    execute_in_place(path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs[0].data["image/png"] = "iVBORw0KGgo="
    nbformat.write(notebook, path)
    assert _nbval(path) == 0
    notebook.cells[1].outputs[0].data["text/plain"] = "It ends at 2."
    nbformat.write(notebook, path)
    assert _nbval(path) == 1


def _nbval(path: Path) -> int:
    options = ["--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider", "-n", "0"]
    command = [sys.executable, "-m", "pytest", *options, str(path)]
    return subprocess.run(command, cwd=path.parent, capture_output=True).returncode
