"""Certified tubes: how far a smooth network's path can bulge between two of its samples.

A piece of a path is a straight segment that enters a chain of maps g_0, ..., g_{L-1}: the residual
sublayers of a transformer and, last, its final norm and head. At both ends the states c_l are
computed. Between the ends the true state is

    x_l(t) = (1 - t) c_l^0 + t c_l^1 + e_l(t),        e_0 = 0,
    e_{l+1} = J_l e_l + u_l,      |u_l| <= |D^2 g_l[D, D]| / 8 + rounding + |Dg_l - J_l| |e_l|,

with D = c_l^1 - c_l^0 and J_l a computed Jacobian at the middle: a chord misses its curve by an
eighth of the second derivative. Hence |e_L| <= sum_l |J_{L-1} ... J_{l+1}| |u_l|, where the product
of all Jacobians is taken before its norm: products of norms, and intervals, which forget how
coordinates move together, grow by orders of magnitude with each block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plateaus.geometry.bounds.attention_bends import Attention
from plateaus.geometry.bounds.bends import CANCELLED, UP, Head, Perceptron
from plateaus.geometry.bounds.interval import around
from plateaus.geometry.bounds.program import Program
from plateaus.geometry.bounds.propagate import states

BEND = 2 / 3**0.5
"""Whitening n(x) = (x - mean) / s has |D^2 n| <= BEND / (sqrt(d) s^2), and |Dn| <= 1 / s."""


@dataclass(frozen=True, kw_only=True)
class Map:
    """x -> [x +] body(n(x)), n the whitening of a LayerNorm; gain and shift are in ``body``."""

    steps: Program
    epsilon: float
    body: Head | Perceptron | Attention
    residual: bool

    def value(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """g(x) for points ``(P, d)``, and a bound ``(P,)`` on the length of its rounding error."""
        box = states(self.steps, around(x))
        middle = (box.low + box.high) / 2
        reach = np.maximum(box.high - middle, middle - box.low)
        return middle, np.linalg.norm(reach, axis=1) * UP

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """``(P, c, d)``, up to ``blur``."""
        n, s = self._whitened(x)
        d = x.shape[1]
        outer = self.body.jacobian(n)
        rows = outer - outer.mean(axis=-1, keepdims=True)
        rows = (rows - (outer @ n[:, :, None]) * n[:, None, :] / d) / s[:, None, None]
        return rows + np.eye(d) if self.residual else rows

    def blur(self, x: np.ndarray) -> np.ndarray:
        """How far the computed Jacobian may be off, ``(P,)``."""
        n, s = self._whitened(x)
        slip = self._slip(x)
        size = self.body.slope(n, slip) * 8 * CANCELLED * x.shape[1] ** 0.5
        size = size + self.body.bend(n, slip) * slip
        return (self.body.blur(n) + size) / s * UP + 4 * CANCELLED

    def bend(self, x: np.ndarray, r: np.ndarray) -> np.ndarray:
        """sup |D^2 g| over the ball of radius r about each x, ``(P,)``."""
        n, least, reach = self._ball(x, r)
        with np.errstate(over="ignore", invalid="ignore"):  # infinite where the ball is too large
            own = BEND / (x.shape[1] ** 0.5 * least**2)
            return (self.body.bend(n, reach) / least**2 + self.body.slope(n, reach) * own) * UP

    def along(self, x: np.ndarray, step: np.ndarray) -> np.ndarray:
        """sup |D^2 g[step, step]| on the segment from x - step / 2 to x + step / 2, ``(P,)``."""
        size = np.linalg.norm(step, axis=1) * UP
        n, least, reach = self._ball(x, size / 2)
        own = BEND / (x.shape[1] ** 0.5 * least**2)
        _, s = self._whitened(x)
        centred = step - step.mean(axis=1, keepdims=True)
        moved = (centred - n * (n * centred).mean(axis=1, keepdims=True)) / s[:, None]
        spread = own * size**2 / 2 + 8 * CANCELLED * size / least
        bent = self.body.along(n, reach, moved, spread)
        return (bent + self.body.slope(n, reach) * own * size**2) * UP

    def _whitened(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        centred = x - x.mean(axis=1, keepdims=True)
        s = np.sqrt((centred**2).mean(axis=1) + self.epsilon)
        return centred / s[:, None], s

    def _slip(self, x: np.ndarray) -> np.ndarray:
        """How far computed whitened vectors are off."""
        _, s = self._whitened(x)
        return 8 * CANCELLED * (x.shape[1] ** 0.5 + np.linalg.norm(x, axis=1) / s)

    def _ball(self, x: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """n(x), the least s on the ball of radius r about x, and how far n can be from n(x)."""
        n, s = self._whitened(x)
        slip = CANCELLED * np.linalg.norm(x, axis=1)
        # |x - mean| / sqrt(d) changes by no more than |x| / sqrt(d) does, and s by no more than it.
        least = (s - (r + slip) / x.shape[1] ** 0.5) * (2 - UP)
        least = np.maximum(least, self.epsilon**0.5 * (2 - UP))
        return n, least, r / least * UP + self._slip(x)


@dataclass(frozen=True, kw_only=True)
class Tube:
    """Where the output of each of P pieces is: within ``bulge`` of the chord of two points."""

    start: np.ndarray
    """Computed outputs at the pieces' starts, ``(P, c)``."""
    end: np.ndarray
    bulge: np.ndarray
    """``(P,)``; infinite where nothing is known."""


