"""Rules of the laboratory language about what is stated and recalled: colours of things, names of
pets, numbers.
"""

from __future__ import annotations

from plateaus.data.facts import RULES, Choice, Facts, rule
from plateaus.data.lexicon import COLOURS, FRUITS, NUMBERS, PET_NAMES, THINGS


@rule
def colour(facts: Facts) -> list[Choice]:
    return [Choice(1, c, facts._replace(held=(c,))) for c in COLOURS]


@rule
def newthing(facts: Facts) -> list[Choice]:
    owned = {t for t, _ in facts.things}
    return [
        Choice(1, t, facts._replace(things=facts.things + ((t, facts.held[0]),), held=()))
        for t in THINGS
        if t not in owned
    ]


RULES["$giftthing"] = newthing


@rule
def oldthing(facts: Facts) -> list[Choice]:
    """The thing is the last word before its colour must be recalled."""
    single = [Choice(1, f"{t} {c}", facts) for t, c in facts.things]
    pairs = [
        Choice(1, f"{t} {c} and the {u} {d}", facts)
        for t, c in facts.things
        for u, d in facts.things
        if t != u
    ]
    return single + pairs


@rule
def thingwas(facts: Facts) -> list[Choice]:
    return [Choice(1, f"{t} was still {c}", facts) for t, c in facts.things]


@rule
def newpet(facts: Facts) -> list[Choice]:
    kinds = [k for k in ("dog", "cat", "horse", "bird") if k not in dict(facts.pets)]
    names = [n for n in PET_NAMES if n not in dict(facts.pets).values()]
    return [
        Choice(1, f"{k} was called {n}", facts._replace(pets=facts.pets + ((k, n),)))
        for k in kinds
        for n in names
    ]


@rule
def oldpet(facts: Facts) -> list[Choice]:
    return [Choice(1, f"{k} {n}", facts) for k, n in facts.pets]


@rule
def counting(facts: Facts) -> list[Choice]:
    """Up or down: the last number and the direction decide the next one."""
    up = [
        Choice(1, f"up from {NUMBERS[k]} $count", facts._replace(held=(k, 1, n)))
        for k in range(12)
        for n in (3, 4)
    ]
    down = [
        Choice(1, f"down from {NUMBERS[k]} $count", facts._replace(held=(k, -1, n)))
        for k in range(5, 17)
        for n in (3, 4)
    ]
    return up + down


@rule
def count(facts: Facts) -> list[Choice]:
    k, step, n = facts.held
    if n == 0:
        return [Choice(1, "", facts._replace(held=()))]
    return [Choice(1, f"{NUMBERS[k + step]} $count", facts._replace(held=(k + step, step, n - 1)))]


@rule
def sum(facts: Facts) -> list[Choice]:  # noqa: A001  (the rule is named like the non-terminal)
    spoken = dict(enumerate(NUMBERS, start=1))
    return [
        Choice(
            1,
            f"$subject had {spoken[a]} {fruit} and found {spoken[b]} more . "
            f"Now $pronoun had {spoken[a + b]} {fruit}",
            facts,
        )
        for a in range(2, 8)
        for b in range(2, 8)
        for fruit in FRUITS
    ]
