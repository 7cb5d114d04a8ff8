"""The reference is made from docstrings, and names in the text lead to it: ``pl.Plateau`` or
``Ends.of_prompts`` becomes a link, in code cells too; a Sphinx extension.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

import plateaus

NAME = re.compile(r"(?P<front>pl\.)?(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?")
IN_CODE = re.compile(
    r'<span class="n">pl</span>(?:<span class="o">\.</span><span class="n">\w+</span>)+'
)
"""A dotted name as Pygments marks it up."""
SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)
FACTORY = "<factory>"
"""What a dataclass shows as the default of a field that is made anew for each object."""
UNLISTED = ("plateaus.figures",)
"""What the reference leaves out: nothing outside the chapters draws with it."""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", link)
    app.connect("html-page-context", link_code)
    app.connect("autodoc-process-docstring", plain, priority=400)  # before Napoleon
    app.connect("autodoc-process-signature", short)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def plain(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    """A docstring as `help` shows it: ``|x|`` is a norm and not the substitution that Sphinx would
    look for, and what precedes a colon in the line of an attribute is no type.
    """
    for place, line in enumerate(lines):
        parts = line.split("``")
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[place] = "``".join(parts)
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]  # an empty comment, which Napoleon reads in its place


def short(
    app: Sphinx,
    what: str,
    name: str,
    of: Any,
    options: Any,
    written: str | None,
    returns: str | None,
) -> tuple[str | None, str | None] | None:
    """Types and defaults as they are written; Sphinx gives up on functions and on what a dataclass
    makes anew, and prints whole paths in one paragraph.
    """
    if written is None or not any(odd in written for odd in ("Callable[[", FACTORY)):
        return None
    if "Callable[[" in written:
        written = re.sub(r"~?(?:\w+\.)+(?=[A-Z])", "", written)
    return written.replace(FACTORY, "..."), returns


def link(app: Sphinx, doctree: nodes.document) -> None:
    """Put a reference around each literal that names something the package offers."""
    for literal in list(doctree.findall(nodes.literal)):
        target = full_name(literal.astext())
        if target is None or isinstance(literal.parent, nodes.reference | pending_xref):
            continue
        link = pending_xref(
            "",
            refdomain="py",
            reftype="obj",
            reftarget=target,
            refexplicit=True,
            refdoc=app.env.docname,
        )
        literal.replace_self(link)
        link += literal


def link_code(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """The same for the highlighted code of a page."""
    listed = app.env.domaindata["py"]["objects"]

    def linked(match: re.Match[str]) -> str:
        written = match.group()
        target = full_name(re.sub(r"<[^>]*>", "", written))
        if target not in listed:
            return written
        place = listed[target]
        page_of = app.builder.get_relative_uri(page, place.docname)
        return f'<a href="{page_of}#{place.node_id}">{written}</a>'

    if "body" in context:
        body = IN_CODE.sub(linked, context["body"])
        context["body"] = SIGNATURE.sub(lambda match: _lines(match.group()), body)


def _lines(signature: str) -> str:
    """Parameters one a line: Sphinx makes them a list of definitions without terms, which screen
    readers stumble over.
    """
    for tag, kind in (("dl", "parameters"), ("dd", "parameter")):
        signature = signature.replace(f"<{tag}>", f'<span class="{kind}">')
        signature = signature.replace(f"</{tag}>", "</span>")
    return signature


def full_name(words: str) -> str | None:
    """Where the reference lists what a reader would write, or None: with "pl." in front of it, or
    a class by its own name.
    """
    match = NAME.fullmatch(words)
    if match is None:
        return None
    first, *rest = match["path"].split(".")
    if first not in plateaus.__all__ or not (match["front"] or first[0].isupper()):
        return None
    here = getattr(plateaus, first)
    name = here.__name__ if isinstance(here, ModuleType) else f"{here.__module__}.{first}"
    for part in rest:
        if not hasattr(here, part):
            return None
        here, name = getattr(here, part), f"{name}.{part}"
    return None if name.startswith(UNLISTED) or name == "plateaus" else name
