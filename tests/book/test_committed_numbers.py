"""A committed number that is no longer true makes `make test` fail: nbval as the Makefile calls
it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from plateaus.book.notebooks import execute_in_place
from plateaus.errors import BuildFailed

CHAPTER = "1-definitions/plateaus"


def nbval(path: Path, root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The options of the target `test`, without its workers, on one notebook."""
    options = re.findall(r"--nbval\S*", (root / "Makefile").read_text(encoding="utf-8"))
    assert "--nbval" in options, "make test compares outputs"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               "-c", str(root / "pyproject.toml"), "--rootdir", str(path.parent),
               *options, str(path)]  # fmt: skip
    return subprocess.run(
        command, capture_output=True, text=True, cwd=path.parent, env=os.environ | environment
    )


@pytest.fixture(scope="module")
def committed(
    tmp_path_factory: pytest.TempPathFactory, example: Callable[[], NotebookNode]
) -> Path:
    """A chapter executed as `make notebooks` does; its number comes from a module beside it."""
    folder = tmp_path_factory.mktemp("committed")
    (folder / "helper.py").write_text("SEVENTH = 7\n")
    notebook: NotebookNode = example()
    code = [c for c in notebook.cells if c.cell_type == "code"]
    code[1].source = code[1].source.replace("9-tests/example", CHAPTER) + "\nimport helper"
    code[2].source = code[2].source.replace("/ 7", "/ helper.SEVENTH")
    code[3].source = "assert slope > 0"
    path = folder / "example.ipynb"
    nbformat.write(notebook, path)
    os.environ["PLATEAUS_OUT"] = str(folder / "out")
    try:
        execute_in_place(path)
    finally:
        del os.environ["PLATEAUS_OUT"]
    return path


def test_executing_twice_writes_the_same_bytes(
    committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATEAUS_OUT", str(committed.parent / "out"))
    before = committed.read_bytes()
    execute_in_place(committed)
    assert committed.read_bytes() == before


def test_true_number_passes(committed: Path, root: Path) -> None:
    done = nbval(committed, root, PLATEAUS_OUT=str(committed.parent / "out"))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("example.ipynb", "slope 7.00, straight", "slope 7.01, straight"),
        ("example.ipynb", "'holds'", "'does not hold'"),
        ("helper.py", "SEVENTH = 7", "SEVENTH = 7.1"),
    ],
    ids=["one digit", "a verdict", "the code behind it"],
)
def test_false_number_fails(
    file: str, old: str, new: str, committed: Path, root: Path, tmp_path: Path
) -> None:
    for source in committed.parent.glob("*.*"):
        if source.is_file():
            text = source.read_text(encoding="utf-8")
            assert source.name != file or text.count(old) == 1
            (tmp_path / source.name).write_text(
                text.replace(old, new) if source.name == file else text, encoding="utf-8"
            )
    done = nbval(tmp_path / "example.ipynb", root, PLATEAUS_OUT=str(tmp_path / "out"))
    assert done.returncode == 1 and " failed" in done.stdout, done.stdout


def test_failed_execution_leaves_the_notebook_alone(
    good: NotebookNode, written: Callable[[NotebookNode], Path]
) -> None:
    good.cells[1].source += "\nsteps = 1 / 0"
    path = written(good)
    before = path.read_bytes()
    with pytest.raises(BuildFailed, match="as it was: a cell stopped with ZeroDivisionError"):
        execute_in_place(path)
    assert path.read_bytes() == before
