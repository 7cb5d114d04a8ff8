"""Built pages ask no other site for anything, describe themselves, and name each element once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from plateaus.book import build, site
from plateaus.errors import BuildFailed

WORDS = "A plateau is a region on which the output of a network hardly moves at all."
PROOFS = "```{prf:proof}\nAs $x = 1$.\n```\n\n" * 2
PAGE = f"# A page\n\nWith $x$ in it, this does not describe the page.\n\n{WORDS}\n\n{PROOFS}"


def built(staged: Callable, folder: Path, root: Path, *, extensions: list[str]) -> str:
    def change(settings: dict) -> None:
        known = settings["sphinx"]["extra_extensions"]
        assert site.__name__ in known
        apart = {site.__name__, "plateaus.book.lookup"}
        known[:] = [*(one for one in known if one not in apart), *extensions]

    staged(folder, "format: jb-book\nroot: page\n", change=change, page=PAGE)
    build.render(root, folder)
    return (folder / "html" / "page.html").read_text(encoding="utf-8")


def faults(html: str) -> set[str]:
    """What a reader without a network, a search engine or a screen reader would miss."""
    loaded = re.findall(r'<(?:script|link|img)\b[^>]*?(?:src|href)="(https?:[^"]*)"', html)
    found = {"another site" for address in loaded if "rel" not in address}
    found |= {"live kernels"} if "thebe" in html.lower() else set()
    ids = Counter(re.findall(r'\bid="([^"]*)"', html))
    found |= {"an id twice"} if max(ids.values()) > 1 else set()
    tags = re.findall(r'<meta name="description" content="([^"]*)"', html)
    found |= {"description"} if tags != [WORDS] else set()
    return found


def test_page_needs_no_other_site(root: Path, tmp_path: Path, staged: Callable) -> None:
    html = built(staged, tmp_path, root, extensions=[site.__name__])
    assert faults(html) == set()
    assert 'rel="icon" href="_static/favicon.svg"' in html
    assert 'src="_static/mathjax/tex-chtml.js"' in html


def test_without_the_extension_the_same_page_has_every_fault(
    root: Path, tmp_path: Path, staged: Callable
) -> None:
    html = built(staged, tmp_path, root, extensions=[])
    html = html.replace("_static/mathjax/", "https://cdn.example.org/mathjax/")
    assert faults(html) == {"another site", "live kernels", "an id twice", "description"}


def test_mathematics_is_shipped_trimmed_and_with_its_licence(root: Path, tmp_path: Path) -> None:
    try:
        distribution(site.PACKAGE)
    except PackageNotFoundError:
        pytest.skip(f"{site.PACKAGE} is not installed here; `make` installs it")
    site.mathematics(tmp_path)
    shipped = tmp_path / "_static" / "mathjax"
    assert (shipped / "tex-chtml.js").stat().st_size > 1_000_000
    fonts = [p.name for p in (shipped / site.FONTS).iterdir()]
    assert {"MathJax_Main-Regular.woff", "MathJax_AMS-Regular.woff"} <= set(fonts)
    assert sum(p.stat().st_size for p in shipped.rglob("*") if p.is_file()) < 2_000_000
    licence = root / "book" / "_static" / "mathjax" / "LICENSE"
    assert "Apache License" in licence.read_text(encoding="utf-8")


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "PACKAGE", "no-such-package")
    with pytest.raises(BuildFailed, match="no-such-package, which is not installed: run `make"):
        site.mathematics(tmp_path)


def test_a_bibliography_is_no_list_of_other_things() -> None:
    body = '<div role="list" class="citation-list"><div class="citation" role="doc-biblioentry">'
    page = {"css_files": [], "body": body + '<ul role="list">'}
    site.head(None, "", "", page, None)
    assert page["body"] == '<div class="citation-list"><div class="citation"><ul role="list">'


def test_icons_come_from_their_fonts_alone(tmp_path: Path) -> None:
    scripts = tmp_path / "_static" / "scripts"
    scripts.mkdir(parents=True)
    (scripts / "fontawesome.js").touch()
    (scripts / "fontawesome.js.LICENSE.txt").touch()
    (scripts / "theme.js").touch()
    page = tmp_path / "page.html"
    kept = '<script src="_static/scripts/theme.js?digest=1"></script>'
    page.write_text(f'<script defer src="_static/scripts/fontawesome.js?digest=1"></script>{kept}')
    site.lighten(tmp_path)
    assert page.read_text() == kept
    assert [one.name for one in scripts.iterdir()] == ["theme.js"]
