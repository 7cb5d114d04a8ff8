"""What node values of a grid prove."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import oracle
from engine import Engine, plane_of
from rich_networks import Case

from plateaus.geometry.exact.norms import norm
from plateaus.geometry.exact.pieces import coordinates


def grid_sandwich(engine: Engine, case: Case, *, steps: int = 17) -> None:
    """Node values and directional Lipschitz constants bound the window's merge height from both
    sides.
    """
    measure = norm(case.metric)
    if measure.affine:
        plane = plane_of(case)
        (x0, y0), (x1, y1) = case.window
        xs = [x0 + F(k, steps - 1) * (x1 - x0) for k in range(steps)]
        ys = [y0 + F(k, steps - 1) * (y1 - y0) for k in range(steps)]
        values = {}
        for cell in plane.cells:
            corners = [coordinates(v) for v in cell.region]
            lows, highs = map(min, zip(*corners, strict=True)), map(max, zip(*corners, strict=True))
            (l0, l1), (h0, h1) = lows, highs
            for i, y in enumerate(ys):
                for j, x in enumerate(xs):
                    if (
                        l0 <= x <= h0
                        and l1 <= y <= h1
                        and (i, j) not in values
                        and oracle.holds(corners, (x, y))
                    ):
                        state = [
                            (row[0] + row[1] * x + row[2] * y) / F(cell.denominator)
                            for row in cell.rows
                        ]
                        values[i, j] = measure(tuple(state))
        heights = np.array(
            [[values[i, j] for j in range(steps)] for i in range(steps)], dtype=object
        )
        along = tuple(
            max(
                measure(tuple(F(v, cell.denominator) for v in cell.rows[:, k]))
                for cell in plane.cells
            )
            * (hi - lo)
            / (steps - 1)
            for k, (lo, hi) in ((1, (x0, x1)), (2, (y0, y1)))
        )
        source, target = (
            (ys.index(case.a[1]), xs.index(case.a[0])),
            (ys.index(case.b[1]), xs.index(case.b[0])),
        )
        band = engine.band(heights, source, along)
        m = plane.merge_height(case.b)
        assert band.lower[target] <= m <= band.upper[target]
        four = engine.grid_merge(heights, source)[target]
        assert four - sum(along) / 2 <= m <= four + max(along) / 2
