"""Rules of the laboratory language about people: names, pronouns, friends, trades."""

from __future__ import annotations

from plateaus.data.facts import Choice, Facts, rule
from plateaus.data.lexicon import FEMALE, MALE, TRADES


def female(name: str) -> bool:
    return name in FEMALE


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
