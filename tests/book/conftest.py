"""A small chapter that keeps the contract, as a notebook with outputs; tests break it on
purpose.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from plateaus.book.figure import Shown

NAME = "9-tests/example"
PNG = b"\x89PNG\r\n\x1a\n"

MEANING = "## What it means\n\n- **It has a slope.** <!-- claims: none, an example --> It is 7.0."
PROSE = (
    "A plateau is a region on which the output hardly moves. We take one example, look at it, "
    "measure how steep its boundary is and compare it with the same curve before training, which "
    "is the control and must be straight. Nothing here depends on a model, so that the page can be "
    "executed anywhere in a second or two, and the number below is known in closed form, which "
    "makes it easy to see whether the page still tells the truth. "
)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def example() -> Callable[[], NotebookNode]:
    """Makes a new chapter that keeps every sentence of the contract, with its outputs."""
    return _example


@pytest.fixture(scope="session")
def staged(root: Path) -> Callable[..., dict]:
    """Lays out a book of a few pages below a folder, to be built with `build.render`."""

    def stage(
        folder: Path, toc: str, *, change: Callable[[dict], object] = len, **pages: str
    ) -> dict:
        """Returns the settings; `change` may edit them, `pages` are Markdown by name."""
        folder = folder / "stage"
        shutil.copytree(root / "book" / "_static", folder / "book" / "_static")
        (folder / "book" / "references.bib").touch()
        (folder / "_toc.yml").write_text(toc)
        for name, text in pages.items():
            (folder / f"{name}.md").write_text(text)
        settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
        change(settings)
        (folder / "_config.yml").write_text(yaml.safe_dump(settings))
        return settings

    return stage


@pytest.fixture
def good() -> NotebookNode:
    """One such chapter."""
    return _example()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[NotebookNode], Path]:
    """Writes a notebook where its chapter's name says, and returns the path."""

    def write(notebook: NotebookNode) -> Path:
        path = tmp_path / f"{NAME}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write


def _example() -> NotebookNode:
    cells = [
        new_markdown_cell(f"# An example\n\n{PROSE * 2}"),
        _code('model = "none"\ndevice = "cpu"\nseed = 0\nout = "auto"\nsteps = 50', "parameters"),
        _code(
            "import plateaus as pl\n\n"
            f"run = pl.open_chapter(globals(), {NAME!r}, steps=pl.whole(2, 1000))"
        ),
        _code(
            "slope = (steps - 1) / 7\nprint(f'slope {slope:.2f}, straight 1.00')",
            "headline",
            text="slope 7.00, straight 1.00\n",
        ),
        _code("assert abs(slope - 7) < 0.01 or steps != 50"),
        _code(
            "from plateaus.figures import style\n\nfig, ax = style.subplots()\n"
            "ax.plot([0, slope])\n"
            'run.figure(fig, "line", caption=f"It ends at {slope:.2f}.", alt="A straight line.")',
            "hide-input",
            figure="line",
        ),
        new_markdown_cell(f"{PROSE}\n\n{MEANING}"),
        _code("import xarray as xr\nrun.save(xr.Dataset({'slope': slope}))", text="'example.nc'"),
        _code(
            'run.claim("J4", metric="rank_by_step", model="none", value=0.7, ci=(0.6, 0.8),\n'
            "          n=200, control=[0.8]).verdict",
            text="'holds'",
        ),
        _code("run.provenance()", "provenance", "nbval-ignore-output", text="versions"),
    ]
    for count, cell in enumerate([c for c in cells if c.cell_type == "code"], start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )


def _code(source: str, *tags: str, text: str = "", figure: str = "") -> NotebookNode:
    outputs = []
    if text.endswith("\n"):
        outputs.append(new_output("stream", name="stdout", text=text))
    elif text:
        outputs.append(new_output("execute_result", data={"text/plain": text}, execution_count=1))
    if figure:
        data = Shown(
            name=figure, caption="It ends at 7.00.", alt="A straight line.", png=PNG, width=600
        ).picture()
        outputs.append(new_output("display_data", data=data))
        outputs.append(new_output("display_data", data={"text/markdown": data["text/plain"]}))
    return new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)} if tags else {})
