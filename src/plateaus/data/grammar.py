"""The laboratory language: short stories whose true next-word distribution is known.

A story is derived from a context-free grammar whose rules read and write a small set of *facts*
(who the story is about, their trade, what they own, what the animals are called …);
:mod:`plateaus.data.facts` says how. The same rules serve twice:

* :func:`plateaus.data.derivation.story` draws one alternative after another;
* :class:`plateaus.data.derivation.Reader` keeps *all* derivations that agree with the words read so
far, with their probabilities, so that the
  distribution of the next word is exact (filtering in a hidden Markov model whose states are
  sentential forms).

Many words decide at once how a sentence goes on ("heard the dog" / "heard the cow"), some words are
exact synonyms ("hound" / "dog": same continuations for ever), and several must be recalled from
earlier sentences (colours, names of pets, the trade, sums). That makes the language a laboratory
for plateaus: "same meaning" is a fact about the grammar.
"""

from __future__ import annotations

from plateaus.data.facts import END, RULES, Choice, Facts, rule, table
from plateaus.data.lexicon import (
    ACTIVITIES,
    ANIMALS,
    COLOURS,
    DESCRIPTIONS,
    DOINGS,
    ENDINGS,
    FEMALE,
    FRUITS,
    HOUSE,
    INFINITIVES,
    MALE,
    MOODS,
    NUMBERS,
    OBJECTS,
    PET_NAMES,
    PLACES,
    SEASONS,
    THINGS,
    TRADES,
)


def female(name: str) -> bool:
    return name in FEMALE


# ---- sentences
# ----------------------------------------------------------------------

SENTENCES: dict[str, float] = {
    "$subject was $being .": 4,
    "$subject went to the $visit .": 1.5,
    "$subject heard the $animal .": 2,
    "The $speaker .": 1.5,
    "$subject spent the $time $doing .": 1.5,
    "$subject wanted to $infinitive .": 1.5,
    "$subject liked $doing but not $doing .": 1,
    "$subject counted $counting .": 1.2,
    "In $season .": 1.2,
    "The house at the end of the street was $house .": 1.2,
    "$subject $reflexive .": 0.8,
    "$name was $mood because $pronoun had been $doing .": 1,
}


@rule
def story(facts: Facts) -> list[Choice]:
    """The next sentence, or the end. Recalling sentences become available once there is something
    to recall.
    """
    if facts.left < 0:
        return [Choice(1, "$story", facts._replace(left=n)) for n in (5, 6, 7, 8, 9)]
    if facts.left == 0:
        return [Choice(1, f"$closing . {END}", facts)]
    facts = facts._replace(left=facts.left - 1, held=())
    options = dict(SENTENCES)
    if len(facts.things) < 2:
        options[
            "$subject had a $colour $newthing and a $colour $newthing ."
            if not facts.things
            else "$subject bought a $colour $newthing ."
        ] = 2.5
    if facts.things:
        options["$subject had painted the $oldthing ."] = 4
        options["The $thingwas ."] = 1
    if len(facts.pets) < 2:
        options["$possessive $newpet ."] = 1.2
    if facts.pets:
        options["$subject called the $oldpet ."] = 3
    options["The $trade ."] = 3 if facts.trade else 1.5
    options["$sum ."] = 1.2
    if facts.friend:
        options["$friend gave $object_pronoun a $colour $giftthing ."] = (
            1 if len(facts.things) < 3 else 0
        )
        options["$subject and $friend were $doing ."] = 1
        options["$subject asked $friend $asking ."] = 1
    else:
        options["$subject met $newfriend in the $where ."] = 1.5
    return [Choice(w, s + " $story", facts) for s, w in options.items() if w]


# ---- people
# ----------------------------------------------------------------------


@rule
def subject(facts: Facts) -> list[Choice]:
    if not facts.who:
        return [Choice(1, n, facts._replace(who=n)) for n in FEMALE + MALE]
    return [Choice(0.7, "She" if female(facts.who) else "He", facts), Choice(0.3, facts.who, facts)]


@rule
def name(facts: Facts) -> list[Choice]:
    return [Choice(1, facts.who, facts)] if facts.who else subject(facts)


