"""`plateaus book`: execute the chapters, merge their claims, build the HTML.

Every build works in a folder of its own, `_build/build-…/`: `chapters/` executed copies, `out/`
results, `claims.json` the merged rows, `stage/` the book's sources with the executed chapters,
`html/` the book. When all is done `_build/book` leads there, in one step, and with it
`_build/html` and `_build/claims.json`. A build that fails or is killed leaves the earlier book.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import yaml

from plateaus.book import (
    beside,
    builds,
    committed,
    cost,
    cover,
    disclosures,
    downloads,
    explorers,
    first_picture,
    leash,
    many_models,
    own_text,
    pdf,
    scoreboard,
    shipped,
    speed,
    tables,
    training_pictures,
)
from plateaus.book.chapter import SHOW_COMMIT
from plateaus.book.claims import load_claims
from plateaus.book.figure import number_figures
from plateaus.book.notebooks import CELL_TIMEOUT, ONE_THREAD
from plateaus.book.places import chapter_name, chapters, checkout
from plateaus.book.render import render
from plateaus.book.site import lighten, mathematics
from plateaus.disk import check_writable
from plateaus.errors import BuildFailed, NoMark
from plateaus.progress import bar, say
from plateaus.results import write_json

WORKERS = 2
"""Chapters that run at the same time; each uses one thread."""


def build(root: Path, *, again: bool = True, as_pdf: bool = False) -> Path:
    """Build the book of the checkout `root` and return the path of its first page.

    With `again` off nothing is executed: chapters and claims are shown as they were committed.
    With `as_pdf` the book is also typeset as one PDF, in the folder of the pages.
    A YAML file named by the environment variable `PLATEAUS_PARAMS` is handed to every chapter.
    Raises `BuildFailed` when a chapter stops or Sphinx warns, `BuildRunning` while another build
    of this checkout is at work, `NoLatex` when no PDF can be made here, `NoRepository` where there
    is no checkout, `NotSaved` where nothing can be written.
    """
    root = checkout(root)
    if as_pdf:
        pdf.check()
    target = check_writable(root / "_build")
    with builds.alone(target):
        work = builds.fresh(target)
        execute(root, work) if again else copy(root, work)
        rows = merge_claims(root, work / "out" if again else root / "book")
        write_json(rows, work / "claims.json")
        stage(root, work, rows)
        say("Building the pages")
        render(root, work)
        mathematics(work / "html")
        lighten(work / "html")
        if as_pdf:
            say("Typesetting the PDF")
            pdf.make(root, work)
        builds.publish(target, work)
    return target / "html" / "index.html"


def execute(root: Path, target: Path) -> None:
    """Run every chapter with papermill into `target/chapters`; each prints one line."""
    parameters = os.environ.get("PLATEAUS_PARAMS")
    options = ["-f", str(Path(parameters).resolve())] if parameters else []
    settings = leash.kernel(target / "jupyter") | ONE_THREAD
    settings |= {"PLATEAUS_OUT": str(target / "out"), SHOW_COMMIT: "1"}
    held = [sys.executable, "-m", leash.__name__, str(os.getpid()), "papermill"]

    def one(path: Path) -> str | None:
        start = time.perf_counter()
        copy = target / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        command = [*held, str(path), str(copy), *options, "-k", "python3", "--no-progress-bar",
                   "--execution-timeout", str(CELL_TIMEOUT)]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=root, env=os.environ | settings
        )
        say(
            f"  {path.relative_to(root)}  {time.perf_counter() - start:.0f} s"
            + (" FAILED" if done.returncode else "")
        )
        where = copy.relative_to(root) if copy.is_relative_to(root) else copy
        why = f"{path.relative_to(root)}: {reason(copy, done.stderr)} (see {where})"
        return why if done.returncode else None

    say("Executing the chapters")
    every = chapters(root)
    with (
        ThreadPoolExecutor(WORKERS) as pool,
        bar(None, f"chapters, into {target.name}", total=len(every), at_once=True) as done,
    ):

        def shown(path: Path) -> str | None:
            failed = one(path)
            done.update()
            return failed

        failures = [f for f in pool.map(shown, every) if f]
    if failures:
        raise BuildFailed("A chapter stopped. " + " ".join(failures))


def copy(root: Path, target: Path) -> None:
    """Take every chapter with the outputs that were committed with it."""
    for path in chapters(root):
        place = target / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)


def reason(copy: Path, stderr: str) -> str:
    """The error in a chapter that stopped, or the last line of stderr if no cell failed."""
    if copy.is_file():
        for cell in nbformat.read(copy, as_version=4).cells:
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    return f"{output.ename}: {output.evalue}"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason."


def merge_claims(root: Path, folder: Path) -> list[dict[str, Any]]:
    """The rows of all chapters and models below `folder`, by the order of the claims."""
    order = list(load_claims(root / "book" / "claims.yaml").by_id)
    return sorted(
        committed.read(folder),
        key=lambda row: (order.index(row["id"]), row["chapter"], row["model"], row["metric"]),
    )


def stage(root: Path, target: Path, rows: list[dict[str, Any]]) -> None:
    """Lay out the sources of the HTML as in the repository, so that all links lead back there."""
    folder = target / "stage"
    shutil.copytree(
        root / "book", folder / "book", ignore=shutil.ignore_patterns("models", "params", "claims")
    )
    (folder / "book" / "models").mkdir()
    shutil.copy(root / "book" / "models" / "README.md", folder / "book" / "models")
    shutil.copy(root / "_toc.yml", folder)
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    if fork := os.environ.get(
        "GITHUB_REPOSITORY"
    ):  # in a fork's own CI the buttons lead to the fork
        settings["repository"]["url"] = f"https://github.com/{fork}"
    pdf.configure(settings)
    (folder / "_config.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    static, seconds = folder / "book" / "_static", {}
    downloads.tables(target / "out", static)
    for path in chapters(root):
        notebook = nbformat.read(target / path.relative_to(root), as_version=4)
        measured = notebook.metadata.pop("papermill", {})
        seconds[chapter_name(path)] = measured.get("duration", 0.0)
        for cell in notebook.cells:
            cell.metadata.pop("papermill", None)
            fold_parameters(cell)
        downloads.of_chapter(notebook, path.relative_to(root).as_posix(), static)
        number_figures(notebook)
        tables.for_pages(notebook)
        shipped.name_models(notebook, root / "book" / "models")
        copy = folder / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, copy)
    introduction = folder / "book" / "introduction.md"
    fill(introduction, cover.MARK, cover.directive(folder))
    first_picture.place(folder / "book")
    training_pictures.place(root / "book" / "models", folder / "book" / "models")
    explorers.place(root, folder)
    many_models.place(root / "book" / "results" / "grid.nc", folder / "book")
    beside.place(
        root / "book" / "results" / "published-code.nc", folder / "book" / "published-code.md"
    )
    speed.place(root / "book" / "results" / "bench.json", folder / "book" / "speed.md")
    fill(folder / "book" / "re-execute.md", cost.MARK, cost.table(seconds, WORKERS))
    claims = folder / "book" / "claims.md"
    rules = load_claims(root / "book" / "claims.yaml")
    if scoreboard.COUNT_MARK in introduction.read_text(encoding="utf-8").splitlines():
        told = f"{scoreboard.count(rules, rows)} {disclosures.counted(root / 'book')}"
        fill(introduction, scoreboard.COUNT_MARK, told)
    own = own_text.beside(root / "book", rules)
    fill(claims, scoreboard.MARK, scoreboard.scoreboard(rules, rows, set(seconds), own))
    fill(claims, disclosures.MARK, disclosures.disclosures(root / "book"))


def fold_parameters(cell: nbformat.NotebookNode) -> None:
    """A page folds the cell of parameters, which papermill and an open notebook need to see."""
    tags = cell.metadata.get("tags", [])
    if "parameters" in tags and "hide-input" not in tags:
        cell.metadata["tags"] = [*tags, "hide-input"]


def fill(page: Path, mark: str, generated: str) -> None:
    """Put what was generated in the place of the line `mark` of a staged page."""
    text = page.read_text(encoding="utf-8")
    if text.splitlines().count(mark) != 1:
        raise NoMark(f"book/{page.name} must have the line {mark!r} exactly once.")
    page.write_text(text.replace(mark, generated), encoding="utf-8")
