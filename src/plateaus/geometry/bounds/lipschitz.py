"""Products of Lipschitz constants: cheap, global, and far too large for deep networks."""

from __future__ import annotations

import numpy as np

from plateaus.errors import NotCertifiable
from plateaus.geometry.bounds.functions import constant
from plateaus.geometry.bounds.interval import raise_
from plateaus.geometry.bounds.program import Branch, Linear, Normalise, Pointwise, Program, Step
from plateaus.geometry.bounds.singular import spectral


def lipschitz(steps: Program, norm: str):
    """An upper bound of the Lipschitz constant in one norm ("linf" or "l2") on every layer."""
    bound = 1
    for step in steps:
        bound = raise_(bound * of_step(step, norm), 1)
    return bound


def of_step(step: Step, norm: str):
    """An upper bound for one step. A residual step has 1 + L, not L."""
    match step:
        case Linear():
            return row_sum(step.weight) if norm == "linf" else spectral(step.weight)
        case Pointwise():
            return constant(step.kind)
        case Normalise():
            return normalisation(step, norm)
        case Branch():
            return raise_(1 + lipschitz(step.steps, norm), 1)
        case _:
            raise NotCertifiable(
                "Dot-product attention has no global Lipschitz constant: bound it on a ball or "
                "along a path, with method='interval' or proofs.certify_path."
            )


def row_sum(weight: np.ndarray):
    """The operator norm for the maximum norm: the largest absolute row sum."""
    return raise_(abs(weight).sum(axis=1).max(), weight.shape[1])


def normalisation(step: Normalise, norm: str) -> float:
    """LayerNorm: J = diag(gain) (C - x x^T / d) / s with s >= sqrt(epsilon), x the normalised
    vector, |x|_2^2 <= d.

    C - x x^T / d is symmetric with eigenvalues in [0, 1], so |J|_2 <= max |gain| / sqrt(epsilon).
    In the maximum norm C contributes at most 2 and the rank-one term at most max |x_i| sum |x_j| /
    d <= sqrt(d).
    """
    scale = float(abs(step.gain).max()) / np.sqrt(step.epsilon)
    return raise_(scale if norm == "l2" else scale * (2 + np.sqrt(len(step.gain))), 4)
