"""What stands beside the verdicts: changed rules with reasons, pilots, retrainings, withdrawals."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plateaus.book import disclosures
from plateaus.book.claims import load_claims
from plateaus.errors import BadClaim

BOOK = Path(__file__).resolve().parents[2] / "book"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The book's rules as they were first written, with nothing withdrawn."""
    shutil.copy(BOOK / disclosures.FIRST, tmp_path)
    shutil.copy(BOOK / disclosures.FIRST, tmp_path / "claims.yaml")
    (tmp_path / disclosures.WITHDRAWN).write_text("[]")
    return tmp_path


def change(book: Path, old: str, new: str) -> None:
    text = (book / "claims.yaml").read_text(encoding="utf-8")
    assert old in text
    (book / "claims.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    load_claims.cache_clear()


def test_every_changed_rule_of_this_book_has_a_reason() -> None:
    rules, first = load_claims(BOOK / "claims.yaml"), load_claims(BOOK / disclosures.FIRST)
    assert disclosures.unexplained(rules, first) == []
    assert disclosures.disclosures(BOOK).count("### ") == 4


def test_nothing_to_disclose_is_said(book: Path) -> None:
    assert disclosures.disclosures(book).count("None.") == 4


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
