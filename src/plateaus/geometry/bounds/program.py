"""A network as a short list of steps that bounds can walk through, in rationals or in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import torch
from torch import nn

from plateaus.errors import NotCertifiable
from plateaus.geometry.exact import program as rational
from plateaus.geometry.exact.convert import stages
from plateaus.networks.layers import Added, PrefixAttention
from plateaus.networks.network import Chain, Network
from plateaus.networks.residual import BranchBlock, ResidualBlock


@dataclass(frozen=True, kw_only=True)
class Linear:
    """x -> weight x + bias; entries are all ``Fraction`` (dtype object) or all float64."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Pointwise:
    """An activation function in every coordinate; its name is a key of ``functions.FUNCTIONS``."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class Normalise:
    """LayerNorm: gain * (x - mean) / sqrt(var + epsilon) + shift."""

    gain: np.ndarray
    shift: np.ndarray
    epsilon: float


@dataclass(frozen=True, kw_only=True)
class Attend:
    """Self-attention of one position that sees a kept prefix of T positions, and itself."""

    query: Linear
    """Scaled: scores are plain products. All heads together, ``(heads * d_head, d)``."""
    key: Linear
    value: Linear
    out: Linear
    keys: np.ndarray
    """Of the prefix, ``(heads, T, d_head)``."""
    values: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Branch:
    """x -> x + steps(x)."""

    steps: tuple[Step, ...]


Step: TypeAlias = Linear | Pointwise | Normalise | Attend | Branch
Program: TypeAlias = tuple[Step, ...]


def program(network: Network | rational.ExactNetwork) -> Program:
    """The steps of a network, readout included.

    An ``ExactNetwork`` gives a program over the rationals, whose bounds are exact statements. A
    ``Network`` gives one in float64, whose bounds are rounded outwards; they hold for the map that
    the weights define, not for the rounding of its own forward pass.

    Raises:
        NotCertifiable: a block is none of Linear, ReLU, GELU, SiLU, Tanh, LayerNorm, identity,
            residual.
    """
    if isinstance(network, rational.ExactNetwork):
        return _rational(network.steps)
    return tuple(step for stage in stages(network) for step in _float(stage))


def exact(steps: Program) -> bool:
    """Whether the first linear step has rational weights."""
    for step in steps:
        if isinstance(step, Linear):
            return step.weight.dtype == object
        if isinstance(step, Branch) and step.steps:
            return exact(step.steps)
    return True


def rounded(steps: Program) -> Program:
    """The same steps with weights in float64, for arithmetic on float boxes.

    Each weight moves by half a unit in its last place at most: bounds rounded outwards hold for the
    rational map too, because ``interval.slack`` is more than twice what sums of products lose.
    """
    found: list[Step] = []
    for step in steps:
        match step:
            case Linear(weight=weight, bias=bias):
                found.append(Linear(weight=weight.astype(float), bias=bias.astype(float)))
            case Branch():
                found.append(Branch(steps=rounded(step.steps)))
            case _:
                found.append(step)
    return tuple(found)


def _rational(steps: Sequence[rational.Step]) -> Program:
    found: list[Step] = []
    for step in steps:
        match step:
            case rational.Affine():
                found.append(Linear(weight=_objects(step.weight), bias=_objects(step.bias)))
            case rational.ReLU():
                found.append(Pointwise(kind="relu"))
            case rational.Residual():
                found.append(Branch(steps=_rational(step.branch)))
    return tuple(found)


def _objects(values: Sequence) -> np.ndarray:
    return np.array([list(v) if isinstance(v, tuple) else v for v in values], dtype=object)


def _float(stage: Callable) -> Program:
    match stage:
        case nn.Linear():
            return (_linear(stage),)
        case nn.ReLU():
            return (Pointwise(kind="relu"),)
        case nn.GELU(approximate="none"):
            return (Pointwise(kind="gelu"),)
        case nn.GELU(approximate="tanh"):
            return (Pointwise(kind="gelu_tanh"),)
        case nn.SiLU():
            return (Pointwise(kind="silu"),)
        case nn.Tanh():
            return (Pointwise(kind="tanh"),)
        case nn.Identity():
            return ()
        case nn.LayerNorm() if len(stage.normalized_shape) == 1:
            ones = np.ones(stage.normalized_shape)
            gain = ones if stage.weight is None else _numbers(stage.weight)
            return (
                Normalise(
                    gain=gain,
                    shift=0 * ones if stage.bias is None else _numbers(stage.bias),
                    epsilon=float(stage.eps),
                ),
            )
        case nn.Sequential():
            return tuple(step for part in stage for step in _float(part))
        case ResidualBlock():
            branch = _float(stage.branch)
            return (Branch(steps=branch),) if stage.skip else branch
        case BranchBlock(frozen=None):
            return _float(stage.block)
        case Added():
            return (Branch(steps=_float(stage.branch)),)
        case PrefixAttention():
            return (_attention(stage),)
        case Chain():
            return tuple(step for part in stage.steps for step in _float(part))
        case _:
            raise NotCertifiable(
                f"A {type(stage).__name__} has no certified bound: bounds take Linear, ReLU, GELU, "
                "SiLU, Tanh, LayerNorm, residual blocks and what networks.explicit writes out; "
                "search for paths or sample instead."
            )


def _linear(layer: nn.Linear) -> Linear:
    weight = _numbers(layer.weight)
    bias = np.zeros(len(weight)) if layer.bias is None else _numbers(layer.bias)
    return Linear(weight=weight, bias=bias)


def _attention(layer: PrefixAttention) -> Attend:
    keys, values = _numbers(layer.kept)
    query = _linear(layer.query)
    # Exact where a head's width is a power of four, as 16, 64 or 256; else one unit in the last
    # place, which the slack of every product includes.
    scale = keys.shape[-1] ** -0.5
    return Attend(
        query=Linear(weight=query.weight * scale, bias=query.bias * scale),
        key=_linear(layer.key),
        value=_linear(layer.value),
        out=_linear(layer.out),
        keys=keys,
        values=values,
    )


def _numbers(parameter: torch.Tensor) -> np.ndarray:
    return parameter.detach().cpu().double().numpy()


def points(values: Sequence, *, rationals: bool) -> np.ndarray:
    """An anchor in the program's arithmetic, shape ``(d,)``."""
    if rationals:
        return np.array(rational.point(values), dtype=object)
    return np.array([float(Fraction(v)) for v in rational.point(values)])
