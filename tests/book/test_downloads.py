"""Each figure's numbers and code lie beside the pages, and its caption leads to them."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from plateaus.book import build, downloads
from plateaus.book.figure import FOLDER, MIME, number_figures

DRAW = "from plateaus.figures import style\nfig, ax = style.subplots(height=2)\nax.plot(y)"
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
PYTHON = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebook() -> NotebookNode:
    data = {
        "image/png": PNG,
        "text/plain": "It ends at 1.",
        MIME: {"name": "line", "alt": "A line."},
    }
    shown = new_output("display_data", data)
    return new_notebook(
        metadata=PYTHON,
        cells=[
            new_markdown_cell("# Page"),
            new_code_cell("y = [0, 1]"),
            new_code_cell(DRAW, outputs=[shown], metadata={"tags": ["hide-input"]}),
            new_code_cell("raise ValueError('this cell is after the figure')"),
        ],
    )


def test_the_script_of_a_figure_is_the_chapter_up_to_it(tmp_path: Path) -> None:
    downloads.of_chapter(notebook(), "chapters/a.ipynb", tmp_path)
    file = tmp_path / FOLDER / "line.py"
    text = file.read_text(encoding="utf-8")
    assert "Figure 'line' of chapters/a.ipynb" in text and text.rstrip().endswith(DRAW)
    assert subprocess.run([sys.executable, str(file)]).returncode == 0


def page(staged: Callable, root: Path, folder: Path, *, data: bool) -> Path:
    """A built page with one figure, below a folder as in the book."""
    stage, out = folder / "_build" / "stage", folder / "_build" / "out"
    static, written = stage / "book" / "_static", notebook()
    staged(folder / "_build", "format: jb-book\nroot: chapters/page\n")
    (stage / "chapters").mkdir()
    if data:
        (out / "model" / FOLDER).mkdir(parents=True)
        (out / "model" / FOLDER / "line.csv").write_text("panel,x,y\n1,0,0\n")
        downloads.tables(out, static)
    downloads.of_chapter(written, "chapters/page.ipynb", static)
    number_figures(written)
    nbformat.write(written, stage / "chapters" / "page.ipynb")
    build.render(root, folder / "_build")
    return folder / "_build" / "html" / "chapters" / "page.html"


def test_a_caption_leads_to_files_that_lie_beside_the_page(
    root: Path, tmp_path: Path, staged: Callable
) -> None:
    built = page(staged, root, tmp_path, data=True)
    caption = re.search(r"(?s)<figcaption>.*?</figcaption>", built.read_text("utf-8"))[0]
    links = re.findall(r'href="([^"#]+)" download>([^<]+)<', caption)
    assert [words for _, words in links] == ["data (CSV)", "code (Python)"]
    table = (built.parent / links[0][0]).resolve()
    assert list(csv.DictReader(table.open()))[0]["x"] == "0"
    assert (built.parent / links[1][0]).resolve().read_text("utf-8").startswith("# Figure 'line'")


def test_a_figure_that_was_not_drawn_in_this_build_has_its_code_alone(
    root: Path, tmp_path: Path, staged: Callable
) -> None:
    html = page(staged, root, tmp_path, data=False).read_text("utf-8")
    assert "figures/line.py" in html and "line.csv" not in html
