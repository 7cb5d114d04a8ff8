"""Formulas in a line of text break where TeX would break them, and keep their full stops; a Sphinx
extension.

A browser takes a formula for one block: it moves a long one to a line of its own, cuts it where
the line ends, and puts the comma behind it on the next. TeX breaks after relations and, in what is
left too long, after plus and minus, outside of all brackets. So a long formula becomes several, and
what closes a phrase stays with the last of them. An interval of numbers in the text is one word.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

LONG = 20
"""Signs of a formula that is broken; what is shorter moves to the next line as a whole."""
LEAST = 5
"""Signs of a part: a shorter one at the end of a line looks lost."""
TOGETHER = "together"
"""The class of a formula and the signs that stay with it."""
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
SPACE = re.compile(r"(?:\\[,;:! ]|\\quad|\s)+")
RELATIONS = frozenset(
    r"""= < > \le \ge \leq \geq \ne \neq \in \notin \ni \subset \subseteq \supseteq \to \mapsto
    \approx \sim \equiv \ll \gg""".split()
)
SUMS = frozenset("+-")
OPENS = frozenset(["{", "(", "[", r"\{", r"\langle", r"\left"])
CLOSES = frozenset(["}", ")", "]", r"\}", r"\rangle", r"\right"])
WORD = re.compile(r"\\(?:operatorname|mathrm|text)\{([^}]*)\}|\\(max|min|log|sup|inf|dist|relu)\b")
CLOSING = re.compile(r"^[.,;:!?)\]”’]+(?:s\b)?")
INTERVAL = re.compile(r"(?<=\[)([-−]?[\d.,]+%?,) ([-−]?[\d.,]+%?)(?=\])")
TYPED = (nodes.literal, nodes.math, nodes.FixedTextElement)
"""What is shown as it was typed."""
OPENING = re.compile(r"[(\[“‘]+$")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mend(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Break and join the formulas of a page; LaTeX does it by itself."""
    if app.builder.format != "html":
        return
    for text in list(doctree.findall(nodes.Text)):
        if INTERVAL.search(text) and not isinstance(text.parent, TYPED):
            text.parent.replace(text, nodes.Text(INTERVAL.sub("\\1\u00a0\\2", text)))
    for formula in list(doctree.findall(nodes.math)):
        if isinstance(formula.parent, nodes.TextElement):
            first, last = broken(formula)
            hold(last, CLOSING)
            hold(first, OPENING)


def broken(formula: nodes.math) -> tuple[nodes.math, nodes.math]:
    """Put the parts of a formula in its place; returns the first and the last of them."""
    found = [nodes.math("", part) for part in parts(formula.astext())]
    formula.replace_self(found)
    return found[0], found[-1]


def hold(formula: nodes.math, signs: re.Pattern[str]) -> None:
    """Keep the `signs` of the text beside a formula with it, whichever side they are on."""
    inner = formula.parent if TOGETHER in formula.parent.get("classes", ()) else formula
    parent, place = inner.parent, inner.parent.index(inner)
    beside = place + 1 if signs is CLOSING else place - 1
    if not 0 <= beside < len(parent) or not isinstance(parent[beside], nodes.Text):
        return
    text = str(parent[beside])
    if (found := signs.search(text)) is None:
        return
    parent[beside] = nodes.Text(text[: found.start()] + text[found.end() :])
    if inner is formula:
        inner = nodes.inline("", "", classes=[TOGETHER])
        parent[place] = inner
        inner += formula
    inner.insert(len(inner) if signs is CLOSING else 0, nodes.Text(found[0]))


def parts(tex: str) -> list[str]:
    """What may stand on lines of their own; joined they are the formula.

    A relation or sign ends its part. The empty group behind it is there because TeX gives a space
    to a sign between two things only.
    """
    if signs(tex) <= LONG or r"\begin" in tex:
        return [tex]
    cut = []
    for part in split(tex, RELATIONS):
        cut += split(part, SUMS) if signs(part) > LONG else [part]
    return [*(f"{part}{{}}" for part in cut[:-1]), cut[-1]]


def split(tex: str, after: frozenset[str]) -> list[str]:
    """Cut behind each of the signs `after` that stands outside of brackets."""
    found, start, depth, place = [], 0, 0, 0
    while place < len(tex):
        token = TOKEN.match(tex, place)[0]
        place += len(token)
        depth += (token in OPENS) - (token in CLOSES)
        if depth == 0 and token in after:
            if space := SPACE.match(tex, place):
                place = space.end()
            if signs(tex[start:place]) >= LEAST and signs(tex[place:]) >= LEAST:
                found.append(tex[start:place])
                start = place
    return [*found, tex[start:]]


def signs(tex: str) -> int:
    """How many signs a formula shows, about: a command is one, a name as many as it has letters."""
    plain = WORD.sub(lambda name: name[1] or name[2], tex)
    return len(re.sub(r"\\[,;:! ]|\\(?:left|right|[bB]igg?[lr]?)\b|[{}_^\s]", "", _commands(plain)))


def _commands(tex: str) -> str:
    return re.sub(r"\\(?!left|right|[bB]igg?[lr]?\b)(?:[A-Za-z]+|[{}|])", "x", tex)
