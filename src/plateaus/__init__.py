"""Activation plateaus: slice a network, move through its activation space, measure what it does.

import plateaus as pl
net = pl.load("laboratory-12l").at("...")      # a map R^d -> R^d at the last position
A, B = net.states([" x", " y"], block=1)       # x_1: what enters block 1
X = pl.paths.slerp(A, B, steps=50)             # (50, d)
rho = pl.curves.relative_distance(net[1:](X))  # (50,)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Names are imported when first used: the exact geometry must not wait for the transformer
# libraries.
_WHERE = {
    "errors": "plateaus.errors",
    "paths": "plateaus.geometry.paths",
    "exact": "plateaus.geometry.exact",
    "bounds": "plateaus.geometry.bounds",
    "minimax": "plateaus.geometry.minimax",
    "jacobians": "plateaus.measures.jacobians",
    "curves": "plateaus.measures.curves",
    "dynamics": "plateaus.measures.dynamics",
    "statistics": "plateaus.measures.statistics",
    "interventions": "plateaus.networks.interventions",
    "results": "plateaus.results",
    "figures": "plateaus.figures",
    "Network": "plateaus.networks.network:Network",
    "ResidualMLP": "plateaus.networks.residual:ResidualMLP",
    "PlainMLP": "plateaus.networks.residual:PlainMLP",
    "network": "plateaus.networks.residual:network",
    "from_modules": "plateaus.networks.modules:from_modules",
    "Ends": "plateaus.experiments.ends:Ends",
    "experiments": "plateaus.experiments",
    "evidence": "plateaus.evidence",
    "load": "plateaus.networks.load:load",
    "device": "plateaus.networks.load:device",
    "embedded_names": "plateaus.networks.embedded:embedded_names",
    "Height": "plateaus.geometry.height:Height",
    "Plateau": "plateaus.geometry.plateau:Plateau",
    "open_chapter": "plateaus.book.chapter:open_chapter",
    "whole": "plateaus.book.chapter:whole",
    "real": "plateaus.book.chapter:real",
    "text": "plateaus.book.chapter:text",
    "one_of": "plateaus.book.chapter:one_of",
    "listing": "plateaus.book.chapter:listing",
}
__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(
            f"module 'plateaus' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    module, _, attribute = _WHERE[name].partition(":")
    found = import_module(module)
    found = getattr(found, attribute) if attribute else found
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
