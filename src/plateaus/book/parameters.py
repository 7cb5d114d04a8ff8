"""Checks the parameters of a chapter: unknown, missing, mistyped or impossible ones stop it.

Papermill only warns about a parameter that no cell uses, so a misspelt one would silently leave
the default in place. The chapter's namespace, as it is when the chapter opens, shows them all.
"""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from plateaus.book.places import chapter_name, chapters, find_repository
from plateaus.errors import BadParameter
from plateaus.rules import Rule, text, whole

SEEDS = 2**32
"""So many there are: what draws numbers takes no other."""

COMMON: dict[str, Rule] = {
    "model": text(),
    "device": text(),
    "seed": whole(0, SEEDS - 1),
    "out": text(),
}
"""The parameters of every chapter."""

PRESETS = "chapters"
"""In a parameter file: one section per chapter, for what only that chapter takes."""

_SEEN = "_plateaus_parameters"
_LITERALS = (bool, int, float, str, list, tuple, dict, type(None))
_INPUT, _HISTORY = "_ih", ("_ih", "_oh")
"""IPython's own names for the cells that ran, and for what it shows as `In` and `Out`."""


def checked(
    namespace: MutableMapping[str, Any], chapter: str, rules: Mapping[str, Rule]
) -> dict[str, Any]:
    """Every parameter of `chapter` with its value, checked against `COMMON` and `rules`.

    `namespace` is the notebook's `globals()`. The section of a parameter file for this chapter is
    written into it, except where the same name was also given by itself. Raises `BadParameter`.
    """
    rules = {**COMMON, **rules}
    given = _parameters_in(namespace)
    sections = given.pop(PRESETS, None)
    unknown = sorted(set(given) - set(rules))
    if unknown:
        raise BadParameter(_unknown(unknown[0], chapter, rules))
    section = _section(sections, chapter, rules)
    namespace.update({k: v for k, v in section.items() if k not in _given_by_itself(namespace)})
    for name in rules:
        if name not in namespace:
            raise BadParameter(
                f"{name} has no value: the first cell of {chapter} must give its default."
            )
    found = {name: rule.check(name, namespace[name]) for name, rule in rules.items()}
    if "seeds" in found:
        why = f"the first of seeds={found['seeds']} trainings"
        whole(0, SEEDS - found["seeds"]).check("seed", found["seed"], why)
    return found


def written(chapter: str) -> dict[str, Any]:
    """The parameters of a chapter of this book as its first cell gives them; elsewhere none."""
    root = find_repository()
    file = root / "chapters" / f"{chapter}.ipynb" if root else Path()
    if not file.is_file():
        return {}
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        return {
            statement.targets[0].id: ast.literal_eval(statement.value)
            for statement in ast.parse(first).body
            if isinstance(statement, ast.Assign)
        }
    except (ValueError, SyntaxError, AttributeError):  # a reader wrote the cell in another way
        return {}


def _parameters_in(namespace: MutableMapping[str, Any]) -> dict[str, Any]:
    """The literals of the notebook when the chapter was first opened.

    On a second run of the opening cell the names that later cells have made are no parameters.
    """
    own = [id(namespace[name]) for name in _HISTORY if name in namespace]
    literals = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and id(value) not in own and isinstance(value, _LITERALS)
    }
    seen = namespace.setdefault(_SEEN, frozenset(literals))
    return {name: value for name, value in literals.items() if name in seen}


def _given_by_itself(namespace: Mapping[str, Any]) -> set[str]:
    """Names in papermill's injected cell: with `-f file -p name value` the single value wins."""
    cells = [c for c in namespace.get(_INPUT, []) if c.startswith("# Parameters")]
    names: set[str] = set()
    for statement in ast.parse(cells[-1]).body if cells else []:
        if isinstance(statement, ast.Assign):
            names |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    return names


def _section(sections: Any, chapter: str, rules: Mapping[str, Rule]) -> dict[str, Any]:
    if sections is None:
        return {}
    if not isinstance(sections, dict) or not all(isinstance(s, dict) for s in sections.values()):
        raise BadParameter(
            f"{PRESETS} must hold one section of parameters per chapter; given: {sections!r:.80}."
        )
    root = find_repository()
    known = {chapter_name(path) for path in chapters(root)} if root else set(sections)
    for name in sorted(set(sections) - known):
        raise BadParameter(
            f"{PRESETS} has a section for {name!r}, which is no chapter of this book."
        )
    section = sections.get(chapter, {})
    for name in sorted(set(section) - set(rules)):
        raise BadParameter(_unknown(name, chapter, rules))
    return section


def _unknown(name: str, chapter: str, rules: Mapping[str, Rule]) -> str:
    near = difflib.get_close_matches(name, rules, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{name} is not a parameter of {chapter}{hint}; it takes {', '.join(sorted(rules))}."
