"""A transformer as a chain of maps that ``tube`` can follow."""

from __future__ import annotations

import numpy as np

from plateaus.errors import NotCertifiable
from plateaus.geometry.bounds.attention_bends import Attention
from plateaus.geometry.bounds.bends import WIDEST, Head, Perceptron
from plateaus.geometry.bounds.program import (
    Attend,
    Branch,
    Linear,
    Normalise,
    Pointwise,
    Program,
    Step,
)
from plateaus.geometry.bounds.tube import Map


def maps(steps: Program) -> tuple[Map, ...]:
    """The chain of maps of a GPT-2 that ``networks.explicit`` wrote out.

    Raises:
        NotCertifiable: another chain of steps, or layers wider than ``WIDEST``.
    """
    found, rest = [], list(steps)
    while rest:
        if isinstance(rest[0], Branch):
            found.append(_map(rest.pop(0).steps, residual=True))
        else:
            found.append(_map(tuple(rest), residual=False))
            rest = []
    return tuple(found)


def _map(steps: Program, *, residual: bool) -> Map:
    match steps:
        case (Normalise() as norm, Linear() as inner, Pointwise(kind=kind), Linear() as outer) if (
            kind != "relu"
        ):
            body = Perceptron(inner=_folded(norm, inner), kind=kind, outer=outer)
        case (Normalise() as norm, Attend() as attend):
            parts = {k: _folded(norm, getattr(attend, k)) for k in ("query", "key", "value")}
            kept = {"keys": attend.keys, "values": attend.values, "out": attend.out}
            body = Attention(step=Attend(**parts, **kept))
        case (Normalise() as norm, Linear() as head):
            body = Head(linear=_folded(norm, head))
        case (Normalise() as norm,):
            eye = Linear(weight=np.eye(len(norm.gain)), bias=np.zeros(len(norm.gain)))
            body = Head(linear=_folded(norm, eye))
        case _:
            names = " → ".join(_name(step) for step in steps)
            raise NotCertifiable(
                "A path is certified through LayerNorm followed by a perceptron, attention or a "
                f"head, as in a GPT-2; this network has {names}: search and sample there instead."
            )
    widest = max(max(step.weight.shape) for step in _linears(steps))
    if widest > WIDEST:
        raise NotCertifiable(
            f"A path is certified through layers of at most {WIDEST} units, got {widest}: the "
            "margins for rounding hold no further."
        )
    whole = (Branch(steps=steps),) if residual else steps
    return Map(steps=whole, epsilon=norm.epsilon, body=body, residual=residual)


def _name(step: Step) -> str:
    return getattr(step, "kind", type(step).__name__)


def _linears(steps: Program) -> list[Linear]:
    found = [Linear(weight=np.ones((1, 1)), bias=np.zeros(1))]
    for step in steps:
        match step:
            case Linear():
                found.append(step)
            case Attend():
                found += [step.query, step.key, step.value, step.out]
    return found


def _folded(norm: Normalise, layer: Linear) -> Linear:
    """The layer as a function of the whitened vector; its rounding is within every margin."""
    return Linear(weight=layer.weight * norm.gain, bias=layer.bias + layer.weight @ norm.shift)
