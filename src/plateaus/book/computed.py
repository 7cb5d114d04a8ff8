"""Numbers in prose are computed: each stands in an output of its chapter, in its code or in a rule.

They may be rounded further than where they were computed; the two ends of an interval, [0.3, 0.4],
are those of one that is shown. What no cell can compute says so in a comment, which no page shows:

<!-- numbers: 0.62, 0.61; of pairs that are no longer drawn -->
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from nbformat import NotebookNode

from plateaus.book.cells import code_cells, tags, text_of
from plateaus.book.claims import load_claims
from plateaus.book.places import repository

NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
DECIMAL = r"(?<![\w.])\d+\.\d+(?![\w.]*\w)"
INTERVAL = rf"\[\s*({NUMBER}), ({NUMBER})\s*\]"
APART = r"(?s)<!--.*?-->|```.*?```|\$\$.*?\$\$|\$[^$]*\$|(?:\{[\w:-]+\})?`[^`]*`"
"""Comments, code, formulas and references are not prose."""
NAMED = r"(?i)\b(?:definition|proposition|corollary|remark|section|appendix|figure)s? (?:3|4)\.\d"
"""Numbers of what the proposal numbers."""
GIVEN = r"(?s)<!-- numbers: ([^;]*); .+? -->"
LOOKS = "<!-- numbers: 0.62, 0.61; the reason why no cell computes them -->"


def numbers_are_computed(notebook: NotebookNode, name: str) -> Iterator[str]:
    """Intervals and decimal numbers of the prose."""
    cells = [c for c in code_cells(notebook) if "provenance" not in tags(c)]
    outputs = " ".join(_plain(text_of(c)) for c in cells)
    code = " ".join(c.source for c in cells)
    intervals = re.findall(INTERVAL, outputs)
    shown = [*re.findall(NUMBER, f"{outputs} {code}"), *_of_rules(name)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield from _faults(cell.source, shown, intervals)


def _faults(source: str, shown: list[str], intervals: list[tuple[str, str]]) -> Iterator[str]:
    given = {n for some in re.findall(GIVEN, source) for n in re.findall(NUMBER, _plain(some))}
    prose = _plain(re.sub(NAMED, "", re.sub(APART, " ", source)))
    for found in re.finditer(INTERVAL, prose):
        known = any(_same(ends, found.groups()) for ends in intervals)
        if not known and not set(found.groups()) <= given:
            yield f"an interval in prose is one that a cell shows, or {LOOKS}: {found[0]}"
    for number in dict.fromkeys(re.findall(DECIMAL, re.sub(INTERVAL, " ", prose))):
        if number not in given and not _rounded(number, shown):
            yield f"a number in prose is one that a cell shows, or {LOOKS}: {number}"


def _plain(text: str) -> str:
    return text.replace("−", "-")


def _same(shown: Sequence[str], said: Sequence[str]) -> bool:
    """Whether two intervals are one; words may turn its sign ("worse by")."""
    turned = [_negative(end) for end in reversed(shown)]
    return any(all(map(_rounds, ends, said)) for ends in (shown, turned))


def _negative(number: str) -> str:
    return number[1:] if number[0] == "-" else "-" + number.lstrip("+")


def _rounded(number: str, shown: Iterable[str]) -> bool:
    """Whether one of ``shown`` is this number, whatever its sign, or rounds to it."""
    return any(_rounds(s.lstrip("+-"), number) for s in shown)


def _rounds(shown: str, number: str) -> bool:
    """Whether ``shown`` has as many digits or more, and rounds to ``number``."""
    digits, known = (len(n.partition(".")[2]) for n in (number, shown))
    apart = abs(float(shown) - float(number))
    return apart == 0 or (known > digits and apart <= 0.5 * 10.0**-digits * (1 + 1e-9))


def _of_rules(name: str) -> Iterator[str]:
    """The bounds of the rules that the chapter is held to, and what they measure."""
    for claim in load_claims(repository() / "book" / "claims.yaml").by_id.values():
        if claim.chapter == name:
            for rule in claim.criteria.values():
                yield from re.findall(NUMBER, f"{rule.measures} {rule.asked}")