@rule
def pronoun(facts: Facts) -> list[Choice]:
    return [Choice(1, "she" if female(facts.who) else "he", facts)]


@rule
def object_pronoun(facts: Facts) -> list[Choice]:
    return [Choice(1, "her" if female(facts.who) else "him", facts)]


@rule
def possessive(facts: Facts) -> list[Choice]:
    if not facts.who:
        return [Choice(1, f"{n} 's", facts._replace(who=n)) for n in FEMALE + MALE]
    return [Choice(1, "Her" if female(facts.who) else "His", facts)]


@rule
def newfriend(facts: Facts) -> list[Choice]:
    return [Choice(1, n, facts._replace(friend=n)) for n in FEMALE + MALE if n != facts.who]


@rule
def friend(facts: Facts) -> list[Choice]:
    return [Choice(1, facts.friend, facts)]


@rule
def asking(facts: Facts) -> list[Choice]:
    """The friend's own pronoun: agreement with the last name spoken, against the main character of
    the story.
    """
    own = "she" if female(facts.friend) else "he"
    return [
        Choice(1, f"if {own} was $mood", facts),
        Choice(1, f"why {own} was $doing", facts),
        Choice(1, "about $doing", facts),
    ]


@rule
def reflexive(facts: Facts) -> list[Choice]:
    own = "herself" if female(facts.who) else "himself"
    return [
        Choice(1, f"hurt {own} and cried", facts),
        Choice(1, f"saw {own} in the mirror", facts),
        Choice(1, f"washed {own} with soap", facts),
    ]


@rule
def being(facts: Facts) -> list[Choice]:
    options = {
        "very $mood": 2,
        "not $mood": 1,
        "in the $where": 3,
        "always $doing": 1,
        "never $mood": 0.7,
        "there when $weather": 0.7,
    }
    choices = [Choice(w, s, facts) for s, w in options.items()]
    if not facts.trade:
        choices += [Choice(2 / len(TRADES), f"a {t}", facts._replace(trade=t)) for t in TRADES]
    return choices


@rule
def trade(facts: Facts) -> list[Choice]:
    """ "The baker baked bread": after a trade was stated it is mostly that trade that is spoken
    of.
    """
    return [
        Choice((20 if t == facts.trade else 0.3) if facts.trade else 1, f"{t} ${t}", facts)
        for t in TRADES
    ]


# ---- places, animals, seasons
# -----------------------------------------------------------------------------------------


@rule
def where(facts: Facts) -> list[Choice]:
    return [
        Choice(w, f"{word} $at_{place}", facts)
        for place, words in PLACES.items()
        for word, w in words.items()
    ]


@rule
def visit(facts: Facts) -> list[Choice]:
    return [
        Choice(w, f"{word} and found $objects_{place}", facts)
        for place, words in PLACES.items()
        for word, w in words.items()
    ]


@rule
def animal(facts: Facts) -> list[Choice]:
    return [
        Choice(w, f"{word} $sound_{kind}", facts)
        for kind, (words, _, _) in ANIMALS.items()
        for word, w in words.items()
    ]


@rule
def speaker(facts: Facts) -> list[Choice]:
    return [
        Choice(w, f"{word} said {noise}", facts)
        for words, _, noise in ANIMALS.values()
        for word, w in words.items()
    ]


# ---- what is stated and recalled
# ---------------------------------------------------------------------------------------


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


# ---- numbers
# ----------------------------------------------------------------------


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


# ---- rules that do not look at the facts
# -------------------------------------------------------------------------------

TABLES = {
    "mood": MOODS,
    "doing": DOINGS,
    "infinitive": INFINITIVES,
    "season": SEASONS,
    "house": HOUSE,
    "closing": ENDINGS,
    "weather": {"it rained": 1, "it snowed": 1, "the sun shone": 1},
    "time": {"morning": 1, "evening": 1, "day": 1},
}
for _name, _choices in (TABLES | TRADES | DESCRIPTIONS).items():
    table(_name, _choices)
for _place in PLACES:
    table(f"at_{_place}", ACTIVITIES[_place])
    table(f"objects_{_place}", OBJECTS[_place])
for _kind, (_, _sounds, _) in ANIMALS.items():
    table(f"sound_{_kind}", _sounds)
