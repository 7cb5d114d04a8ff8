"""What experiments are given, checked by the names of their arguments before anything is computed.

@checked
def triples(lm, pairs, count, *, block=1, resolution=25): ...
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import wraps
from numbers import Integral, Real
from typing import Any, TypeVar

from plateaus.data.pairs import Pairs
from plateaus.errors import BadParameter
from plateaus.experiments.ends import Ends
from plateaus.networks.dictionary import Dictionary
from plateaus.networks.language_model import LanguageModel
from plateaus.rules import Rule

Experiment = TypeVar("Experiment", bound=Callable[..., Any])


def _whole(least: int, most: int) -> Rule:
    return Rule(
        accepts=f"a whole number from {least} to {most}",
        test=lambda v: isinstance(v, Integral) and type(v) is not bool and least <= v <= most,
    )


def _real(accepts: str, test: Callable[[float], bool]) -> Rule:
    return Rule(
        accepts=accepts,
        test=lambda v: isinstance(v, Real) and type(v) is not bool and math.isfinite(v) and test(v),
    )


def _made_by(kind: type, how: str) -> Rule:
    return Rule(accepts=f"{kind.__name__}, made by {how}", test=lambda v: isinstance(v, kind))


_ENDS = _made_by(Ends, "Ends.of_prompts, of_inputs, of_images or of_points")
RULES = {
    "ends": _ENDS,
    "untrained": _ENDS,
    "lm": _made_by(LanguageModel, 'plateaus.load("prose-12l")'),
    "pairs": _made_by(Pairs, "plateaus.data.prompts"),
    "dictionary": _made_by(Dictionary, "plateaus.networks.dictionary_files.load"),
    "steps": _whole(2, 10**6),
    "seed": _whole(0, 2**62),
    "count": _whole(1, 10**6),
    "resolution": _whole(2, 10**5),
    "side": _whole(2, 10**3),
    "circles": _whole(1, 10**5),
    "window": _whole(1, 10**5),
    "share": _real("a number above 0 and below 1", lambda v: 0 < v < 1),
    "half_width": _real("a number above 0", lambda v: v > 0),
    "length": _real("a number above 0", lambda v: v > 0),
    "aside": _real("a number above 0 and below 180", lambda v: 0 < v < 180),
}
"""Argument -> what it may be, in every experiment that has one of that name."""


def checked(experiment: Experiment) -> Experiment:
    """The same, after a check of every argument that ``RULES`` knows, and of ``block``, which is
    one of the network's.

    Raises:
        BadParameter: names the first that cannot be.
    """
    signature = inspect.signature(experiment)
    known = [name for name in signature.parameters if name in RULES]
    place = "block" in signature.parameters

    @wraps(experiment)
    def with_checks(*args: Any, **options: Any) -> Any:
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        for name in known:
            RULES[name].check(name, bound.arguments[name])
        if place:
            _enters(bound.arguments["block"], bound.arguments.get("lm", bound.arguments.get("net")))
        return experiment(*args, **options)

    return with_checks


def _enters(block: Any, net: Any) -> None:
    """Raise `BadParameter` unless ``block`` is the number of a block."""
    if not isinstance(block, Integral) or type(block) is bool or not 0 <= block < len(net):
        raise BadParameter(
            f"{net.name} has blocks 0 to {len(net) - 1}, got block={block!r}: give one of these."
        )
