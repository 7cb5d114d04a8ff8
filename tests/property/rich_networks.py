"""Networks with barriers: plain random ones have so few that most sabotages would survive.

Every case is made from one integer, so a failing example is a number to write down.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction as F
from random import Random

from hypothesis import strategies as st

from plateaus.geometry.exact import ExactNetwork
from plateaus.geometry.exact.program import ReLU, Residual, Step, absolute, affine, clamp, hinges

WINDOW = ((-4, -4), (4, 4))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network, two points of its input space, a metric and a radius."""

    net: ExactNetwork
    a: tuple[F, ...]
    b: tuple[F, ...]
    metric: str = "linf"
    radius: F = F(1)
    window: tuple = WINDOW
    """Corners of the plane window (2-D) or ends of the line window in x (1-D)."""


def rational(rng: Random, reach: int = 3, parts: int = 4) -> F:
    return F(rng.randint(-reach * parts, reach * parts), parts)


def matrix(rng: Random, rows: int, columns: int, reach: int = 2) -> list[list[F]]:
    return [[rational(rng, reach, 2) for _ in range(columns)] for _ in range(rows)]


def line(rng: Random) -> list[F]:
    """A direction in the plane, not zero."""
    return rng.choice([[1, 0], [0, 1], [1, 1], [1, -1], [2, 1], [1, 2], [2, -1], [1, -2]])


def ridge(rng: Random) -> list[Step]:
    """relu(height - steepness |l(x) - c|): a wall through the window, sometimes of finite
    length.
    """
    across, steep, height = line(rng), rng.randint(1, 3), rng.randint(1, 2)
    c = F(rng.randint(-2, 2), 2)
    wall = [affine([across, [-across[1], across[0]]], [-c, 0]), *absolute(2)]
    # The second coordinate makes the wall end (a way around it) or not.
    reach = rng.choice([0, F(1, 2), 1])
    return [*wall, affine([[-steep, -reach]], [height + reach]), ReLU()]


def ring(rng: Random) -> list[Step]:
    """A closed wall around the middle, of diamond or square shape, possibly with a gap."""
    radius = F(rng.randint(2, 4), 2)
    gap = rng.choice([0, 0, 1])
    shape = [
        *absolute(2),
        affine([[1, 1]] if rng.random() < 0.5 else [[1, rng.choice([F(1, 2), 2])]], [-radius]),
    ]
    wall = [*shape, *absolute(1), affine([[-rng.randint(1, 3)]], [rng.randint(1, 2)]), ReLU()]
    if not gap:
        return wall
    lower = hinges(
        [[1, 0], [0, 1], [0, -1]], [0, 0, 0], [[1, -1, 0]]
    )  # lowered where the second input is positive
    return [*_with_input(wall), *lower, ReLU()]


def _with_input(steps: list[Step]) -> list[Step]:
    """(x, y) -> (steps(x, y), x): one residual stream carries both."""
    lift = affine([[1, 0], [0, 1], [0, 0]])
    inner = [affine([[1, 0, 0], [0, 1, 0]]), *steps, affine([[0], [0], [1]])]
    return [lift, Residual(branch=tuple(inner)), affine([[0, 0, 1], [1, 0, 0]])]


def folds(rng: Random) -> list[Step]:
    """Two or three rounds of |affine|: many sheets."""
    steps: list[Step] = []
    for _ in range(rng.randint(1, 2)):
        steps += [
            affine([line(rng), line(rng)], [rational(rng, 1, 2), rational(rng, 1, 2)]),
            *absolute(2),
        ]
    return [*steps, affine(matrix(rng, rng.randint(1, 2), 2, 1))]


def valley(rng: Random) -> list[Step]:
    """A bent low road between high ground: |x - |y|| and the like, plus a weak tilt."""
    steps = [
        *_with_input([affine([line(rng)]), *absolute(1)]),
        affine([[1, -rng.randint(1, 2)], [0, F(1, 8)]], [0, 0]),
    ]
    return [*steps, *absolute(2), affine([[rng.randint(1, 3), 1]])]


def hills(rng: Random) -> list[Step]:
    """Two diamond hills with plains between: straight across is high, around is low."""
    x, y = F(rng.randint(-1, 1)), F(rng.randint(-1, 1))
    eye = [[1, 0], [0, 1]]
    steps = [affine(eye + eye, [-x, -y, F(-3, 2) - x, F(3, 2) - y]), *absolute(4)]
    return [*steps, affine([[-1, -1, 0, 0], [0, 0, -1, -1]], [rng.randint(1, 2), 1]), ReLU()]


def plain(rng: Random) -> list[Step]:
    """An ordinary random network with one residual block."""
    width = rng.randint(2, 3)
    branch = hinges(
        matrix(rng, 3, width), [rational(rng, 1) for _ in range(3)], matrix(rng, width, 3)
    )
    return [
        affine(matrix(rng, width, 2)),
        Residual(branch=branch),
        affine(matrix(rng, rng.randint(1, 2), width, 1)),
    ]


