"""`plateaus book --pdf`: the whole book as one PDF beside its pages, through LaTeX.

Theorems and the figures of chapters have the numbers that they have on the pages; formulas use the
macros of the pages, which `_config.yml` lists once.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plateaus.book.render import render
from plateaus.errors import BuildFailed, NoLatex

FILE = "activation-plateaus.pdf"
PROGRAMS = ("xelatex", "latexmk", "kpsewhich")
STYLES = ("bbm.sty", "unicode-math.sty", "ucharclasses.sty", "tabulary.sty", "pzdr.tfm",
          "FreeSerif.otf")  # fmt: skip
"""Files that the book needs beyond the smallest LaTeX, one of each Debian package."""
PREAMBLE = r"""
\usepackage{newunicodechar}
\newunicodechar{✗}{{\upshape\char"2717}}
\newunicodechar{◐}{{\upshape\char"25D0}}
\AtBeginDocument{\renewcommand{\setminus}{\mathbin{\backslash}}}
"""
"""Signs that the fonts have upright alone, or under another name."""
PACKAGES = (
    "latexmk texlive-xetex texlive-latex-extra texlive-fonts-extra texlive-fonts-recommended "
    "fonts-freefont-otf"
)


def macros(given: Mapping[str, str | list[Any]]) -> str:
    r"""MathJax's dictionary of macros as LaTeX: "\R" and ["\lvert #1 \rvert", 1]."""
    lines = []
    for name, meaning in given.items():
        body, count = (meaning, 0) if isinstance(meaning, str) else meaning
        arguments = f"[{count}]" if count else ""
        lines.append(f"\\providecommand{{\\{name}}}{{}}")
        lines.append(f"\\renewcommand{{\\{name}}}{arguments}{{{body}}}")
    return "\n".join(lines)


def configure(settings: dict[str, Any]) -> None:
    """Add to the settings of a staged book what LaTeX needs; the pages do not read it."""
    config = settings["sphinx"]["config"]
    given = config["mathjax3_config"]["tex"]["macros"]
    config["latex_use_xindy"] = False  # makeindex comes with LaTeX
    config["latex_elements"] = {
        "papersize": "a4paper",
        "extraclassoptions": "openany,oneside",
        "fncychap": "",  # or chapters are counted in words: "CHAPTER TWENTYONE"
        "preamble": macros(given) + PREAMBLE,
    }


def check() -> None:
    """Raises `NoLatex` when something that the PDF needs is not installed, naming all of it."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if "kpsewhich" not in missing:
        missing += [name for name in STYLES if not _found(name)]
    if missing:
        raise NoLatex(
            f"A PDF needs LaTeX, of which {', '.join(missing)} is missing here: on Debian and "
            f"Ubuntu, apt-get install {PACKAGES}; the pages need none of it."
        )


def _found(file: str) -> bool:
    asked = subprocess.run(["kpsewhich", file], capture_output=True, text=True)
    return bool(asked.stdout.strip())


def make(root: Path, target: Path) -> Path:
    """Typeset the staged book in `target` into `target/html`, beside its pages.

    Raises `BuildFailed` when Sphinx warns or LaTeX stops.
    """
    source = render(root, target, "latex")
    command = ["latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-quiet"]
    done = subprocess.run([*command, source.name], cwd=source.parent, capture_output=True)
    made, log = source.with_suffix(".pdf"), source.with_suffix(".log")
    if done.returncode or not made.is_file():
        raise BuildFailed(f"LaTeX stopped: {fault(log)} (see {log}).")
    return Path(shutil.copy(made, target / "html" / FILE))


def fault(log: Path) -> str:
    """The first error in a log of LaTeX."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    found = re.search(r"(?m)^(?:!|\S+:\d+:) ?(.*)$", text)
    return found[1].strip() if found else "it wrote no reason"
