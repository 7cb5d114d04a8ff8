"""Separation in R^d: proofs that b lies outside the plateau of a, though h_a(b) may be small.

A closed set on which h_a >= r throughout, with a on one side and b on the other, cannot be crossed
below r. Here such sets are the surface of a box around a (a moat), and the places where one
coordinate of an inner block takes one value (a level set: a hyperplane, if the block is the
input). That h_a is high on all of it is proved by ``bounds.floor``. On a plane exact cuts are
better: ``exact.cuts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from plateaus.errors import BadParameter, BadPoints, Undecided
from plateaus.geometry import checks
from plateaus.geometry.bounds.floor import Plane, floor
from plateaus.geometry.bounds.heights import height_bounds, outputs
from plateaus.geometry.bounds.interval import Box, affine, around, float_up
from plateaus.geometry.bounds.program import Program, program, rounded
from plateaus.geometry.bounds.unbounded import everywhere, ranges
from plateaus.geometry.exact.norms import radius
from plateaus.geometry.exact.program import ExactNetwork
from plateaus.geometry.metrics import check_metric
from plateaus.networks.network import Network


@dataclass(frozen=True, kw_only=True)
class Separation:
    """A closed set that every path from a to b meets, and a proved lower bound of h_a on it."""

    height: float
    """b lies outside P_r(a) for every r up to this."""
    by: str
    """Which set it is, in words."""
    boxes: int
    """Boxes that were bounded: the cost."""

    def statement(self) -> str:
        """What has been shown, in a sentence."""
        return (
            f"b lies outside P_r(a) for every r <= {self.height:.6g}: h_a is as high on {self.by}"
        )


def moat(
    network: Network | ExactNetwork,
    a: Sequence,
    b: Sequence,
    half_width: float | Sequence,
    *,
    metric: str = "l2",
    goal: float = np.inf,
    budget: int = 20_000,
) -> Separation:
    """The surface of the box around a of these half-widths, with b outside it.

    Args:
        half_width: one number, or one for each coordinate.
        goal: stop once h_a is proved to be this high.
        budget: boxes to bound at most, about.

    Raises:
        BadPoints: wrong dimension, or b lies inside the box.
        BadParameter: unknown metric, or half-widths that are not positive.
        NotCertifiable: a network that bounds cannot follow.
    """
    steps, a, b = _checked(network, a, b, metric)
    widths = np.broadcast_to(np.asarray(half_width, dtype=float), a.shape)
    if not (np.isfinite(widths) & (widths > 0)).all():
        raise BadParameter("The half-widths of a moat are positive numbers: give one, or one each.")
    low, high = a - widths, a + widths
    if ((low < b) & (b < high)).all():
        raise BadPoints("b lies inside the moat, which separates it from nothing: dig it closer.")
    faces = Box(low=np.tile(low, (2 * len(a), 1)), high=np.tile(high, (2 * len(a), 1)))
    for i in range(len(a)):
        faces.high[2 * i, i], faces.low[2 * i + 1, i] = low[i], high[i]
    found = floor(steps, outputs(steps, around(a)), faces, metric, goal=goal, budget=budget)
    return Separation(height=found.height, by="the surface of a box around a", boxes=found.boxes)


def level_set(
    network: Network | ExactNetwork,
    a: Sequence,
    b: Sequence,
    normal: Sequence,
    level: float,
    *,
    block: int = 0,
    metric: str = "l2",
    goal: float = np.inf,
    budget: int = 20_000,
) -> Separation:
    """{x : normal . x_block = level}, x_block being what enters a block; the hyperplane if block 0.

    The bound is over all states that the blocks before can produce from any input at all.

    Raises:
        BadPoints: wrong dimension, or a and b lie on one side.
        BadParameter: unknown metric, block, or a level that is no number.
        NotCertifiable: a network that bounds cannot follow.
    """
    steps, a, b = _checked(network, a, b, metric)
    if not 0 <= block < len(network.blocks):
        raise BadParameter(
            f"{network.name} has blocks 0 to {len(network.blocks) - 1}, got block={block!r}: a "
            "level set lies before one of these."
        )
    normal, level = np.asarray(normal, dtype=float), checks.real(level, "A level")
    if normal.shape != (network.dims[block],) or not np.isfinite(normal).all() or not normal.any():
        raise BadPoints(
            f"A normal has {network.dims[block]} finite coordinates, not all zero, where block "
            f"{block} of {network.name} is entered."
        )
    before = rounded(program(network[:block])) if block else ()
    sides = [_side(before, x, normal, level) for x in (a, b)]
    if sides[0] * sides[1] >= 0:
        raise BadPoints(
            "a and b are not proved to lie on different sides of this level set: choose a level "
            "between theirs."
        )
    states = everywhere(network.dims[0])
    if block:
        states = ranges(before, states)
    found = floor(
        rounded(program(network[block:])),
        outputs(steps, around(a)),
        states,
        metric,
        plane=Plane(normal=normal, level=float(level)),
        goal=goal,
        budget=budget,
    )
    where = "a hyperplane" if not block else f"a level set of what enters block {block}"
    return Separation(height=found.height, by=where, boxes=found.boxes)


def separate(
    network: Network | ExactNetwork,
    a: Sequence,
    b: Sequence,
    r: float,
    *,
    metric: str = "l2",
    levels: int = 3,
    budget: int = 2_000,
) -> Separation:
    """Try to prove that b lies outside P_r(a): by its own height, moats, and level sets of single
    coordinates and of the direction from a to b, before every block.

    Args:
        levels: for each direction, values tried between those of a and b.
        budget: boxes for each set tried.

    Raises:
        Undecided: nothing that was tried separates them. That proves nothing.
        BadPoints, BadParameter, BadRadius, NotCertifiable: as ``moat`` and ``level_set``.
    """
    steps, start, end = _checked(network, a, b, metric)
    goal = float_up(radius(r))
    levels = checks.whole(levels, "levels", least=1)
    own = height_bounds(steps, around(end), start, metric)
    if own.low >= goal:
        return Separation(height=float(own.low), by="b itself", boxes=1)
    for found in _tries(network, start, end, metric, levels, goal, budget):
        if found.height >= goal:
            return found
    raise Undecided(
        f"No moat and no level set that was tried has h_a >= {goal:.6g} throughout: give a set of "
        "your own to separation.level_set or moat, raise levels or budget, or search a path."
    )


def _tries(network, a, b, metric, levels, goal, budget) -> Iterator[Separation]:
    options = {"metric": metric, "goal": goal, "budget": budget}
    shares = np.arange(1, levels + 1) / (levels + 1)
    for block in range(len(network.blocks)):
        x, y = (_entering(network, z, block) for z in (a, b))
        axes = [axis for axis in np.eye(len(x)) if axis @ x != axis @ y]
        for normal in (*axes, y - x) if len(x) > 1 else axes:
            low, high = normal @ x, normal @ y
            for share in shares:
                level = low + share * (high - low)
                yield level_set(network, a, b, normal, level, block=block, **options)
    for share in shares:
        yield moat(network, a, b, share * float(np.abs(b - a).max()), **options)


def _entering(network, x: np.ndarray, block: int) -> np.ndarray:
    if not block:
        return x
    box = outputs(rounded(program(network[:block])), around(x))
    return (box.low + box.high) / 2


def _side(before: Program, x: np.ndarray, normal: np.ndarray, level: float) -> int:
    """1 above the level, -1 below it, 0 if that is not certain."""
    box = outputs(before, around(x)) if before else around(x)
    value = affine(normal[None], np.array([-level]), box)
    return int(value.low[0] > 0) - int(value.high[0] < 0)


def _checked(network, a, b, metric) -> tuple[Program, np.ndarray, np.ndarray]:
    check_metric(metric)
    steps = rounded(program(network))
    points = [checks.tensor(x).double().cpu().numpy() for x in (a, b)]
    for x in points:
        if x.shape != (network.dims[0],) or not np.isfinite(x).all():
            raise BadPoints(
                f"{network.name} takes single points of dimension {network.dims[0]} with finite "
                f"coordinates, got shape {x.shape}."
            )
    return steps, *points
