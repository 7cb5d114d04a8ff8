"""Linear relaxation by backward substitution (CROWN): affine functions of the input that bound the
output.

Zhang et al. 2018 and, for programs with residual steps, Xu et al. 2020. Every activation is
replaced by a line above and a line below its graph on the interval it can see; a linear functional
of the output is then pulled back step by step, choosing the line that keeps the bound valid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plateaus.errors import NotCertifiable
from plateaus.geometry.bounds.functions import Lines, image, lines
from plateaus.geometry.bounds.interval import Box, affine, around_by, norm_up, slack
from plateaus.geometry.bounds.program import Branch, Linear, Pointwise, Program, Step


@dataclass(frozen=True, kw_only=True)
class Relaxed:
    """A step with what the relaxation knows about it on one ball."""

    step: Step
    reach: np.ndarray
    """The largest |state| that can enter the step: rounding errors of coefficients are multiplied
    by it.
    """
    lines: Lines | None = None
    inner: tuple[Relaxed, ...] = ()
    """The steps of a residual branch."""


@dataclass(frozen=True, kw_only=True)
class Ball:
    """{x : |x - a| <= rho} in "linf" or "l2"."""

    centre: np.ndarray
    rho: object
    norm: str

    def highest(self, rows: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """max of rows @ x + offset over the ball, row by row, rounded up."""
        if self.norm == "linf":
            width = abs(rows).sum(axis=1)
        else:
            width = np.array([norm_up(abs(row), "l2") for row in rows])
        middle, spread = rows @ self.centre + offset, self.rho * width
        if rows.dtype == object:
            return middle + spread
        size = abs(rows) @ abs(self.centre) + abs(offset) + spread
        return middle + spread + slack(size, rows.shape[1] + 2)


def relax(steps: Program, domain: Ball) -> tuple[tuple[Relaxed, ...], Box]:
    """Lines for every activation of the program on the ball, each from a backward pass of its own;
    and the output box.
    """
    return _forward(steps, around_by(domain.centre, domain.rho), (), domain)


def deviations(steps: Program, domain: Ball, centre: Box) -> np.ndarray:
    """Upper bounds of |f_i(x) - f_i(a)| over the ball, given a box that holds f(a)."""
    layers, box = relax(steps, domain)
    tight = _bounds(layers, box, domain)
    return np.maximum(np.maximum(tight.high - centre.low, centre.high - tight.low), 0)


def _forward(
    steps: Program, box: Box, before: tuple[Relaxed, ...], domain: Ball
) -> tuple[tuple[Relaxed, ...], Box]:
    layers: tuple[Relaxed, ...] = ()
    for step in steps:
        match step:
            case Linear():
                layer, after = (
                    Relaxed(step=step, reach=box.reach),
                    affine(step.weight, step.bias, box),
                )
            case Pointwise():
                box = _bounds(before + layers, box, domain)
                layer, after = (
                    Relaxed(step=step, reach=box.reach, lines=lines(step.kind, box)),
                    image(step.kind, box),
                )
            case Branch():
                inner, update = _forward(step.steps, box, before + layers, domain)
                layer, after = Relaxed(step=step, reach=box.reach, inner=inner), box + update
            case _:
                kind = {"Normalise": "LayerNorm", "Attend": "attention"}[type(step).__name__]
                raise NotCertifiable(
                    f"Linear relaxation has no lines for {kind}: use method='interval' or "
                    "'jacobian', or a network without it."
                )
        layers, box = (*layers, layer), after
    return layers, box


def _bounds(layers: tuple[Relaxed, ...], box: Box, domain: Ball) -> Box:
    """``box``, the interval bound of the state behind ``layers``, met with the backward bound."""
    n = len(box.low)
    eye = np.eye(n, dtype=int).astype(box.low.dtype)
    rows, offset = _pull_back(
        layers, np.concatenate([eye, -eye]), np.concatenate([0 * box.low, 0 * box.low])
    )
    highest = domain.highest(rows, offset)
    return box.meet(-highest[n:], highest[:n])


def _pull_back(
    layers: tuple[Relaxed, ...], rows: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and offset at the input with rows' x + offset' >= rows y + offset for all x of the ball.

    Coefficients are rounded freely; what that can cost, error times the reach of the state, goes
    into the offset.
    """
    for layer in reversed(layers):
        before, constant = rows, offset
        match layer.step:
            case Linear(weight=weight, bias=bias):
                rows, offset = rows @ weight, offset + rows @ bias
            case Pointwise():
                up, down, line = np.maximum(rows, 0), np.minimum(rows, 0), layer.lines
                offset = offset + up @ line.high_offset + down @ line.low_offset
                rows = up * line.high_slope + down * line.low_slope
            case Branch():
                inner, offset = _pull_back(layer.inner, rows, offset)
                rows = rows + inner
        if rows.dtype != object:
            offset = offset + _rounding(layer, before, rows, abs(constant) + abs(offset))
    return rows, offset


def _rounding(
    layer: Relaxed, before: np.ndarray, after: np.ndarray, constant: np.ndarray
) -> np.ndarray:
    """What rounding in one step can have cost: errors of coefficients times the reach, errors of
    the offset.
    """
    match layer.step:
        case Linear(weight=weight, bias=bias):
            size, constant = abs(before) @ abs(weight), constant + abs(before) @ abs(bias)
        case Pointwise():
            most = np.maximum(abs(layer.lines.high_offset), abs(layer.lines.low_offset))
            size, constant = abs(after), constant + abs(before) @ most
        case _:
            size = 2 * (abs(before) + abs(after))
    return slack(constant + size @ layer.reach, 2 * (size.shape[1] + before.shape[1] + 2))
