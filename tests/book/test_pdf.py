"""The PDF: macros as on the pages, one sentence where LaTeX is missing, the pages' numbers."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from plateaus.book import build, pdf
from plateaus.errors import BuildFailed, NoLatex

PAGE = r"""# Page

Let $x \in \R$ and $\norm{x} < 1$.

```{prf:theorem} A name
:label: thm-one
As $\abs{x} \le 1$.
```

```{prf:proof}
Clear.
```

## Later

```{prf:theorem}
:label: thm-two
See {prf:ref}`thm-one` and [what is folded](#folded).
```

:::{dropdown} More
:name: folded
Words.
:::
"""
TOC = (
    "format: jb-book\nroot: index\nparts:\n- caption: First\n  numbered: true\n  chapters:\n"
    "  - file: page\n- caption: Second\n  chapters:\n  - file: last\n"
)


def test_macros_of_the_pages_are_those_of_latex() -> None:
    given = {"R": r"\mathbb{R}", "norm": [r"\lVert #1 \rVert", 1]}
    text = pdf.macros(given)
    assert r"\renewcommand{\R}{\mathbb{R}}" in text
    assert r"\renewcommand{\norm}[1]{\lVert #1 \rVert}" in text


def test_without_latex_one_sentence_names_what_is_missing(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        NoLatex, match=r"xelatex, latexmk.* missing here: .*apt-get install latexmk"
    ):
        build.build(root, as_pdf=True)


def test_the_first_fault_of_a_log_is_told(tmp_path: Path) -> None:
    log = tmp_path / "book.log"
    log.write_text("(article.cls)\n! Undefined control sequence.\nl.3 \\nosuch\n! Later.\n")
    assert pdf.fault(log) == "Undefined control sequence."
    assert pdf.fault(tmp_path / "none.log") == "it wrote no reason"


OTHERS = {"index": "# Index\n", "last": "# Last\n"}


def numbers(text: str) -> list[str]:
    return re.findall(r"(?:Theorem) \d+(?:\.\d+)*", text)


def test_theorems_have_the_numbers_of_the_pages(
    root: Path, tmp_path: Path, staged: Callable
) -> None:
    """LaTeX need not be there for this: Sphinx writes the numbers."""
    staged(tmp_path, TOC, change=pdf.configure, page=PAGE, **OTHERS)
    build.render(root, tmp_path)
    source = build.render(root, tmp_path, "latex").read_text(encoding="utf-8")
    page = re.sub("<[^>]*>", "", (tmp_path / "html" / "page.html").read_text(encoding="utf-8"))
    assert set(numbers(source)) == set(numbers(page)) == {"Theorem 1.1", "Theorem 1.2"}
    assert r"\label{\detokenize{page:folded}}" in source
    assert "numfigreset=1" in source  # figures begin to count again with each chapter, not part


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="LaTeX is not installed: no PDF made")
def test_a_pdf_is_made_and_a_fault_in_latex_is_told(
    root: Path, tmp_path: Path, staged: Callable
) -> None:
    pdf.check()
    folder, broken = tmp_path / "good", tmp_path / "broken"
    staged(folder, TOC, change=pdf.configure, page=PAGE, **OTHERS)
    build.render(root, folder)
    made = pdf.make(root, folder)
    assert made == folder / "html" / pdf.FILE and made.read_bytes().startswith(b"%PDF")
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", str(made), "-"], capture_output=True, text=True).stdout
        assert "Theorem 1.2" in text
    wrong = PAGE + "\nAnd $\\nosuch$.\n"
    staged(broken, TOC, change=pdf.configure, page=wrong, **OTHERS)
    with pytest.raises(BuildFailed, match="Undefined control sequence"):
        pdf.make(root, broken)
