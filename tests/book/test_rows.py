"""A chapter's rows as a table say what was asked beside what was measured."""

from __future__ import annotations

from pathlib import Path

from plateaus.book import rows
from plateaus.book.claims import load_claims
from plateaus.measures.statistics import Measured

ROOT = Path(__file__).resolve().parents[2]


def test_every_number_stands_beside_what_it_is_held_to() -> None:
    claims = load_claims(ROOT / "book" / "claims.yaml")
    controls = [Measured(value=v, ci=(v - 0.01, v + 0.01), n=100) for v in (0.2, -0.001)]
    made = [
        claims.settle(
            "P5", metric=metric, model="known", value=0.9, ci=(0.8125, 0.95), n=100,
            control=controls[:count], chapter="2-language-models/steering",
        )
        for metric, count in (("rank", 2), ("ratio", 1))
    ]  # fmt: skip
    head, _, first, second = rows.table(made).splitlines()
    assert head.count("|") == first.count("|") == second.count("|") == 7
    assert first == (
        "| P5 `rank` | known | 0.90 [0.81, 0.95] | above 0.7 | "
        "norm of the vector alone 0.20 [0.19, 0.21] (below 0.7); "
        "logit gradient alone 0.00 [-0.01, 0.01] (below 0.7) | holds |"
    )
    assert "| between 0.8 and 1.25 | exit along another vector 0.20 " in second
    assert second.endswith("| mixed |")


def test_a_number_that_is_not_there_is_said_to_be_none() -> None:
    assert rows.shown(rows.Number.of(None)) == "none"
    assert rows.shown(rows.Number.of(3)) == "3.00"
