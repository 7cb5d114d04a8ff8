"""Deliberately wrong engines of grids."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
from engine import Engine

from plateaus.geometry.flood import Band, grid_band, over_grid


class EightAsFour(Engine):
    """Diagonal steps where the bounds assume none."""

    def grid_merge(self, heights: np.ndarray, source: tuple[int, int]) -> np.ndarray:
        return over_grid(heights, source, connectivity=8)

    def band(self, heights: np.ndarray, source: tuple[int, int], along: tuple[F, F]) -> Band:
        eight = over_grid(heights, source, connectivity=8)
        return Band(lower=eight, upper=eight + max(along) / 2)


class HalvedSlack(Engine):
    def band(self, heights: np.ndarray, source: tuple[int, int], along: tuple[F, F]) -> Band:
        return grid_band(heights, source, along=tuple(v / 2 for v in along))


class NoSlack(Engine):
    def band(self, heights: np.ndarray, source: tuple[int, int], along: tuple[F, F]) -> Band:
        return grid_band(heights, source, along=(F(0), F(0)))
