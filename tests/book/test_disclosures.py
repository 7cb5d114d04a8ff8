"""What stands beside the verdicts: changed rules with reasons, pilots, retrainings, withdrawals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from plateaus.book import disclosures, verdicts
from plateaus.book.claims import load_claims
from plateaus.errors import BadClaim

BOOK = Path(__file__).resolve().parents[2] / "book"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The book's rules as they were first written, with nothing withdrawn."""
    shutil.copy(BOOK / disclosures.FIRST, tmp_path)
    shutil.copy(BOOK / disclosures.FIRST, tmp_path / "claims.yaml")
    (tmp_path / disclosures.WITHDRAWN).write_text("[]")
    (tmp_path / verdicts.FIRST).write_text("[]")
    return tmp_path


def change(book: Path, old: str, new: str) -> None:
    text = (book / "claims.yaml").read_text(encoding="utf-8")
    assert old in text
    (book / "claims.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    load_claims.cache_clear()


def test_every_changed_rule_of_this_book_has_a_reason() -> None:
    rules, first = load_claims(BOOK / "claims.yaml"), load_claims(BOOK / disclosures.FIRST)
    assert disclosures.unexplained(rules, first) == []
    assert disclosures.disclosures(BOOK).count("### ") == 5


def test_nothing_to_disclose_is_said(book: Path) -> None:
    assert disclosures.disclosures(book).count("None.") == 5


def test_the_introduction_says_how_many_rules_changed(book: Path) -> None:
    total = disclosures.counted(book).split()[1]
    assert disclosures.counted(book).startswith(f"Of {total} criteria, 0 were changed")
    change(book, "holds if: above 2", "holds if: above 1.5")
    assert disclosures.counted(book).startswith(f"Of {total} criteria, 1 were changed")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("holds if: above 2", "holds if: above 1.5"),
        ("at least: 100 pairs", "at least: 50 pairs"),
        ("measures: Median slope over", "measures: Mean slope over"),
        ("{step 0: below 1.25}", "{untrained: below 1.25}"),
        ("    dissimilar_slope:", "    steep:"),
        ("  source: janiak2024", "  changed: {dissimilar_slope: no}\n  source: janiak2024"),
        ("  source: janiak2024", "  changed: {nothing: no}\n  source: janiak2024"),
    ],
    ids=["bound", "number", "statistic", "control", "renamed", "not changed", "no criterion"],
)
def test_silent_change_is_refused(old: str, new: str, book: Path) -> None:
    change(book, old, new)
    with pytest.raises(BadClaim):
        disclosures.disclosures(book)


def test_change_with_a_reason_shows_both_rules(book: Path) -> None:
    change(book, "holds if: above 2", "holds if: above 1.5")
    reason = "  changed: {dissimilar_slope: The bound was a guess.}\n  source: janiak2024"
    change(book, "  source: janiak2024", reason)
    page = disclosures.disclosures(book)
    assert "[J1](#claim-j1) dissimilar slope. Was: Median slope" in page
    assert "Holds if above 2 over" in page and "Holds if above 1.5 over" in page
    assert "Because: The bound was a guess." in page


def test_rest_is_listed(book: Path) -> None:
    extra = (
        "  pilot: Slopes of ten pairs.\n  retrained: {prose-12l: A larger corpus.}\n"
        "  source: janiak2024"
    )
    change(book, "  source: janiak2024", extra)
    (book / disclosures.WITHDRAWN).write_text(
        "- {chapter: 4-dynamics/trajectories, sentence: It expands least., because: It does not.}"
    )
    assert "- 4-dynamics/trajectories: “It" in disclosures.disclosures(book), "no such page here"
    chapter = book.parent / "chapters" / "4-dynamics" / "trajectories.ipynb"
    chapter.parent.mkdir(parents=True)
    chapter.touch()
    page = disclosures.disclosures(book)
    for line in (
        "- [J1](#claim-j1): Slopes of ten pairs.",
        "- [J1](#claim-j1), `prose-12l`: A larger corpus.",
        "- {doc}`/chapters/4-dynamics/trajectories`: “It expands least.” It does not.",
    ):
        assert line in page


ROW = {
    "id": "J4", "metric": "slope_gain", "model": "m", "verdict": "holds", "value": 1.0,
    "ci_low": 0.8, "ci_high": 1.2, "n": 200, "control": {},
}  # fmt: skip


def seen(book: Path, *rows: dict) -> list[str]:
    """What the page says of verdicts when these are the committed rows."""
    (book / "claims").mkdir(exist_ok=True)
    (book / "claims" / "chapter.json").write_text(json.dumps(rows))
    return verdicts.turned(book, load_claims(book / "claims.yaml"))


def test_a_verdict_that_changed_is_listed_with_its_reason(book: Path) -> None:
    (book / verdicts.FIRST).write_text(json.dumps([ROW | {"because": "other prompts."}]))
    assert seen(book, ROW | {"value": 1.1}) == []  # a number may change, a verdict may not
    assert seen(book, ROW | {"verdict": "mixed", "value": 1.1}) == [
        "[J4](#claim-j4) slope gain, `m`: *holds* (1.00 [0.80, 1.20]) "
        "became *mixed* (1.10 [0.80, 1.20]). Other prompts."
    ]
    assert "*holds* (1.00 [0.80, 1.20]) is measured no more. Other prompts." in seen(book)[0]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (ROW | {"verdict": "mixed"}, "J4 slope_gain on m is not its first one: say why"),
        (ROW | {"model": "new"}, "J4 slope_gain new is not in verdicts-first.json: add it with"),
    ],
    ids=["turned in silence", "never kept"],
)
def test_a_verdict_that_changed_in_silence_is_refused(row: dict, sentence: str, book: Path) -> None:
    (book / verdicts.FIRST).write_text(json.dumps([ROW]))
    with pytest.raises(BadClaim, match=sentence):
        seen(book, row)


def test_new_verdicts_are_kept_once_and_old_ones_stay(book: Path) -> None:
    (book / verdicts.FIRST).write_text(json.dumps([ROW | {"because": "other prompts."}]))
    new = ROW | {"model": "new"}
    seen_rows = [ROW | {"verdict": "mixed"}, new]
    (book / "claims").mkdir()
    (book / "claims" / "chapter.json").write_text(json.dumps(seen_rows))
    assert (verdicts.add(book), verdicts.add(book)) == (1, 0)
    first = verdicts.read(book)
    assert [row["verdict"] for row in first] == ["holds", "holds"]
    assert first[0]["because"] and "control" not in first[1]
    assert len(verdicts.turned(book, load_claims(book / "claims.yaml"))) == 1
