"""The pages are whole without a network, and say what they are; also a Sphinx extension.

MathJax comes from the package `sphinx-mathjax-offline`, of its 23 MB only one script and its
fonts. Scripts that would ask another site are left out.
"""

from __future__ import annotations

import html
import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from plateaus.errors import BuildFailed

PACKAGE = "sphinx-mathjax-offline"
SCRIPT = "tex-chtml.js"
FONTS = "output/chtml/fonts/woff-v2"
ICONS = re.compile(r"<script[^>]*/scripts/fontawesome\.js[^>]*>(?:</script>)?")
ROLES = re.compile(r' role="list"(?= class="citation-list")| role="doc-biblioentry"')
DESCRIPTION = 40, 200
"""Fewest and most characters of a page's description."""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", own_ids)
    app.connect("html-page-context", head, priority=900)  # when all others have spoken
    app.connect("config-inited", no_live_kernels)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mathematics(pages: Path) -> None:
    """Copy MathJax to where the built `pages` look for it: `mathjax_path` in `_config.yml`.

    Raises `BuildFailed` when the package that it comes from is not installed.
    """
    try:
        source = Path(str(distribution(PACKAGE).locate_file(f"{PACKAGE}/static/mathjax")))
    except PackageNotFoundError as missing:
        raise BuildFailed(
            f"The pages take their formulas from the package {PACKAGE}, which is not installed: "
            "run `make book`, or pip install -c constraints.txt -e '.[book]'."
        ) from missing
    target = pages / "_static" / "mathjax"
    shutil.copytree(source / FONTS, target / FONTS, dirs_exist_ok=True)
    shutil.copy(source / SCRIPT, target)


def lighten(pages: Path) -> None:
    """Leave out the script that draws icons anew, a third of what a first visit loads: their fonts
    are there. The theme writes it into every page, past all settings.
    """
    for page in pages.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(ICONS.sub("", text), encoding="utf-8")
    for script in (pages / "_static" / "scripts").glob("fontawesome.js*"):
        script.unlink()


def no_live_kernels(app: Sphinx, config: Config) -> None:
    """Disconnect the extension that runs cells on another site; no setting leaves it out."""
    for listeners in app.events.listeners.values():
        listeners[:] = [one for one in listeners if one.handler.__module__ != "sphinx_thebe"]


def head(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """A description for search engines and previews; no style of what is disconnected."""
    styles = context["css_files"]
    context["css_files"] = [style for style in styles if "sphinx-thebe" not in str(style.filename)]
    if "body" in context:  # roles that screen readers take for those of a list and its items
        context["body"] = ROLES.sub("", context["body"])
    words = description(doctree) if doctree is not None else ""
    if words:
        tag = f'<meta name="description" content="{html.escape(words)}">\n'
        context["metatags"] = context.get("metatags", "") + tag


def description(doctree: nodes.document) -> str:
    """The page's first paragraph of words alone, cut after a word."""
    least, most = DESCRIPTION
    for paragraph in doctree.findall(nodes.paragraph):
        words = " ".join(paragraph.astext().split())
        if len(words) >= least and paragraph.next_node(nodes.math) is None:
            return words if len(words) <= most else words[:most].rsplit(" ", 1)[0] + " …"
    return ""


def own_ids(app: Sphinx, doctree: nodes.document) -> None:
    """Proofs without a label all have the id "proof": number them, as an id names one element."""
    known: set[str] = set()
    for node in doctree.findall(nodes.Element):
        for place, name in enumerate(node.get("ids", ())):
            own, count = name, 1
            while own in known:
                count += 1
                own = f"{name}-{count}"
            node["ids"][place] = own
            known.add(own)
