"""Long formulas break after relations and sums, outside of brackets, and keep their full stops."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from docutils import nodes

from plateaus.book import formulas

MAXIMUM = r"u_a(x, z) \le \max\bigl(u_a(x, y), u_a(y, z)\bigr)"
SUM = r"g_1(y, z) = \relu(1 - \abs{y - 3} - \abs{z}) + 2 \relu(1 - y)"
SPACED = r"\norm{f(x) - f(a)} \;\ge\; \norm{f(y) - f(a)}"


def resolved(*parts: nodes.Node, builder: str = "html") -> nodes.paragraph:
    """A paragraph of these parts as the pages show it."""
    document = nodes.document(None, None)
    document += nodes.paragraph("", "", *parts)
    app = SimpleNamespace(builder=SimpleNamespace(format=builder))
    formulas.mend(app, document, "page")
    return document[0]


def held(paragraph: nodes.paragraph) -> list[str]:
    """What cannot be torn apart in a paragraph, beside its words."""
    inlines = paragraph.findall(nodes.inline)
    return [one.astext() for one in inlines if formulas.TOGETHER in one["classes"]]


@pytest.mark.parametrize(
    ("tex", "parts"),
    [
        (MAXIMUM, [r"u_a(x, z) \le {}", r"\max\bigl(u_a(x, y), u_a(y, z)\bigr)"]),
        (SUM, [r"g_1(y, z) = {}", r"\relu(1 - \abs{y - 3} - \abs{z}) + {}", r"2 \relu(1 - y)"]),
        (SPACED, [r"\norm{f(x) - f(a)} \;\ge\; {}", r"\norm{f(y) - f(a)}"]),
        (r"r = \tfrac12", [r"r = \tfrac12"]),
        (r"\{(x, y, z, u, v) : x < y < z < u < v\}", [r"\{(x, y, z, u, v) : x < y < z < u < v\}"]),
        (r"x = abcdefghijklmnopqrstuvwxyz", [r"x = abcdefghijklmnopqrstuvwxyz"]),
    ],
)
def test_formula_is_broken_where_tex_breaks(tex: str, parts: list[str]) -> None:
    assert formulas.parts(tex) == parts


def test_nothing_is_lost_and_the_words_around_stay() -> None:
    paragraph = resolved(nodes.Text("As ("), nodes.math("", MAXIMUM), nodes.Text("), so it is."))
    assert paragraph.astext().replace("{}", "") == f"As ({MAXIMUM}), so it is."
    assert held(paragraph) == [r"(u_a(x, z) \le {}", r"\max\bigl(u_a(x, y), u_a(y, z)\bigr)),"]


def test_signs_of_a_phrase_stay_with_a_short_formula() -> None:
    paragraph = resolved(nodes.Text("For ("), nodes.math("", "r"), nodes.Text("), then "))
    assert paragraph.astext() == "For (r), then " and held(paragraph) == ["(r),"]
    assert held(resolved(nodes.math("", "r"), nodes.Text(" and "), nodes.math("", "s"))) == []
    assert held(resolved(nodes.math("", r"\delta"), nodes.Text("’s are"))) == [r"\delta’s"]


def test_an_interval_is_one_word() -> None:
    paragraph = resolved(nodes.Text("0.16 [0.14, 0.17], [-1, 2%]; see [1, and 2]"))
    assert paragraph.astext() == "0.16 [0.14,\u00a00.17], [-1,\u00a02%]; see [1, and 2]"
    code = nodes.literal("", "[0.14, 0.17]")
    assert resolved(code).astext() == "[0.14, 0.17]"
    assert resolved(nodes.math("", "[0.14, 0.17]")).astext() == "[0.14, 0.17]"


def test_latex_breaks_by_itself() -> None:
    """The control: the same paragraph untouched, so that each check above could have failed."""
    paragraph = resolved(nodes.math("", MAXIMUM), nodes.Text(", so"), builder="latex")
    assert held(paragraph) == [] and len(list(paragraph.findall(nodes.math))) == 1
