"""The bold sentences of "What it means" say what their rows on the scoreboard say.

Behind each stands a comment, which no page shows:

**Plateaus sharpen by block.** <!-- claims: S1 holds on laboratory-12l; S1.width_lost mixed -->

An item is a claim or one of its criteria, the verdict that the sentence asserts, and perhaps the
model; without a model it is about every model measured. A sentence that no rule settles says so:
<!-- claims: none, a definition -->.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from plateaus.book import committed
from plateaus.book.claims import (
    FAILS,
    HOLDS,
    MIXED,
    NOT_TESTABLE,
    PARTLY,
    THEOREM,
    UNTESTED,
    Claims,
    load_claims,
)
from plateaus.book.places import repository

HEADING = "## What it means"
SECTION = rf"(?ms)^{HEADING}\s*$(.*?)(?=^##? |\Z)"
BOLD = r"(?s)\*\*(?P<bold>.+?)\*\*[.:,;\s]*(?:<!-- claims: (?P<items>.*?) -->)?"
VERDICTS = "|".join((HOLDS, FAILS, MIXED, NOT_TESTABLE, PARTLY, THEOREM, UNTESTED))
ITEM = rf"(?P<id>[A-Z]\d+)(?:\.(?P<metric>\w+))? (?P<verdict>{VERDICTS})(?: on (?P<model>.+))?"
LOOKS = "<!-- claims: J4 holds on laboratory-12l; S1.width_lost mixed -->, or none with a reason"


def findings_have_a_section(notebook: NotebookNode, name: str) -> Iterator[str]:
    """Without it no bold sentence of the chapter would be compared with anything."""
    prose = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    if (found := len(re.findall(SECTION, prose))) != 1:
        yield f"what was found stands in one section, “{HEADING}”; there are {found}"


def sentences_agree_with_verdicts(notebook: NotebookNode, name: str) -> Iterator[str]:
    """Against the committed claims of all chapters and the rules as they are."""
    book = repository() / "book"
    rows, claims = committed.read(book), load_claims(book / "claims.yaml")
    prose = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    for section in re.findall(SECTION, prose):
        for found in re.finditer(BOLD, section):
            bold, items = " ".join(found["bold"].split()), found["items"]
            if items is None:
                yield f"a bold sentence of “What it means” names its claims, {LOOKS}: “{bold}”"
            elif not re.fullmatch(r"none, .+", items):
                for item in items.split("; "):
                    yield from (f"{fault}: “{bold}”" for fault in _faults(item, rows, claims))


def _faults(item: str, rows: committed.Rows, claims: Claims) -> Iterator[str]:
    said = re.fullmatch(ITEM, item)
    if not said:
        yield f"an item of a sentence's claims reads as in {LOOKS}; given: {item!r}"
        return
    id, metric, model = said["id"], said["metric"], said["model"]
    if id not in claims.by_id or (metric and metric not in claims.by_id[id].criteria):
        yield f"a sentence names claims that exist, not {id}{f'.{metric}' if metric else ''}"
        return
    own = [
        r for r in rows
        if r["id"] == id and metric in (None, r["metric"]) and model in (None, r["model"])
    ]  # fmt: skip
    found = {row["verdict"] for row in own} if metric else {claims.state(id, own)}
    if found != {said["verdict"]}:
        now = " and ".join(sorted(found)) or "no result"
        yield f"a sentence agrees with its verdict; “{item}” is {now}"
