"""Below each figure of a page: what was drawn, as a table, and the code that drew it.

The files lie in the site beside the page, so that they can be had from a folder too. The table is
written when a chapter runs; pages built from committed outputs have the code alone.
"""

from __future__ import annotations

import html
import shutil
from pathlib import Path
from types import ModuleType

from docutils import nodes
from matplotlib.figure import Figure
from nbformat import NotebookNode
from sphinx.application import Sphinx

from plateaus.book.figure import FOLDER, MIME
from plateaus.figures import drawn
from plateaus.results import write_bytes

KINDS = {".csv": "data (CSV)", ".py": "code (Python)"}
MANY = 1_000_000
"""Bytes above which a link says how long the download is."""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def of_chapter(notebook: NotebookNode, chapter: str, static: Path) -> None:
    """For each figure of a staged notebook a script: the code cells up to that which draws it.

    Args:
        chapter: its path in the repository; static: the staged `_static`.
    """
    cells: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cells.append(cell.source.rstrip())
        for output in cell.outputs:
            if figure := output.get("data", {}).get(MIME):
                text = script(figure["name"], chapter, cells)
                write_bytes(text.encode(), static / FOLDER / f"{figure['name']}.py")


def script(name: str, chapter: str, cells: list[str]) -> str:
    """The code cells of `chapter` up to the one that draws the figure `name`, which is the last."""
    head = (
        f"# Figure {name!r} of {chapter}: the last cell draws it, from what those before it made.\n"
        f"# Run as it is, in an environment with the package, it leaves the table {name}.csv in\n"
        f"# the folder {FOLDER} of the results.\n"
    )
    return head + "".join(f"\n# %%\n{cell}\n" for cell in cells)


def of_page(figure: Figure, name: str, module: ModuleType, static: Path) -> None:
    """The same two files for a figure that the build draws: its table, and the module of it."""
    folder = static / FOLDER
    write_bytes(drawn.as_csv(figure).encode(), folder / f"{name}.csv")
    write_bytes(Path(str(module.__file__)).read_bytes(), folder / f"{name}.py")


def tables(out: Path, static: Path) -> None:
    """Copy the tables that executed chapters left below `out` to the staged `_static`."""
    for table in sorted(out.glob(f"**/{FOLDER}/*.csv")):
        (static / FOLDER).mkdir(parents=True, exist_ok=True)
        shutil.copy(table, static / FOLDER)


def link(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put links to the files of each figure at the end of its caption, where there are any."""
    if app.builder.format != "html":
        return
    static = Path(app.srcdir) / "book" / "_static" / FOLDER
    up = "../" * page.count("/") + f"_static/{FOLDER}"
    for figure in doctree.findall(nodes.figure):
        names = [name.removeprefix("fig-") for name in figure["ids"] if name.startswith("fig-")]
        caption = figure.next_node(nodes.caption)
        found = [static / f"{name}{kind}" for name in names for kind in KINDS]
        links = [_link(file, up) for file in found if file.is_file()]
        if links and caption is not None:
            text = f' <span class="figure-files">{" · ".join(links)}</span>'
            caption += nodes.raw("", text, format="html")


def _link(file: Path, up: str) -> str:
    size, words = file.stat().st_size, KINDS[file.suffix]
    words += f", {size / 1e6:.0f} MB" if size > MANY else ""
    return f'<a href="{html.escape(f"{up}/{file.name}")}" download>{words}</a>'