KINDS = (ridge, ring, folds, valley, hills, plain)


def plane_case(seed: int) -> Case:
    """A network on the plane with two points at least 2 apart in some coordinate."""
    rng = Random(seed)
    kind = KINDS[seed % len(KINDS)]
    net = ExactNetwork.of(*kind(rng), inputs=2, name=kind.__name__)
    while True:
        a, b = (tuple(F(rng.randint(-6, 6), 2) for _ in range(2)) for _ in range(2))
        if max(abs(u - v) for u, v in zip(a, b, strict=True)) >= 2:
            break
    if kind in (ridge, hills) and rng.random() < 0.6:  # often face each other across the middle
        b = tuple(-u for u in a) if max(map(abs, a)) >= 1 else (F(3), F(-2))
    if kind is ring and rng.random() < 0.6:
        a, b = (F(0), F(0)), (F(3), rational(rng, 3, 2))
    return Case(
        net=net, a=a, b=b, metric=rng.choice(["l1", "l2", "linf"]), radius=F(rng.randint(1, 16), 8)
    )


def line_case(seed: int) -> Case:
    """A network on the line: folds, clamps, hinges and residual blocks, one or two outputs."""
    rng = Random(seed)
    steps: list[Step] = []
    for _ in range(rng.randint(1, 3)):
        shift = affine(
            [[F(rng.choice([-2, -1, 1, 2, 3]), rng.choice([1, 2]))]], [rational(rng, 2, 2)]
        )
        bend = Residual(
            branch=hinges([[1], [-1]], [rational(rng), rational(rng)], [[-2, rational(rng)]])
        )
        block = rng.choice([absolute(1), clamp(-1, 1), clamp(0, 1), (bend,)])
        steps += [shift, *block]
    if rng.random() < 0.5:
        steps += hinges([[1], [1], [-1]], [rational(rng), rational(rng), 0], matrix(rng, 2, 3))
    net = ExactNetwork.of(*steps, inputs=1, name="line")
    a = rational(rng)
    b = a + rng.choice([-1, 1]) * F(rng.randint(8, 16), 4)
    return Case(
        net=net,
        a=(a,),
        b=(b,),
        metric=rng.choice(["l1", "l2", "linf"]),
        radius=F(rng.randint(1, 16), 8),
        window=(-8, 8),
    )


def chain_case(seed: int) -> Case:
    """Several blocks R -> R, so that every partial network is a function on the line."""
    rng = Random(seed)
    blocks = []
    for _ in range(rng.randint(2, 4)):
        shift = affine([[F(rng.choice([-2, -1, 1, 2]), rng.choice([1, 2]))]], [rational(rng, 1, 2)])
        mirror = Residual(branch=hinges([[1]], [rational(rng, 1)], [[-2]]))
        block = rng.choice([absolute(1), clamp(-1, 1), (mirror,), ()])
        blocks.append((shift, *block))
    a = rational(rng)
    b = a + rng.choice([-1, 1]) * F(rng.randint(8, 16), 4)
    net = ExactNetwork(blocks=tuple(blocks), inputs=1, name="chain")
    return Case(
        net=net, a=(a,), b=(b,), metric="linf", radius=F(rng.randint(1, 12), 8), window=(-64, 64)
    )


def coupling_case(seed: int) -> tuple[Case, ExactNetwork]:
    """Additive coupling layers (x, y) -> (x + phi(y), y), then the same for y: a homeomorphism, and
    its inverse.
    """
    rng = Random(seed)
    layers, inverse = [], []
    for k in range(rng.randint(1, 3)):
        axis = k % 2
        slope = [rational(rng, 2, 2) for _ in range(3)]
        shifts = [rational(rng, 2, 2) for _ in range(3)]
        for sign, kept in ((1, layers), (-1, inverse)):
            pick = [[0, 1] if axis == 0 else [1, 0]] * 3
            outer = [[sign * v for v in slope], [0] * 3]
            branch = hinges(pick, shifts, outer if axis == 0 else outer[::-1])
            kept.insert(len(kept) if sign == 1 else 0, Residual(branch=branch))
    a, b = (tuple(F(rng.randint(-4, 4), 2) for _ in range(2)) for _ in range(2))
    b = b if a != b else (a[0] + 2, a[1])
    net = ExactNetwork.of(*layers, inputs=2, name="coupling")
    case = Case(
        net=net, a=a, b=b, metric=rng.choice(["l1", "linf"]), window=((-200, -200), (200, 200))
    )
    return case, ExactNetwork.of(*inverse, inputs=2, name="inverse coupling")


SEEDS = st.integers(min_value=0, max_value=10**6)
planes = SEEDS.map(plane_case)
lines = SEEDS.map(line_case)
chains = SEEDS.map(chain_case)
couplings = SEEDS.map(coupling_case)
