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

from plateaus.data import people, recalled  # noqa: F401  (registers their rules)
from plateaus.data.facts import END, Choice, Facts, rule, table
from plateaus.data.lexicon import (
    ACTIVITIES,
    ANIMALS,
    DESCRIPTIONS,
    DOINGS,
    ENDINGS,
    HOUSE,
    INFINITIVES,
    MOODS,
    OBJECTS,
    PLACES,
    SEASONS,
    TRADES,
)

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