def bulges(chain: tuple[Map, ...], start: np.ndarray, end: np.ndarray, loose: float = 0.0) -> Tube:
    """Follow the pieces from ``start`` to ``end``, each ``(P, d)``, through the chain.

    Args:
        loose: how far the true pieces may be from these.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        left, right, errors = [start], [end], []
        for g in chain:
            values, error = g.value(np.concatenate([left[-1], right[-1]]))
            left.append(values[: len(start)])
            right.append(values[len(start) :])
            errors.append(np.maximum(error[: len(start)], error[len(start) :]))
        found = _bulges(chain, left, right, errors, loose)
    return Tube(start=left[-1], end=right[-1], bulge=np.where(np.isfinite(found), found, np.inf))


def _bulges(chain, left, right, errors, loose) -> np.ndarray:
    middles = [(u + v) / 2 for u, v in zip(left[:-1], right[:-1], strict=True)]
    steps = [v - u for u, v in zip(left[:-1], right[:-1], strict=True)]
    jacobians = [g.jacobian(m) for g, m in zip(chain, middles, strict=True)]
    single = [operator_norms(j) for j in jacobians]
    reach = np.full(len(middles[0]), float(loose))
    sources = [reach]
    for g, m, step, rounding, steep in zip(chain, middles, steps, errors, single, strict=True):
        size = np.linalg.norm(step, axis=1) * UP / 2 + reach
        turned = g.bend(m, size) * size + g.blur(m)
        slip = 4 * CANCELLED * np.linalg.norm(m, axis=1)  # of the middle and the chord themselves
        sources.append((g.along(m, step) / 8 + rounding + turned * reach + slip) * UP)
        reach = (steep * reach + sources[-1]) * UP
    total, product, lost = sources[-1], None, 0.0
    # From the last map back: the product of all Jacobians behind each source, then its norm.
    back = zip(jacobians[::-1], single[::-1], sources[-2::-1], strict=True)
    for jacobian, steep, source in back:
        if not source.any():
            break  # only the first source, how loose the piece is, can be zero
        if product is None:
            product = jacobian
        else:
            lost = lost * steep + CANCELLED * _size(product) * _size(jacobian) * UP
            product = product @ jacobian
        total = total + (operator_norms(product) + lost) * source * UP
    return total * UP


def _size(matrices: np.ndarray) -> np.ndarray:
    """Frobenius norms, ``(P,)``."""
    return np.sqrt((matrices * matrices).sum(axis=(1, 2)))


def operator_norms(matrices: np.ndarray) -> np.ndarray:
    """Upper bounds of the largest singular values of ``(P, c, d)``: |M|^8 <= |((M^T M)^T ...)|_F.

    Three squarings: at most d^(1/16) too large.
    """
    scale = np.abs(matrices).max(axis=(1, 2), keepdims=True)
    matrix = matrices / np.where(scale > 0, scale, 1)
    sizes = []
    for _ in range(3):
        sizes.append((matrix * matrix).sum(axis=(1, 2)))  # squared Frobenius norms
        matrix = np.swapaxes(matrix, 1, 2) @ matrix
    square = np.sqrt((matrix * matrix).sum(axis=(1, 2)))
    for size in reversed(sizes):
        square = np.sqrt((square + CANCELLED * size) * UP)
    return square * scale[:, 0, 0] * UP
