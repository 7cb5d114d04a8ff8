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
    THEOREM,
    UNTESTED,
    Bound,
    Criterion,
    Number,
    load_claims,
)
from plateaus.book.places import chapter_name, chapters
from plateaus.errors import BadClaim

RULES = Path(__file__).resolve().parents[2] / "book" / "claims.yaml"
IDS = [
    f"{letter}{i}"
    for letter, last in (("J", 8), ("S", 9), ("H", 4), ("G", 2), ("N", 9), ("P", 8))
    for i in range(1, last + 1)
]

RULE = Criterion(
    name="gain", measures="a gain", holds=Bound(low=0.25), at_least=100, unit="pairs",
    negative={"step 0": Bound(high=1.25)}, positive={"known jump": Bound(low=2)},
)  # fmt: skip
GOOD = {"step 0": 1.0, "known jump": 5.0}


def number(value: float | None, low: float = 0, high: float = 0, n: int = 200) -> Number:
    return Number.of({"value": value, "ci": (low, high), "n": n})


SHARP, FLAT = number(1.0, 0.8, 1.2), number(0.1, 0.0, 0.2)
CASES = {
    "clearly above": (SHARP, GOOD, HOLDS),
    "clearly below": (FLAT, GOOD, FAILS),
    "value above, interval not": (number(0.3, 0.2, 0.4), GOOD, MIXED),
    "touches the bound from below": (number(0.2, 0.1, 0.25), GOOD, FAILS),
    "too few pairs": (number(1.0, 0.8, 1.2, n=99), GOOD, NOT_TESTABLE),
    "just enough pairs": (number(1.0, 0.8, 1.2, n=100), GOOD, HOLDS),
    "effect in the negative control": (SHARP, {**GOOD, "step 0": 1.5}, MIXED),
    "no effect, whatever the negative control": (FLAT, {**GOOD, "step 0": 1.5}, FAILS),
    "blind measurement": (FLAT, {**GOOD, "known jump": 1.1}, NOT_TESTABLE),
    "no such control": (SHARP, {**GOOD, "step 0": None}, NOT_TESTABLE),
    "no value": (number(None), GOOD, NOT_TESTABLE),
    "control whose interval is inside": (
        SHARP, {**GOOD, "step 0": number(1.1, 1.0, 1.2)}, HOLDS
    ),
    "control that may have the effect": (
        SHARP, {**GOOD, "step 0": number(1.1, 0.9, 1.3)}, MIXED
    ),
    "control that may be blind": (
        SHARP, {**GOOD, "known jump": number(2.5, 1.5, 3.5)}, NOT_TESTABLE
    ),
}  # fmt: skip


def decided(rule: Criterion, case: tuple) -> str:
    effect, control, _ = case
    return rule.verdict(effect, {name: Number.of(x) for name, x in control.items()})[0]


@pytest.mark.parametrize("case", CASES)
def test_verdict(case: str) -> None:
    assert decided(RULE, CASES[case]) == CASES[case][-1]


def point(x: Number) -> Number:
    return Number(value=x.value, ci=None if x.value is None else (x.value, x.value), n=x.n)


class PointEstimate(Criterion):
    def verdict(self, effect, control):
        return super().verdict(point(effect), control)


class PointControls(Criterion):
    def verdict(self, effect, control):
        return super().verdict(effect, {name: point(x) for name, x in control.items()})


class NoNegative(Criterion):
    def verdict(self, effect, control):
        return dataclasses.replace(RULE, negative={}).verdict(
            effect, {"known jump": control["known jump"]}
        )


class NoPositive(Criterion):
    def verdict(self, effect, control):
        return dataclasses.replace(RULE, positive={}).verdict(effect, {"step 0": control["step 0"]})


class AnyNumber(Criterion):
    def verdict(self, effect, control):
        return super().verdict(dataclasses.replace(effect, n=10**9), control)


class AbsentControlPasses(Criterion):
    def verdict(self, effect, control):
        return super().verdict(
            effect,
            {k: Number.of(GOOD[k]) if x.value is None else x for k, x in control.items()},
        )


