"""Builds killed at any moment: nothing survives, nothing half-written is shown, one at a time."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from plateaus.book import builds
from plateaus.errors import BuildRunning

CELLS = (
    "word = 'nobody'\nwait = 30",
    "import os, time\nopen(os.environ['PLATEAUS_OUT'] + '.pid', 'w').write(str(os.getpid()))",
    "time.sleep(wait)\nprint(word)",
)
"""A chapter that says who it is and then waits, as one that computes for a long time."""


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """A book of one small chapter, with the book's own configuration and claims."""
    folder = tmp_path / "ein Ordner für Übungen"
    book = folder / "book"
    (book / "models").mkdir(parents=True)
    rules = ("claims.yaml", "claims-first.yaml", "withdrawn.yaml")
    for name in (*rules, "references.bib"):
        shutil.copy(root / "book" / name, book)
    # The page of claims leads to chapters that this book does not have.
    page = (root / "book" / "claims.md").read_text(encoding="utf-8")
    page = re.sub(r"\{doc\}`([^`<]*) </chapters/[^`]*`", r"\1", page)
    (book / "claims.md").write_text(page, encoding="utf-8")
    shutil.copytree(root / "book" / "_static", book / "_static")
    shutil.copy(root / "_config.yml", folder)
    (book / "verdicts-first.json").write_text("[]")
    (book / "results").mkdir()
    (book / "results" / "own-text.json").write_text('{"rows": [], "same": []}')
    (book / "introduction.md").write_text("# A book\n\n% cover\n")
    (book / "re-execute.md").write_text("# Execute\n\n% cost\n")
    (book / "models" / "README.md").write_text("# Models\n")
    (book / "bibliography.md").write_text("# Sources\n\n```{bibliography}\n:all:\n```\n")
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: book/introduction\nparts:\n- chapters:\n  - file: chapters/1-a/b\n"
        "  - file: book/re-execute\n  - file: book/claims\n  - file: book/bibliography\n"
    )
    notebook = new_notebook(cells=[new_markdown_cell("# A chapter"), *map(new_code_cell, CELLS)])
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells[1].metadata["tags"] = ["parameters"]
    (folder / "chapters" / "1-a").mkdir(parents=True)
    nbformat.write(notebook, folder / "chapters" / "1-a" / "b.ipynb")
    return folder


def started(folder: Path, **parameters: object) -> subprocess.Popen[str]:
    """A build of `folder`, as `make book` starts it."""
    preset = folder / "preset.yaml"
    preset.write_text("".join(f"{name}: {value}\n" for name, value in parameters.items()))
    return subprocess.Popen(
        [sys.executable, "-m", "plateaus.cli", "book", "--root", str(folder)],
        cwd=folder, text=True,
        env=os.environ | {"PLATEAUS_PARAMS": str(preset)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def alive(folder: Path) -> list[psutil.Process]:
    """Processes of builds of `folder`: their environment names its presets."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in process.environ().get("PLATEAUS_PARAMS", ""):
                found.append(process)
        except psutil.Error:
            continue
    return [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def until(condition, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def kernels(folder: Path) -> list[Path]:
    return list((folder / "_build").glob("build-*/out.pid"))


def shown(folder: Path) -> str:
    return (folder / "_build" / "html" / "chapters" / "1-a" / "b.html").read_text(encoding="utf-8")


def test_killed_build_leaves_no_process_and_the_next_has_its_own_parameters(checkout: Path) -> None:
    first = started(checkout, word="first", wait=60)
    assert until(lambda: kernels(checkout)), "the chapter is running"
    assert len(alive(checkout)) == 3, "build, papermill, kernel"
    first.kill()
    first.communicate()
    assert until(lambda: not alive(checkout), 2), "all ended with the build"
    second = started(checkout, word="second", wait=0)
    _, said = second.communicate()
    assert second.returncode == 0, said
    assert "second" in shown(checkout) and "first" not in shown(checkout)
    assert len(list((checkout / "_build").glob("build-*"))) == 1, "the killed one's is removed"


@pytest.mark.parametrize("child", ["papermill", "ipykernel_launcher"])
def test_process_without_a_leash_would_survive(child: str, tmp_path: Path) -> None:
    """The same tree of processes, started plainly: the test above would see it."""
    script = "import subprocess, sys, time; subprocess.Popen([sys.executable, *sys.argv[1:]]); "
    script += "time.sleep(60)"
    sleeper = tmp_path / f"{child}.py"
    sleeper.write_text("import time\ntime.sleep(60)\n")
    marked = os.environ | {"PLATEAUS_PARAMS": str(tmp_path)}
    for held, survivors in ((["-m", "plateaus.book.leash", "0", child], 0), (["-m", child], 1)):
        parent = subprocess.Popen([sys.executable, "-c", script, *held], cwd=tmp_path, env=marked)
        assert until(lambda: len(alive(tmp_path)) == 2)
        time.sleep(0.5)
        parent.kill()
        parent.wait()
        time.sleep(0.5)
        left = alive(tmp_path)
        assert len(left) == survivors
        for process in left:
            process.kill()


def test_second_build_is_refused_in_one_sentence_and_the_first_goes_on(checkout: Path) -> None:
    first = started(checkout, word="first", wait=4)
    assert until(lambda: kernels(checkout))
    second = started(checkout, word="second", wait=0)
    _, said = second.communicate()
    assert second.returncode == 2
    assert said.strip().splitlines() == [
        f"plateaus: This book is being built already (process {first.pid}): wait until that "
        "build has ended, or end it."
    ]
    started_by_first = first.communicate()[1]
    assert first.returncode == 0, started_by_first
    # `started` wrote the second preset over the first, but papermill had read the first one.
    assert "first" in shown(checkout)


def test_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    with builds.alone(tmp_path):
        with pytest.raises(BuildRunning):
            with builds.alone(tmp_path):
                pass
    with builds.alone(tmp_path):
        pass


def whole(folder: Path, word: str) -> Path:
    work = builds.fresh(folder)
    (work / "html").mkdir()
    (work / "html" / "index.html").write_text(word)
    (work / "claims.json").write_text(word)
    return work


def test_book_is_swapped_in_at_once(tmp_path: Path) -> None:
    (tmp_path / "html").mkdir()  # as builds before this one left them
    (tmp_path / "claims.json").write_text("[]")
    for word in ("one", "two"):
        work = whole(tmp_path, word)
        builds.publish(tmp_path, work)
        assert (tmp_path / "html" / "index.html").read_text() == word
        assert (tmp_path / "claims.json").read_text() == word
        assert list(tmp_path.glob("build-*")) == [work]
    builds.fresh(tmp_path)  # a build that will fail
    assert (tmp_path / "html" / "index.html").read_text() == "two"


@pytest.mark.parametrize("seconds", [0.5, 2, 4, 6, 8])
def test_kill_at_any_moment_leaves_the_earlier_book(seconds: float, checkout: Path) -> None:
    target = checkout / "_build"
    target.mkdir()
    builds.publish(target, whole(target, "earlier"))
    build = started(checkout, word="later", wait=0)
    try:
        build.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        build.send_signal(signal.SIGKILL)
        build.communicate()
        pages = [target / "html" / "index.html", target / "claims.json"]
        if not all(page.read_text() == "earlier" for page in pages):
            assert "later" in shown(checkout)  # the kill came after the last step: all is new
            assert "earlier" not in [page.read_text() for page in pages]
    else:
        assert build.returncode == 0 and "later" in shown(checkout)
    assert until(lambda: not alive(checkout), 2)
