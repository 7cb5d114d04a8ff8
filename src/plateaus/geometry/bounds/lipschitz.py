"""Products of Lipschitz constants: cheap, global, and far too large for deep networks."""

from __future__ import annotations

import numpy as np

from plateaus.geometry.bounds.functions import constant
from plateaus.geometry.bounds.interval import raise_, root_up
from plateaus.geometry.bounds.program import Branch, Linear, Normalise, Pointwise, Program, Step

SPECTRAL = 1e-9
"""Relative error granted to a computed largest singular value; LAPACK's is a small multiple of n
2^-53.
"""


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


def row_sum(weight: np.ndarray):
    """The operator norm for the maximum norm: the largest absolute row sum."""
    return raise_(abs(weight).sum(axis=1).max(), weight.shape[1])


def spectral(weight: np.ndarray):
    """An upper bound of the largest singular value: rational weights by Schur's test and Frobenius,
    floats by SVD too.
    """
    rows, columns = abs(weight).sum(axis=1).max(), abs(weight).sum(axis=0).max()
    schur, frobenius = (
        raise_(rows * columns, sum(weight.shape)),
        raise_((weight * weight).sum(), weight.size),
    )
    bound = root_up(min(schur, frobenius))
    if weight.dtype == object:
        return bound
    return min(bound, float(np.linalg.svd(weight, compute_uv=False)[0]) * (1 + SPECTRAL))


def normalisation(step: Normalise, norm: str) -> float:
    """LayerNorm: J = diag(gain) (C - x x^T / d) / s with s >= sqrt(epsilon), x the normalised
    vector, |x|_2^2 <= d.

    C - x x^T / d is symmetric with eigenvalues in [0, 1], so |J|_2 <= max |gain| / sqrt(epsilon).
    In the maximum norm C contributes at most 2 and the rank-one term at most max |x_i| sum |x_j| /
    d <= sqrt(d).
    """
    scale = float(abs(step.gain).max()) / np.sqrt(step.epsilon)
    return raise_(scale if norm == "l2" else scale * (2 + np.sqrt(len(step.gain))), 4)
