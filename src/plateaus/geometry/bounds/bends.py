"""How much smooth layers bend: first and second derivatives on Euclidean balls of R^d.

The layers are what a GPT-2 block adds to its stream, behind a LayerNorm: a perceptron, attention
over a kept prefix, or a linear head. All functions of the *whitened* vector n = (x - mean) / s; the
LayerNorm itself is in ``tube``. Arrays carry P points at once, and every bound is an upper one:
sums of at most ``WIDEST`` products, a relative 2^-30 and, where terms cancel, 2^-40 of their sizes
cannot be exceeded by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plateaus.geometry.bounds.functions import FUNCTIONS, curves, slopes
from plateaus.geometry.bounds.interval import Box
from plateaus.geometry.bounds.program import Linear
from plateaus.geometry.bounds.singular import frobenius, spectral

WIDEST = 4096
"""The widest layers for which the margins below hold: WIDEST 2^-53 < 2^-40."""
UP = 1 + 2.0**-30
"""Swallows the rounding of sums and products of bounds, all of them positive."""
CANCELLED = 2.0**-40
"""The rounding of sums relative to the sizes of their terms, which may cancel."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """n -> W n + b."""

    linear: Linear

    def jacobian(self, n: np.ndarray) -> np.ndarray:
        """``(P, c, d)``."""
        return np.broadcast_to(self.linear.weight, (len(n), *self.linear.weight.shape))

    def blur(self, n: np.ndarray) -> np.ndarray:
        """How far the computed Jacobian may be off, ``(P,)``."""
        return np.zeros(len(n))

    def slope(self, n: np.ndarray, r: np.ndarray) -> np.ndarray:
        """sup of |D| over the ball of radius r about each n, ``(P,)``."""
        return np.full(len(n), spectral(self.linear.weight))

    def bend(self, n: np.ndarray, r: np.ndarray) -> np.ndarray:
        """sup of |D^2| over the same balls, ``(P,)``."""
        return np.zeros(len(n))

    def along(self, n: np.ndarray, r: np.ndarray, w: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """sup of |D^2[w', w']| over n' in the ball and w' within ``spread`` of w, ``(P,)``."""
        return np.zeros(len(n))


@dataclass(frozen=True, kw_only=True)
class Perceptron:
    """n -> W_out sigma(V n + b) + c."""

    inner: Linear
    kind: str
    outer: Linear

    @cached_property
    def rows(self) -> np.ndarray:
        """|V_j|, ``(m,)``."""
        return np.linalg.norm(self.inner.weight, axis=1) * UP

    @cached_property
    def grams(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(V V^T)^2 and (W^T W)^2 entry by entry, balanced, and |W^T W|; each ``(m, m)``."""
        v, w = self.inner.weight, self.outer.weight
        columns = np.linalg.norm(w, axis=0)
        balance = (columns + 1e-30) / (self.rows + 1e-30)  # any positive weights are right
        inner, outer = v @ v.T, w.T @ w
        outer_error = CANCELLED * np.outer(columns, columns)
        inner_error = CANCELLED * np.outer(self.rows, self.rows)
        return (
            (np.abs(inner) + inner_error) ** 2 * np.outer(balance, balance),
            (np.abs(outer) + outer_error) ** 2 / np.outer(balance, balance),
            np.abs(outer) + outer_error,
        )

    def blur(self, n: np.ndarray) -> np.ndarray:
        # Gates err with hidden units, whose curvature is below 2, and in the library's function.
        size = frobenius(self.inner.weight) * frobenius(self.outer.weight)
        reached = np.linalg.norm(n, axis=1) * self.rows.max() + np.abs(self.inner.bias).max()
        return 4 * CANCELLED * size * (1 + reached)

    def hidden(self, n: np.ndarray) -> np.ndarray:
        return n @ self.inner.weight.T + self.inner.bias

    def jacobian(self, n: np.ndarray) -> np.ndarray:
        gates = FUNCTIONS[self.kind].slope(self.hidden(n))
        return (self.outer.weight * gates[:, None, :]) @ self.inner.weight

    def slope(self, n: np.ndarray, r: np.ndarray) -> np.ndarray:
        return self._sandwiched(slopes(self.kind, self._reached(n, r)).reach)

    def bend(self, n: np.ndarray, r: np.ndarray) -> np.ndarray:
        # D^2[u, u'] = W diag(sigma'' (V u')) V u, and |V_j u'| <= |V_j| for a unit vector.
        return self._sandwiched(curves(self.kind, self._reached(n, r)).reach * self.rows)

    def along(self, n: np.ndarray, r: np.ndarray, w: np.ndarray, spread: np.ndarray) -> np.ndarray:
        cancelled = CANCELLED * np.linalg.norm(w, axis=1, keepdims=True)
        moved = np.abs(w @ self.inner.weight.T) + self.rows * (spread[:, None] + cancelled)
        bent = curves(self.kind, self._reached(n, r)).reach * moved**2
        return np.sqrt(((bent @ self.grams[2]) * bent).sum(1)) * UP

    def _reached(self, n: np.ndarray, r: np.ndarray) -> Box:
        """Where hidden units can be on the ball."""
        z = self.hidden(n)
        sizes = np.linalg.norm(n, axis=1)[:, None] * self.rows + np.abs(self.inner.bias)
        reach = r[:, None] * self.rows * UP + CANCELLED * sizes
        return Box(low=z - reach, high=z + reach)

    def _sandwiched(self, rho: np.ndarray) -> np.ndarray:
        """|W diag(theta) V| for all |theta_j| <= rho_j, ``(P, m)`` to ``(P,)``.

        It is at most |W diag(sqrt(rho / c))| |diag(sqrt(rho c)) V| for any weights c > 0, and each
        factor's fourth power at most |W diag(rho / c) W^T|_F^2 = rho^T ((W^T W)^2 / c c^T) rho.
        """
        left, right = (((rho @ gram) * rho).sum(1) for gram in self.grams[:2])
        return (left * right) ** 0.25 * UP
