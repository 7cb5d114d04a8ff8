"""The machinery of the laboratory language: facts of a story, sentential forms, and a register of
rules.

A rule maps the facts to weighted alternatives. An alternative is a string of symbols separated by
spaces: words, and non-terminals written ``$name``, of which the leftmost is always rewritten first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

END = "<|endoftext|>"
UNKNOWN = "<|unknown|>"


class Facts(NamedTuple):
    """What a story has settled so far; two prefixes with equal facts and equal unfinished sentence
    mean the same.
    """

    left: int = -1  # sentences still to come; -1 before the story has begun
    who: str = ""  # main character
    friend: str = ""
    trade: str = ""
    things: tuple[tuple[str, str], ...] = ()  # (thing, colour), as stated
    pets: tuple[tuple[str, str], ...] = ()  # (kind of animal, its name), as stated
    held: tuple = ()  # scratch of the sentence under way: a colour, a number, a direction


class Form(NamedTuple):
    """A sentential form: the facts, and the symbols that are still to be spoken."""

    facts: Facts
    todo: tuple[str, ...]


class Choice(NamedTuple):
    """One alternative of a rule: its weight, its symbols, and the facts after it."""

    weight: float
    symbols: str
    facts: Facts


Rule = Callable[[Facts], list[Choice]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register ``function`` as the rule of the non-terminal ``$<its name>``."""
    RULES["$" + function.__name__.lstrip("_")] = function
    return function


def table(name: str, choices: dict[str, float]) -> None:
    """A rule that does not look at the facts."""
    RULES["$" + name] = lambda facts: [
        Choice(weight, symbols, facts) for symbols, weight in choices.items()
    ]
