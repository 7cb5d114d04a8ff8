"""Activation plateaus: slice a network, move through its activation space, measure what it does.

import plateaus as pl
from plateaus.data import prompts

lm = pl.load("laboratory-12l")
net = lm.at("Anna heard the")                      # a map R^d -> R^d at the last position
A, B = net.states([" dog", " cow"], block=1)       # x_1: what enters block 1
X = pl.paths.slerp(A, B, steps=50)                 # (50, d)
rho = pl.curves.relative_distance(net[1:](X))      # (50,)

ends = pl.Ends.of_prompts(lm, prompts.unrelated(lm, 100), block=1)
data = pl.experiments.interpolate(ends, steps=50)  # dims pair, readout, alpha
"""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"


def _offered() -> dict[str, str]:
    """Where each name is imported from, as the stub beside this file tells type checkers."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    lines = [line for line in stub.body if isinstance(line, ast.ImportFrom)]
    return {line.names[0].name: line.module for line in lines}


_WHERE = _offered()
__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: the exact geometry does not wait for transformers."""
    if name not in _WHERE:
        raise AttributeError(
            f"module 'plateaus' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    module = f"{_WHERE[name]}.{name}"
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        found = getattr(import_module(_WHERE[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
