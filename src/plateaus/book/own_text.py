"""What the rules say of language models on their own text, for the page of the claims.

The chapters settle claims on natural prompts, beginnings of stories and passages of a novel. Here
each of them is run once more, with samples of the model that is measured in the place of these.
`python -m plateaus.book.own_text` does that for all chapters of language models, or for those that
are named, and keeps what came out in `book/results/own-text.json`.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from plateaus.book import committed
from plateaus.book.cells import code_cells, tree
from plateaus.book.claims import Claims
from plateaus.book.places import chapter_name, chapters, repository
from plateaus.errors import BadParameter, answered
from plateaus.results import write_json

FILE = "results/own-text.json"
"""In `book/`: `rows` as chapters keep them, and `same`, the rows that no prompt changed."""
PARTS = ("2-language-models", "4-dynamics")

Key = tuple[str, str, str]


def beside(book: Path, claims: Claims) -> dict[Key, dict[str, Any]]:
    """By criterion and model the rows on the models' own text, settled by the rules as they are."""
    kept = json.loads((book / FILE).read_text(encoding="utf-8"))
    return {key(row): claims.again(row) for row in kept["rows"]}


def lacking(book: Path) -> list[str]:
    """Rows of chapters of language models that have not been asked on the models' own text."""
    kept = json.loads((book / FILE).read_text(encoding="utf-8"))
    known = {key(row) for row in kept["rows"]} | {tuple(same) for same in kept["same"]}
    asked = [row for row in committed.read(book) if row["chapter"].startswith(PARTS)]
    return [" ".join(key(row)) for row in asked if key(row) not in known]


def key(row: Mapping[str, Any]) -> Key:
    return row["id"], row["metric"], row["model"]


def rows(chapter: Path) -> list[dict[str, Any]]:
    """The rows of a chapter run in this process, "auto" meaning samples. What it asserts of its
    numbers is left out, since that is said of other prompts.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    from plateaus.data import sources  # late, as it waits for torch

    names: dict[str, Any] = {"__name__": "__main__"}
    cells = code_cells(nbformat.read(chapter, as_version=4))
    quiet = contextlib.redirect_stdout(io.StringIO())
    with tempfile.TemporaryDirectory() as out, sources.auto_means(sources.SAMPLES), quiet:
        for number, cell in enumerate(cells):
            exec(compile(_without_asserts(cell.source), chapter.name, "exec"), names)
            if number == 0:
                names["out"] = out
            pyplot.close("all")
        return committed.read(Path(out))


def update(book: Path, found: list[dict[str, Any]]) -> None:
    """Keep new rows, and of those that are as in the chapter only the names."""
    file, found = book / FILE, [committed.rounded(row) for row in found]
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    now = {key(row): row for row in committed.read(book)}
    every = {key(row): row for row in kept.get("rows", [])} | {key(row): row for row in found}
    same = {tuple(k) for k in kept.get("same", [])} - {key(row) for row in found}
    same |= {key(row) for row in found if row == now.get(key(row))}
    other = [row for k, row in every.items() if k in now and k not in same]
    write_json({"rows": other, "same": sorted(map(list, same & set(now)))}, file)


def _without_asserts(source: str) -> ast.Module:
    class Drop(ast.NodeTransformer):
        def visit_Assert(self, node: ast.Assert) -> ast.AST:
            return ast.copy_location(ast.Pass(), node)

    return ast.fix_missing_locations(Drop().visit(tree(source)))


def main(names: list[str]) -> None:
    root = repository()
    known = [path.stem for path in chapters(root)]
    if unknown := [name for name in names if name not in known]:
        raise BadParameter(
            f"There is no chapter {unknown[0]!r:.80}: give some of {', '.join(known)}, or none for "
            "all that ask a language model."
        )
    for path in chapters(root):
        name = chapter_name(path)
        if path.stem in names or (not names and name.startswith(PARTS)):
            start = time.perf_counter()
            update(root / "book", rows(path))
            print(f"{name}  {time.perf_counter() - start:5.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(answered(lambda: main(sys.argv[1:])))
