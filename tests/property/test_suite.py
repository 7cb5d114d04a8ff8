"""The suite looks at itself: which property catches which twin, and whether each property is
needed.
"""

from __future__ import annotations

from functools import lru_cache

import properties
import pytest
from engine import Engine
from rich_networks import Case
from twins import TWINS

KEPT = {
    "disjointness": "Proposition 3.2 itself; an engine that decides membership rightly cannot "
    "break it",
    "nesting": "Proposition 3.3 itself; an engine that decides membership rightly cannot break it",
    "height_bounds": "the only comparison of heights with the network's own output; its twin also "
    "misjudges membership",
    "segment_is_upper_bound": "links planes to segments: two engines that must agree on which is "
    "larger",
    "pull_back": "the law of partial networks; the hull of a preimage is wrong on single lines too",
    "quasi_metric": "a theorem about m, which no engine that gets m right can break",
}
"""Properties without a twin of their own, and why they stay."""


def kind(example: Case | tuple) -> str:
    if isinstance(example, tuple):
        return "pair"
    if example.net.inputs == 2:
        return "plane"
    return "chain" if len(example.net) > 1 else "line"


@lru_cache(maxsize=1)
def caught() -> dict[str, set[str]]:
    """For each twin the properties that catch it on any of the fixed examples of their kind."""
    examples = {}
    for _, example in TWINS.values():
        examples.setdefault(kind(example), []).append(example)
    found = {}
    for twin in TWINS:
        found[twin.__name__] = set()
        for shape, names in properties.NAMES.items():
            for name in names:
                if any(fails(name, twin(), example) for example in examples[shape]):
                    found[twin.__name__].add(name)
    return found


def fails(name: str, engine: Engine, example: Case | tuple) -> bool:
    try:
        getattr(properties, name)(engine, example)
    except (AssertionError, IndexError):
        return True
    return False


def test_no_twin_survives():
    assert [twin for twin, names in caught().items() if not names] == []


def test_the_engine_itself_passes_every_example():
    for _, example in TWINS.values():
        assert [
            name for name in properties.NAMES[kind(example)] if fails(name, Engine(), example)
        ] == []


@pytest.mark.parametrize(
    "name", sorted({name for names in properties.NAMES.values() for name in names})
)
def test_each_property_is_needed(name):
    """Without it at least one twin would live, or the reason why it stays is written down."""
    alone = [twin for twin, names in caught().items() if names == {name}]
    assert alone or name in KEPT
