"""Settings as a dataclass declares them: read from ``--set NAME=VALUE``, held to their rules."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any, TypeVar

from plateaus.errors import BadParameter, TrainingError
from plateaus.rules import Rule, listing, real, text, whole

S = TypeVar("S")
NAME = Rule(
    accepts="a plain name: at most 100 letters, digits, dots, dashes and underscores, of which a "
    "letter or digit comes first",
    test=lambda v: isinstance(v, str)
    and re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", v, re.ASCII) is not None,
)
"""What becomes the name of a file or folder, and therefore holds no path."""
MOST = 10**15
USUAL = {
    "int": whole(1, MOST),
    "float": real(above=0),
    "str": text(),
    "tuple": listing(whole(1, MOST)),
}
"""What a setting may be that has no rule of its own."""


def assignments(written: list[str], example: Any) -> dict[str, object]:
    """``["blocks=3", "depths=2,2"]`` as values of the kinds that ``example``, an instance of the
    settings, has.

    Raises:
        BadParameter: not an assignment, an unknown setting, or a value not of its kind.
    """
    out: dict[str, object] = {}
    for assignment in written:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise BadParameter(
                f"--set was given {assignment!r}: write NAME=VALUE, for example batch=64."
            )
        rule = _rules(example, name)[name]
        try:
            out[name] = READERS[type(getattr(example, name))](value)
        except ValueError:
            rule.check(f"setting {name}", value)
    return out


def _whole(written: str) -> int:
    """A whole number, however it is written: 20000000 or 2e7."""
    number = float(written)
    return int(number) if number.is_integer() and "e" in written.lower() else int(written)


READERS = {int: _whole, float: float, str: str, tuple: lambda v: tuple(map(int, v.split(",")))}


def settings(presets: dict[str, S], preset: str, /, **changes: object) -> S:
    """A preset with changes.

    Raises:
        BadParameter: an unknown preset or setting, or a value that cannot be.
    """
    if preset not in presets:
        raise BadParameter(f"preset {preset!r} is unknown: choose one of {', '.join(presets)}.")
    _rules(presets[preset], *changes)
    return replace(presets[preset], **changes)


def check(s: Any) -> None:
    """Hold every setting of the dataclass ``s`` to its rule in ``s.rules``, or that of its kind.

    Raises:
        BadParameter: names the first value that cannot be.
    """
    for name, rule in _rules(s).items():
        rule.check(f"setting {name}", getattr(s, name))


def _rules(s: Any, *names: str) -> dict[str, Rule]:
    """The rule of each setting; ``names`` must be among them."""
    found = {f.name: s.rules.get(f.name, USUAL[f.type.split("[")[0]]) for f in fields(s)}
    for name in names:
        if name not in found:
            raise BadParameter(f"setting {name!r} is unknown: choose among {', '.join(found)}.")
    return found


def of_the_hub(revision: str | None, data: str | None) -> None:
    """Refuse a revision of what has none.

    Raises:
        TrainingError: data that are not those of ``hub:<dataset>``.
    """
    if revision is not None and not str(data).startswith("hub:"):
        raise TrainingError(
            f"--revision {revision} is that of a hub data set, got the data {data!r}: leave it "
            "out, or give hub:<dataset>."
        )