@pytest.mark.parametrize(
    "twin",
    [PointEstimate, PointControls, NoNegative, NoPositive, AnyNumber, AbsentControlPasses],
)
def test_wrong_verdicts_are_caught(twin: type[Criterion]) -> None:
    wrong = twin(**{field.name: getattr(RULE, field.name) for field in dataclasses.fields(RULE)})
    assert any(decided(wrong, case) != case[-1] for case in CASES.values())


def test_bound_between_is_decided_on_both_sides() -> None:
    bound = Bound.read("between -0.05 and 0.05")
    intervals = ((-0.01, 0.02), (0.06, 0.1), (-0.2, -0.06), (0.04, 0.1), (-1, 1))
    assert [bound.decide(*ci) for ci in intervals] == [True, False, False, None, None]


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
    assert claim.source in [*keys, scoreboard.OURS]
    assert claim.claim.endswith(".") and claim.criteria
    # What others claimed stands beside what they had measured; our own questions have no such.
    assert claim.published.endswith(".") != (claim.source == scoreboard.OURS)
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
    assert (row["verdict"], row["ci_low"], row["n"]) == (HOLDS, 0.8, 200)
    assert row["control"] == {"step 0": {"value": 1.07, "ci_low": 1.07, "ci_high": 1.07, "n": None}}
    assert row["rule"] == "above 0.25 over at least 100 pairs; negative control, step 0: below 1.25"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "J9"}, "no claim 'J9'"),
        ({"metric": "slope"}, "no criterion 'slope'"),
        ({"metric": None}, "no criterion None"),
        ({"control": {}}, "needs the controls"),
        ({"control": {"step 0": 1.0, "step 1": 1.0}}, "needs the controls"),
        ({"ci": None}, "without its interval"),
        ({"control": [1.0, 2.0]}, "has 1 controls"),
        ({"ci": (0.8, float("inf"))}, "not finite"),
        ({"ci": (float("nan"), 1.2)}, "not finite"),
        ({"control": {"step 0": {"value": 1.0, "n": 3}}}, "without its interval"),
        ({"value": 2.0}, "outside its interval"),
        ({"ci": (1.2, 0.8)}, "outside its interval"),
    ],
)
def test_row_that_does_not_fit_its_rule_is_refused(changes: dict, words: str) -> None:
    with pytest.raises(BadClaim, match=words):
        settle(**changes)


def test_nan_is_no_value() -> None:
    """A measurement that came to nothing leaves a row that says so."""
    nothing = float("nan")
    assert settle(value=nothing, ci=(nothing, nothing)).verdict == NOT_TESTABLE
    assert settle(control={"step 0": nothing}).verdict == NOT_TESTABLE


def test_controls_come_by_name_or_in_the_order_of_the_rule() -> None:
    control = number(1.07, 1.05, 1.09)
    by_name, in_order = settle(control={"step 0": control}), settle(control=[control])
    assert by_name == in_order
    assert "step 0: 1.07 [1.05, 1.09], n = 200" in repr(in_order)
    assert by_name.as_json()["control"]["step 0"]["ci_high"] == 1.09


def test_saved_row_is_settled_again_by_the_rules_as_they_are(tmp_path: Path) -> None:
    saved = settle(control=[number(1.07, 1.05, 1.09)]).as_json()
    assert load_claims(RULES).again(saved) == saved
    text = RULES.read_text(encoding="utf-8")
    stricter = tmp_path / "claims.yaml"
    stricter.write_text(text.replace("holds if: above 0.25", "holds if: above 0.26"))
    assert load_claims(stricter).again(saved) != saved


def test_state_of_a_claim() -> None:
    claims = load_claims(RULES)
    gain = settle(id="J6", metric="slope_lost", control=[0.0]).as_json()
    rank = settle(id="J6", metric="slope_left", value=2, ci=(1.5, 2.5), control=[1.0]).as_json()
    worse = {**gain, "model": "other", "verdict": FAILS}
    silent = {**gain, "verdict": NOT_TESTABLE}
    assert claims.state("J6", []) == UNTESTED
    assert claims.state("J6", [gain]) == PARTLY
    assert claims.state("J6", [gain, rank]) == HOLDS
    assert claims.state("J6", [gain, rank, worse]) == MIXED
    assert claims.state("J6", [silent]) == NOT_TESTABLE
    assert claims.state("J6", [silent, rank]) == PARTLY
    assert claims.state("J6", [{**gain, "verdict": FAILS}, {**rank, "verdict": FAILS}]) == FAILS


