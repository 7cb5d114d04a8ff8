"""Where things are: the checkout and the output folder, whatever the working directory."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml

from plateaus.disk import check_writable
from plateaus.errors import NoRepository


def find_repository() -> Path | None:
    """The checkout this package runs from, or the one around the working directory, or None.

    Papermill runs a notebook where it was invoked, nbval and Jupyter in the notebook's folder;
    so the package's own place is asked first.
    """
    here = Path(__file__).resolve()
    for folder in (*here.parents, Path.cwd().resolve(), *Path.cwd().resolve().parents):
        if (folder / "_toc.yml").is_file() and (folder / "book" / "claims.yaml").is_file():
            return folder
    return None


def repository() -> Path:
    """As `find_repository`, but raises `NoRepository` when there is no checkout."""
    folder = find_repository()
    if folder is None:
        raise NoRepository(
            "The book's own files (book/claims.yaml, chapters/) were not found: work in a checkout "
            "of the repository, installed there with `pip install -e .`."
        )
    return folder


def checkout(given: Path) -> Path:
    """The whole path of a checkout; raises `NoRepository` unless the book's own files are there,
    its table of contents and every chapter in it.
    """
    try:
        root = given.resolve()
        files = (root / "book" / "claims.yaml", root / "_config.yml", *chapters(root))
        missing = [str(file.relative_to(root)) for file in files if not file.is_file()]
    except (OSError, ValueError, RuntimeError, yaml.YAMLError, TypeError, KeyError) as error:
        missing = [f"_toc.yml that can be read ({type(error).__name__})"]
    if missing:
        raise NoRepository(
            f"{given} is no checkout of this book, it has no {missing[0]}: give the folder of one, "
            "or leave --root out."
        )
    return root


def chapters(root: Path) -> list[Path]:
    """The notebooks named in `_toc.yml` of the checkout `root`, in its order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [root / f"{file}.ipynb" for file in files if file.startswith("chapters/")]


def chapter_name(path: Path) -> str:
    """Part and name of the notebook at `path`, such as "2-language-models/interpolation"."""
    return f"{path.parent.name}/{path.stem}"


def output_folder(out: str, model: str) -> Path:
    """The folder `<out>/<model>`, made and known to be writable.

    Every model has its own, so that one chapter on two models writes two results. "auto" is
    `_build/out` of the checkout (or `PLATEAUS_OUT` if that is set; outside a checkout, `out` in the
    working directory); a relative path is relative to the working directory.
    Raises `NotSaved` before anything is computed when nothing can be written there.
    """
    if out == "auto":
        root = find_repository()
        default = root / "_build" / "out" if root else Path("out")
        folder = Path(os.environ.get("PLATEAUS_OUT") or default)
    else:
        folder = Path(out)
    return check_writable(folder / folder_name(model), f"out = {out!r}")


def folder_name(model: str) -> str:
    """A model's name as the name of a folder: "org/name" is "org--name"."""
    return re.sub(r"[^\w.@+-]+", "--", model).strip("-.") or "model"
