"""Upper bounds of the largest singular value of a matrix, proved and not only computed."""

from __future__ import annotations

import numpy as np

from plateaus.geometry.bounds.interval import TINY, UNIT, raise_, root_up


def spectral(weight: np.ndarray):
    """An upper bound of the largest singular value.

    Rational weights by Schur's test and Frobenius' norm, exactly; floats also by ``singular``.
    """
    rows, columns = abs(weight).sum(axis=1).max(), abs(weight).sum(axis=0).max()
    schur = raise_(rows * columns, sum(weight.shape))
    frobenius_squared = raise_((weight * weight).sum(), weight.size)
    bound = root_up(min(schur, frobenius_squared))
    return bound if weight.dtype == object else min(bound, singular(weight))


def singular(weight: np.ndarray) -> float:
    """The same from a singular value decomposition U S V^T of which nothing is assumed.

    With E = W - U S V^T, |W| <= |U| max S |V| + |E|_F and |U|^2 <= 1 + |U^T U - I|_F. What is
    trusted is the rounding of sums and products alone.
    """
    scale = 2.0 ** np.frexp(abs(weight).max())[1]
    if not 0 < scale < np.inf:
        return float(abs(weight).max())  # zero, infinite or not a number
    weight = weight / scale  # exact: a power of two
    try:
        u, s, v = np.linalg.svd(weight, full_matrices=False)
    except np.linalg.LinAlgError:
        return float("inf")
    left, product = u * s, (u * s) @ v
    rest = frobenius(weight - product) + _lost(left, v) + 2 * UNIT * frobenius(product)
    rest += 2 * UNIT * frobenius(left) * frobenius(v)  # the rounding of u * s itself
    return float(raise_(s.max() * _turn(u) * _turn(v.T) + rest, 8)) * scale


def frobenius(x: np.ndarray) -> float:
    """sqrt(sum x_ij^2), rounded up; entries should not be far from one."""
    return root_up(raise_((x * x).sum(), x.size))


def _turn(basis: np.ndarray) -> float:
    """An upper bound of the norm of a matrix whose columns are nearly orthonormal."""
    gram = basis.T @ basis - np.eye(basis.shape[1])
    return root_up(raise_(1 + frobenius(gram) + _lost(basis.T, basis) + 4 * UNIT, 4))


def _lost(x: np.ndarray, y: np.ndarray) -> float:
    """Frobenius norm of what rounding can change in the matrix product x y."""
    return raise_(2 * (x.shape[1] + 2) * UNIT * frobenius(x) * frobenius(y), 4) + TINY * y.size
