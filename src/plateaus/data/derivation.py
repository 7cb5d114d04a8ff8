"""Deriving stories of the laboratory language, reading them exactly, and comparing words by what
they mean.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from functools import lru_cache

from plateaus.data import grammar as _rules_of_the_language  # noqa: F401  (registers them)
from plateaus.data.facts import END, RULES, Facts, Form
from plateaus.errors import BadPrompt

START = Form(Facts(), ("$story",))


@lru_cache(maxsize=200_000)
def frontier(form: Form) -> tuple[tuple[float, str, Form], ...]:
    """All ways to speak the next word from ``form``: (probability, word, form afterwards), with the
    derivation summed out.

    The forms are those reached by rewriting the leftmost non-terminal until a word stands first.
    """
    ways: dict[tuple[str, Form], float] = {}
    stack = [(1.0, form)]
    while stack:
        weight, (facts, todo) = stack.pop()
        head, rest = todo[0], todo[1:]
        if not head.startswith("$"):
            after = START if head == END else Form(facts, rest)
            ways[head, after] = ways.get((head, after), 0.0) + weight
            continue
        choices = RULES[head](facts)
        total = sum(choice.weight for choice in choices)
        stack += [
            (weight * c.weight / total, Form(c.facts, (*c.symbols.split(), *rest))) for c in choices
        ]
    return tuple((weight, word, after) for (word, after), weight in ways.items())


def words(seed: int) -> Iterator[str]:
    """An endless stream of stories, one word at a time, each story closed by ``<|endoftext|>``; a
    pure function of ``seed``.

    Draws one alternative of one rule at a time, so it shares the rules with :class:`Reader` but not
    the way to use them.
    """
    generator = random.Random(seed)
    facts, todo = START.facts, list(START.todo)
    while True:
        head = todo.pop(0)
        if not head.startswith("$"):
            yield head
            if head == END:
                facts, todo = START.facts, list(START.todo)
            continue
        choices = RULES[head](facts)
        (chosen,) = generator.choices(choices, [choice.weight for choice in choices])
        facts, todo = chosen.facts, chosen.symbols.split() + todo


def story(seed: int) -> list[str]:
    """The first story of :func:`words`, without its end mark."""
    told = []
    for word in words(seed):
        if word == END:
            return told
        told.append(word)
    raise AssertionError("the stream of words never ends")


class Reader:
    """Reads words and keeps every derivation that agrees with them: exact filtering, no sampling.

    ``belief`` maps sentential forms to their posterior probability. Raises :class:`BadPrompt` when
    no story goes on so.
    """

    def __init__(self, belief: dict[Form, float] | None = None) -> None:
        self.belief = belief or {START: 1.0}

    def next(self) -> dict[str, float]:
        """The true distribution of the next word given everything read so far (sums to one)."""
        out: dict[str, float] = {}
        for form, mass in self.belief.items():
            for weight, word, _ in frontier(form):
                out[word] = out.get(word, 0.0) + mass * weight
        return out

    def branches(self, least: float = 0.0) -> dict[str, tuple[float, Reader]]:
        """Every word of at least that probability that can come next: its probability, and the
        reader after it.
        """
        after: dict[str, dict[Form, float]] = {}
        for form, mass in self.belief.items():
            for weight, word, then in frontier(form):
                forms = after.setdefault(word, {})
                forms[then] = forms.get(then, 0.0) + mass * weight
        totals = {word: sum(forms.values()) for word, forms in after.items()}
        return {
            word: (total, Reader({form: mass / total for form, mass in after[word].items()}))
            for word, total in totals.items()
            if total >= least
        }

    def read(self, text: str | Iterable[str]) -> Reader:
        """The reader after more words; ``self`` is unchanged."""
        belief = self.belief
        for word in text.split() if isinstance(text, str) else text:
            after: dict[Form, float] = {}
            for form, mass in belief.items():
                for weight, spoken, then in frontier(form):
                    if spoken == word:
                        after[then] = after.get(then, 0.0) + mass * weight
            total = sum(after.values())
            if not total:
                known = sorted(Reader(belief).next())
                raise BadPrompt(
                    f"no story of the laboratory language goes on with {word!r} here; it could go "
                    f"on with {', '.join(known[:8])}{' …' if len(known) > 8 else ''}: choose one "
                    "of those."
                )
            belief = {form: mass / total for form, mass in after.items()}
        return Reader(belief)


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """The words of a long sample, in alphabetical order (the unit test checks that no word of the
    lexicon is missing).
    """
    return tuple(sorted(set(itertools.islice(words(seed=0), 400_000)) - {END}))
