"""Executes chapters in place for committing: `plateaus notebooks [chapter.ipynb …]`.

The saved file depends on the code and the packages alone: no timestamps, no papermill metadata, no
version of the interpreter, streams joined into one output.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from plateaus.book import committed
from plateaus.book.cells import notebook_at
from plateaus.book.chapter import COMMITTED
from plateaus.book.places import chapters, find_repository, repository
from plateaus.errors import BuildFailed, answered
from plateaus.progress import bar, say
from plateaus.results import write_bytes

CELL_TIMEOUT = 600
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | {
    "PYTHONHASHSEED": "0"
}
"""For the kernels: sums in a fixed order, and two chapters side by side on two cores."""


def execute_in_place(path: Path) -> None:
    """Run every cell of the notebook and write it back with its outputs; an error leaves it as it
    was. The claims of a chapter of the book are kept in `book/claims`.

    Raises `BadParameter` where there is no notebook, `BuildFailed` where a cell stops.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

    notebook, path = notebook_at(path), path.resolve()
    client = NotebookClient(
        notebook, timeout=CELL_TIMEOUT, kernel_name="python3", record_timing=False,
        coalesce_streams=True,
        # no advice on how kernels should be reached
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as out:
        try:
            client.execute(env=os.environ | ONE_THREAD | {"PLATEAUS_OUT": out, COMMITTED: ""})
        except CellExecutionError as error:
            raise BuildFailed(
                f"{path} is as it was: a cell stopped with {error.ename}: {error.evalue}"
            ) from None
        except (CellControlSignal, DeadKernelError, TimeoutError) as error:
            why = next(iter(str(error).splitlines()), type(error).__name__)
            raise BuildFailed(
                f"{path} is as it was: a cell did not come to its end: {why}"
            ) from None
        rows = committed.read(Path(out))
    root = find_repository()
    if root and path in chapters(root):
        committed.write(rows, root / "book" / "claims" / f"{path.stem}.json")
    write_bytes(serialised(notebook).encode(), path)


def serialised(notebook: NotebookNode) -> str:
    """The notebook's text with only the metadata that matters, always written the same way."""
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    notebook.nbformat_minor = 5
    for number, cell in enumerate(notebook.cells):
        # Cell ids that follow from the position: random ones would change with every editor.
        cell.id = f"cell-{number:03d}"
        cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k == "tags" and v})
        for output in cell.get("outputs", []):
            output.pop("transient", None)
            if "metadata" in output:
                output.metadata = NotebookNode()
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def execute(paths: list[Path]) -> None:
    """Execute the chapters at `paths`, or all of them, in place; each prints one line."""
    for path in bar(paths or chapters(repository()), "chapters", at_once=True):
        start = time.perf_counter()
        execute_in_place(path)
        say(f"{path}  {time.perf_counter() - start:5.1f} s")


if __name__ == "__main__":
    sys.exit(answered(lambda: execute([Path(name) for name in sys.argv[1:]])))