def test_theorem_is_no_finding_until_a_number_contradicts_it() -> None:
    claims = load_claims(RULES)
    count = {"value": 0, "ci": (0, 0), "n": 6, "control": [5], "metric": None, "id": "N5"}
    as_proved, broken = settle(**count).as_json(), settle(**count | {"value": 2, "ci": (2, 2)})
    assert claims.state("N5", []) == claims.state("N5", [as_proved]) == THEOREM
    assert claims.state("N5", [as_proved, broken.as_json()]) == MIXED
    states = {"N5": THEOREM, "J4": HOLDS}
    assert scoreboard.summary(states).startswith("Of 1 claims: 1\u00a0[holds]")
    assert "[theorem]{.verdict .verdict-theorem} N5." in scoreboard.summary(states)
    criterion = claims.criterion("N5", None)
    assert "[as proved]" in scoreboard.measured(as_proved, criterion, claims.by_id["N5"])


def test_model_that_was_trained_again_says_so() -> None:
    row, criterion = (
        settle(model="anew").as_json(),
        load_claims(RULES).criterion("J4", "slope_gain"),
    )
    claim = load_claims(RULES).by_id["J4"]
    again = dataclasses.replace(claim, retrained={"anew": "twice as many tokens"})
    assert "trained again" in scoreboard.measured(row, criterion, again)
    assert "trained again" not in scoreboard.measured(row | {"model": "m"}, criterion, again)


def test_scoreboard_shows_every_claim_and_the_untested_as_such(root: Path) -> None:
    claims = load_claims(RULES)
    known = [chapter_name(path) for path in chapters(root)]
    page = scoreboard.scoreboard(claims, [settle().as_json()], set(known))
    for id in IDS:
        assert f":name: claim-{id.lower()}\n" in page
        assert page.count(f"](#claim-{id.lower()})") == 1
    assert page.count(f":::{{dropdown}} J4 [{PARTLY}]") == 1
    assert page.count(f" claim-{UNTESTED}\n") == len(IDS) - 2
    assert page.count(f" claim-{THEOREM}\n") == 1
    assert "[J4\u00a0◐](#claim-j4){.verdict .verdict-partly-tested}" in page
    assert "**1.00** [0.80, 1.20] over 200 pairs; step 0: 1.07" in page
    assert page.count("*As published:*") == len([i for i in IDS if not i.startswith("P")])


def test_verdicts_are_typed_nowhere(root: Path) -> None:
    """Not in the rules, which have no place for one, nor by hand on the page."""
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    assert not any(
        "verdict" in criterion
        for claim in rules.values()
        for criterion in claim["criteria"].values()
    )
    assert ".verdict-" not in (root / "book" / "claims.md").read_text(encoding="utf-8")


def test_rows_are_counted_beside_claims():
    rows = [
        {"id": "J1", "verdict": HOLDS},
        {"id": "J1", "verdict": FAILS},
        {"id": "J2", "verdict": MIXED, "reason": "the interval is above 1, but the control “x” is"},
        {"id": "J2", "verdict": HOLDS},
    ]
    assert scoreboard.tally(rows) == "hold 2, do not hold 1, mixed 1"
    assert scoreboard.tally([]) == "none yet"
    told = scoreboard.of_rows({"J1": MIXED, "J2": MIXED, "J3": HOLDS}, rows)
    assert "4 rows" in told and "Of the 2 mixed claims, 1 have rows that hold" in told
    assert "of the 1 mixed rows, 1 would hold but for a control" in told
    rows[2]["reason"] = "the interval includes values that are above 1 and values that are not"
    assert "of the 1 mixed rows, 0 would hold" in scoreboard.of_rows({"J1": MIXED}, rows)
