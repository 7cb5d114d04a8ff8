"""What the book's LaTeX needs to say the same as its pages; a Sphinx extension.

With parts as the top level, LaTeX counts one level deeper than the pages do, and the numbers of
theorems, which Sphinx writes, would follow it.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_proof.nodes import proof_node

PAGES_DEPTH, LATEX_DEPTH = 1, 2
"""Of section numbers before the number of a figure or theorem: that of the chapter, both times."""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", count_as_the_pages, priority=900)  # after jupyter-book's own
    app.connect("doctree-resolved", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def count_as_the_pages(app: Sphinx) -> None:
    """While Sphinx numbers theorems."""
    app.config["numfig_secnum_depth"] = PAGES_DEPTH


def mend(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Proofs without the box of a remark, and a place to link to in what the pages fold.

    The `doctree` of LaTeX is the whole book, and every theorem in it has its number.
    """
    if app.builder.format != "latex":
        return
    app.config["numfig_secnum_depth"] = LATEX_DEPTH  # where figures begin to count again
    for proof in list(doctree.findall(proof_node)):
        parts = [part for box in proof.children for part in box.children]
        proof.replace_self([*parts, nodes.raw("", r"\hfill$\square$", format="latex")])
    for title in list(doctree.findall(nodes.rubric)):
        for name in title["ids"]:
            label = f"\\phantomsection\\label{{\\detokenize{{{_page(title) or page}:{name}}}}}"
            title.parent.insert(title.parent.index(title), nodes.raw("", label, format="latex"))


def _page(node: nodes.Element | None) -> str:
    """The page that a part of the whole book comes from."""
    while node is not None and "docname" not in node:
        node = node.parent
    return node["docname"] if node is not None else ""
