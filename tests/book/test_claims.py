"""The rules are complete and readable, and verdicts follow from numbers in every case."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from plateaus.book import scoreboard
from plateaus.book.claims import (
    FAILS,
    HOLDS,
    MIXED,
    NOT_TESTABLE,
    PARTLY,
    UNTESTED,
    BadClaim,
    Bound,
    Claims,
    Criterion,
    load_claims,
)  # fmt: skip
from plateaus.book.places import chapter_name, chapters

RULES = Path(__file__).resolve().parents[2] / "book" / "claims.yaml"
IDS = [
    f"{letter}{i}"
    for letter, last in (("J", 8), ("S", 9), ("H", 4), ("G", 2), ("N", 9))
    for i in range(1, last + 1)
]

RULE = Criterion(
    name="gain", measures="a gain", holds=Bound(low=0.25), at_least=100, unit="pairs",
    negative={"step 0": Bound(high=1.25)}, positive={"known jump": Bound(low=2)},
)  # fmt: skip
GOOD = {"step 0": 1.0, "known jump": 5.0}

CASES = {
    "clearly above": (1.0, (0.8, 1.2), 200, GOOD, HOLDS),
    "clearly below": (0.1, (0.0, 0.2), 200, GOOD, FAILS),
    "value above, interval not": (0.3, (0.2, 0.4), 200, GOOD, MIXED),
    "touches the bound from below": (0.2, (0.1, 0.25), 200, GOOD, FAILS),
    "too few pairs": (1.0, (0.8, 1.2), 99, GOOD, NOT_TESTABLE),
    "just enough pairs": (1.0, (0.8, 1.2), 100, GOOD, HOLDS),
    "effect in the negative control": (1.0, (0.8, 1.2), 200, {**GOOD, "step 0": 1.5}, MIXED),
    "no effect, whatever the negative control": (
        0.1,
        (0.0, 0.2),
        200,
        {**GOOD, "step 0": 1.5},
        FAILS,
    ),
    "blind measurement": (0.1, (0.0, 0.2), 200, {**GOOD, "known jump": 1.1}, NOT_TESTABLE),
    "no such control": (1.0, (0.8, 1.2), 200, {**GOOD, "step 0": None}, NOT_TESTABLE),
    "no value": (None, (None, None), 200, GOOD, NOT_TESTABLE),
}


def decided(rule: Criterion, case: tuple) -> str:
    value, ci, n, control, _ = case
    return rule.verdict(value, ci, n, control)[0]


@pytest.mark.parametrize("case", CASES)
def test_verdict(case: str) -> None:
    assert decided(RULE, CASES[case]) == CASES[case][-1]


class PointEstimate(Criterion):
    def verdict(self, value, ci, n, control):
        return super().verdict(value, (value, value), n, control)


class NoNegative(Criterion):
    def verdict(self, value, ci, n, control):
        return dataclasses.replace(RULE, negative={}).verdict(
            value, ci, n, {"known jump": control["known jump"]}
        )


class NoPositive(Criterion):
    def verdict(self, value, ci, n, control):
        return dataclasses.replace(RULE, positive={}).verdict(
            value, ci, n, {"step 0": control["step 0"]}
        )


class AnyNumber(Criterion):
    def verdict(self, value, ci, n, control):
        return super().verdict(value, ci, 10**9, control)


class AbsentControlPasses(Criterion):
    def verdict(self, value, ci, n, control):
        return super().verdict(
            value, ci, n, {k: GOOD[k] if v is None else v for k, v in control.items()}
        )


@pytest.mark.parametrize(
    "twin", [PointEstimate, NoNegative, NoPositive, AnyNumber, AbsentControlPasses]
)
def test_wrong_verdicts_are_caught(twin: type[Criterion]) -> None:
    wrong = twin(**{field.name: getattr(RULE, field.name) for field in dataclasses.fields(RULE)})
    assert any(decided(wrong, case) != case[-1] for case in CASES.values())


def test_bound_between_is_decided_on_both_sides() -> None:
    bound = Bound.read("between -0.05 and 0.05")
    assert [bound.decide(*ci) for ci in ((-0.01, 0.02), (0.06, 0.1), (-0.2, -0.06), (0.04, 0.1), (-1, 1))] == [
        True, False, False, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words", ["over 1", "above one", "between 2 and 1", "above 1.", None, "below -"]
)
def test_unreadable_bound_is_refused(words: str | None) -> None:
    with pytest.raises(BadClaim, match="A bound is"):
        Bound.read(words)


def test_all_claims_have_rules() -> None:
    assert list(load_claims(RULES).by_id) == IDS


@pytest.mark.parametrize("claim", load_claims(RULES).by_id.values(), ids=lambda c: c.id)
def test_rule_is_complete(claim, root: Path) -> None:
    keys = re.findall(
        r"@\w+\{(\w+),", (root / "book" / "references.bib").read_text(encoding="utf-8")
    )
    assert claim.source in keys
    assert claim.claim.endswith(".") and claim.criteria
    assert re.fullmatch(r"[1-4]-[a-z-]+/[a-z-]+", claim.chapter)
    for criterion in claim.criteria.values():
        assert (
            criterion.measures.endswith(".")
            and len(criterion.measures.split()) > 5
            or criterion.measures.startswith("The same")
        )
        assert criterion.at_least >= 1 and criterion.unit
    # A claim is worth nothing without something that could show it to be an artefact.
    assert any(c.negative or c.positive for c in claim.criteria.values())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("holds if: above 2", "holds if: above two"),
        ("holds if: above 2", "holds when: above 2"),
        ("at least: 100 pairs", "at least: pairs"),
        ("source: janiak2024", "sauce: janiak2024"),
        ("{step 0: below 1.25}", "{step 0, below 1.25}"),
    ],
)
def test_misspelt_rule_is_refused(old: str, new: str, tmp_path: Path) -> None:
    wrong = tmp_path / "claims.yaml"
    wrong.write_text(RULES.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadClaim):
        load_claims(wrong)


def settle(**changes):
    given = {
        "metric": "slope_gain", "model": "m", "value": 1.0, "ci": (0.8, 1.2), "n": 200,
        "control": {"step 0": 1.07}, "chapter": "2-language-models/interpolation",
    } | changes  # fmt: skip
    return load_claims(RULES).settle(given.pop("id", "J4"), **given)


def test_row_has_what_the_scoreboard_needs() -> None:
    row = settle().as_json()
    assert {
        "id",
        "model",
        "metric",
        "value",
        "ci_low",
        "ci_high",
        "n",
        "control",
        "verdict",
    } <= set(row)
    assert (row["verdict"], row["ci_low"], row["control"]) == (HOLDS, 0.8, {"step 0": 1.07})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "J9"}, "no claim 'J9'"),
        ({"metric": "slope"}, "no criterion 'slope'"),
        ({"metric": None}, "no criterion None"),
        ({"control": {}}, "needs the controls"),
        ({"control": {"step 0": 1.0, "step 1": 1.0}}, "needs the controls"),
        ({"ci": None}, "without its interval"),
        ({"value": float("nan")}, "not finite"),
        ({"value": 2.0}, "outside its interval"),
        ({"ci": (1.2, 0.8)}, "outside its interval"),
    ],
)
def test_row_that_does_not_fit_its_rule_is_refused(changes: dict, words: str) -> None:
    with pytest.raises(BadClaim, match=words):
        settle(**changes)


def test_state_of_a_claim() -> None:
    claims = load_claims(RULES)
    gain = settle().as_json()
    rank = settle(metric="rank_by_step", control={"checkpoints in random order": 0.0}).as_json()
    worse = {**gain, "model": "other", "verdict": FAILS}
    silent = {**gain, "verdict": NOT_TESTABLE}
    assert claims.state("J4", []) == UNTESTED
    assert claims.state("J4", [gain]) == PARTLY
    assert claims.state("J4", [gain, rank]) == HOLDS
    assert claims.state("J4", [gain, rank, worse]) == MIXED
    assert claims.state("J4", [silent]) == NOT_TESTABLE
    assert claims.state("J4", [silent, rank]) == PARTLY
    assert claims.state("J4", [{**gain, "verdict": FAILS}, {**rank, "verdict": FAILS}]) == FAILS


def test_scoreboard_shows_every_claim_and_the_untested_as_such(root: Path) -> None:
    claims = load_claims(RULES)
    known = [chapter_name(path) for path in chapters(root)]
    page = scoreboard.page(
        (root / "book" / "claims.md").read_text(encoding="utf-8"),
        claims,
        [settle().as_json()],
        known,
    )
    for id in IDS:
        assert f"(claim-{id.lower()})=" in page
    assert page.count(f":::{{admonition}} J4 · {PARTLY}") == 1
    assert page.count(f" · {UNTESTED}\n") == len(IDS) - 1
    assert "**1** [0.8, 1.2] over 200 pairs; step 0: 1.07" in page


def test_page_without_the_scoreboards_place_is_refused() -> None:
    with pytest.raises(scoreboard.NoMark):
        scoreboard.page("# Claims\n", Claims(by_id={}), [])


def test_verdicts_are_typed_nowhere(root: Path) -> None:
    """Not in the rules, which have no place for one, nor by hand on the page."""
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    assert not any(
        "verdict" in criterion
        for claim in rules.values()
        for criterion in claim["criteria"].values()
    )
    assert ".verdict-" not in (root / "book" / "claims.md").read_text(encoding="utf-8")
