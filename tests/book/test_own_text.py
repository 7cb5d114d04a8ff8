"""Claims on the models' own text: asked of every row, kept beside it, and shown there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from plateaus.book import own_text, scoreboard
from plateaus.book.claims import load_claims
from plateaus.data import sources

BOOK = Path(__file__).resolve().parents[2] / "book"
ROW = {
    "id": "J4", "model": "m", "metric": "slope_gain", "value": 1.0, "ci_low": 0.8, "ci_high": 1.2,
    "n": 200, "control": {"step 0": {"value": 1.07, "ci_low": 1.0, "ci_high": 1.1, "n": 200}},
    "rule": "above 0.25", "verdict": "holds", "reason": "so",
    "chapter": "2-language-models/interpolation",
}  # fmt: skip
OTHER = ROW | {"value": 0.3, "ci_low": 0.2, "ci_high": 0.4, "verdict": "old"}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of one row, which has not been asked on the model's own text."""
    for name, content in (
        ("claims/chapter", [ROW]),
        ("results/own-text", {"rows": [], "same": []}),
    ):
        (tmp_path / name).parent.mkdir()
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def test_every_row_of_a_language_model_has_been_asked_on_its_own_text() -> None:
    missing = own_text.lacking(BOOK)
    assert not missing, f"run `python -m plateaus.book.own_text CHAPTER` for {missing}"
    rules = load_claims(BOOK / "claims.yaml")
    models = {model for *_, model in own_text.beside(BOOK, rules)}
    assert {"prose-12l", "laboratory-12l"} <= models


def test_a_row_that_was_not_asked_is_named(book: Path) -> None:
    assert own_text.lacking(book) == ["J4 slope_gain m"]
    own_text.update(book, [OTHER])
    assert own_text.lacking(book) == []


def test_rows_are_kept_unless_no_prompt_changed_them(book: Path) -> None:
    rules = load_claims(BOOK / "claims.yaml")
    own_text.update(book, [ROW, OTHER | {"model": "gone"}])
    assert own_text.beside(book, rules) == {} and own_text.lacking(book) == []
    own_text.update(book, [OTHER])
    (row,) = own_text.beside(book, rules).values()
    assert (row["value"], row["verdict"]) == (0.3, "mixed")  # by the rules as they are
    own_text.update(book, [])
    assert len(own_text.beside(book, rules)) == 1


def test_the_card_shows_both_kinds_of_prompts_and_counts_one(book: Path) -> None:
    rules = load_claims(BOOK / "claims.yaml")
    own_text.update(book, [OTHER])
    other = own_text.beside(book, rules)
    alone, both = (scoreboard.scoreboard(rules, [ROW], set(), own) for own in (None, other))
    assert "on its own text: **0.300** [0.200, 0.400] over 200 pairs; step 0: 1.07" in both
    assert "own text" not in alone
    counted = "partly tested", "untested", "theorem"
    assert all(alone.count(f"claim-{c}") == both.count(f"claim-{c}") for c in counted)


def test_auto_means_samples_for_a_while_and_what_is_named_stays() -> None:
    with sources.auto_means(sources.SAMPLES):
        assert sources.resolved(None, sources.AUTO) == sources.SAMPLES
        assert sources.resolved(None, sources.BOOK) == sources.BOOK
    with pytest.raises(AttributeError):  # now the model is asked again
        sources.resolved(None, sources.AUTO)


def test_a_chapter_is_run_whatever_it_asserts_of_other_prompts(
    good: NotebookNode, written: Callable[[NotebookNode], Path]
) -> None:
    good.cells[2].source = good.cells[2].source.replace("9-tests/example", "1-definitions/plateaus")
    good.cells.insert(-1, new_code_cell("if steps:\n    assert steps == 51, 'of other prompts'"))
    (row,) = own_text.rows(written(good))
    assert (row["id"], row["metric"], row["value"]) == ("J4", "rank_by_step", 0.7)
    good.cells.insert(-1, new_code_cell("raise ValueError('no claim')"))
    with pytest.raises(ValueError, match="no claim"):
        own_text.rows(written(good))
