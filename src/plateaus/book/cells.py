"""What the rules of the contract ask of a notebook's cells."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from plateaus.errors import BadParameter

FOLDED = {"hide-input", "remove-input", "hide-cell", "remove-cell"}
"""Tags of cells whose code a reader sees only on request, or not at all."""
IGNORED = "nbval-ignore-output"
FILE = re.compile(r"'[\w.-]+\.nc'")


def notebook_at(path: Path) -> NotebookNode:
    """The notebook in a file; raises `BadParameter` where there is none."""
    try:
        found = nbformat.read(path, as_version=4)
        nbformat.validate(found)
        return found
    except Exception as error:  # of many classes: no file, no JSON, no notebook, a later format
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadParameter(
            f"{path} cannot be read as a notebook ({reason[:120].rstrip('.')}): give the path of a "
            "chapter, such as chapters/1-definitions/plateaus.ipynb."
        ) from None


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def visible_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Code that a reader of the page sees without asking for it."""
    return [cell for cell in code_cells(notebook) if not FOLDED & set(tags(cell))]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def start(cell: NotebookNode) -> str:
    """The beginning of a cell, to find it by."""
    return repr(cell.source[:40])


def text_of(cell: NotebookNode) -> str:
    """What a reader sees as text below the cell."""
    parts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        parts.append(
            output.get("text") or data.get("text/markdown") or data.get("text/plain") or ""
        )
    return "\n".join(parts)


def drop_file_names(notebook: NotebookNode) -> None:
    """Leave out what `run.save` returns at the end of a cell: the name of a file says nothing."""
    for cell in code_cells(notebook):
        names = [o for o in cell.outputs if FILE.fullmatch(o.get("data", {}).get("text/plain", ""))]
        cell.outputs = [output for output in cell.outputs if output not in names]


def calls(source: str, method: str) -> list[ast.Call]:
    """The calls of anything's method of that name."""
    found = [node for node in ast.walk(tree(source)) if isinstance(node, ast.Call)]
    return [c for c in found if isinstance(c.func, ast.Attribute) and c.func.attr == method]


def tree(source: str) -> ast.Module:
    """The cell's syntax, without lines that only IPython understands."""
    return ast.parse(
        "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    )


def unfenced(source: str) -> str:
    """Markdown without its fenced blocks."""
    return re.sub(r"(?ms)^(```+|:::+).*?^\1", "", source)
