"""Small exact networks that decide questions: the counterexamples and worked examples of the
book.
"""

from __future__ import annotations

from fractions import Fraction

from plateaus.geometry.exact.program import (
    ExactNetwork,
    Rational,
    ReLU,
    Residual,
    absolute,
    affine,
    clamp,
    hinges,
)

HALF = Fraction(1, 2)


def identity(inputs: int = 1) -> ExactNetwork:
    """f(x) = x: its plateaus are balls, however large."""
    return ExactNetwork(blocks=(), inputs=inputs, name="identity")


def scaling(factor: Rational, layers: int = 1) -> ExactNetwork:
    """g(x) = factor x, iterated."""
    return ExactNetwork(blocks=((affine([[factor]]),),) * layers, inputs=1, name="scaling")


def half_line() -> ExactNetwork:
    """relu(x): the plateau of a negative number is unbounded."""
    return ExactNetwork.of(ReLU(), inputs=1, name="half line")


def fold() -> ExactNetwork:
    """|x|: x and -x have one image and, below it, different plateaus."""
    return ExactNetwork.of(*absolute(1), inputs=1, name="fold")


def hook() -> ExactNetwork:
    """-x + 3 relu(x - 1): m(0, 2) = 1 but m(2, 0) = 2, so membership is not symmetric."""
    return ExactNetwork.of(
        *hinges([[1], [-1], [1]], [0, 0, -1], [[-1, 1, 3]]), inputs=1, name="hook"
    )


def saturation() -> ExactNetwork:
    """clamp(x, 0, 1): two flat ends and a slope between."""
    return ExactNetwork.of(*clamp(), inputs=1, name="saturation")


def bump() -> ExactNetwork:
    """relu(1 - |x| - |y|): a hill on a plain. Straight across one climbs it, around it one does
    not.
    """
    return ExactNetwork.of(*absolute(2), affine([[-1, -1]], [1]), ReLU(), inputs=2, name="bump")


def double_well() -> ExactNetwork:
    """||x| - 1|: f(-1) = f(1) = 0 with a pass of height 1 between."""
    return ExactNetwork.of(
        *absolute(1), affine([[1]], [-1]), *absolute(1), inputs=1, name="double well"
    )


def ridge() -> ExactNetwork:
    """relu(1/2 - |x - y|): a diagonal ridge that 8-connected ways slip through."""
    steps = hinges([[1, -1], [-1, 1]], [0, 0], [[-1, -1]], [HALF])
    return ExactNetwork.of(*steps, ReLU(), inputs=2, name="ridge")


def valley() -> ExactNetwork:
    """|x - y|: a diagonal valley whose floor 4-connected ways cannot follow."""
    return ExactNetwork.of(*hinges([[1, -1], [-1, 1]], [0, 0], [[1, 1]]), inputs=2, name="valley")


def tent(layers: int) -> ExactNetwork:
    """The tent map 2 relu(x) - 4 relu(x - 1/2) + 2 relu(x - 1), iterated: 2^n folds."""
    block = hinges([[1], [1], [1]], [0, -HALF, -1], [[2, -4, 2]])
    return ExactNetwork(blocks=(block,) * layers, inputs=1, name="tent")


def sharpening(layers: int) -> ExactNetwork:
    """g(x) = clamp(2x - 1/2, 0, 1), iterated: clamp(1/2 + 2^n (x - 1/2), 0, 1), steeper with every
    layer.
    """
    return ExactNetwork(
        blocks=((affine([[2]], [-HALF]), *clamp()),) * layers, inputs=1, name="sharpening"
    )


def expanding_boundary() -> ExactNetwork:
    """x + 20 clamp(8x - 7/2, 0, 1): slopes 1, 161, 1. Nothing contracts, yet relative distances
    look flat.
    """
    branch = (affine([[8]], [Fraction(-7, 2)]), *clamp(), affine([[20]]))
    return ExactNetwork.of(Residual(branch=branch), inputs=1, name="expanding boundary")


def late_kink() -> ExactNetwork:
    """g_0 = id, g_1(x) = 1 + 100 relu(x - 1/2): where Corollary 3.6 as printed centres its ball
    wrongly.
    """
    kink = hinges([[1]], [-HALF], [[100]], [1])
    return ExactNetwork(blocks=((affine([[1]]),), kink), inputs=1, name="late kink")


def bent_sheet() -> ExactNetwork:
    """(x + 4|y|, y), a homeomorphism: no barrier anywhere, although straight slices show one."""
    steps = hinges([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4, [[1, -1, 4, 4], [0, 0, 1, -1]])
    return ExactNetwork.of(*steps, inputs=2, name="bent sheet")


def gate() -> ExactNetwork:
    """relu(1 - 8 |x - 1/8|): a tooth on (0, 1/4), zero elsewhere. On a line bent by `horseshoe` it
    cuts a ball in two.
    """
    return ExactNetwork.of(
        *hinges([[1], [1], [1]], [0, -Fraction(1, 8), -Fraction(1, 4)], [[8, -16, 8]]),
        inputs=1,
        name="gate",
    )


def horseshoe(x: Rational) -> tuple[Fraction, Fraction]:
    """The real line bent into the plane: along the axis, up by 1/4 at zero, and back. Distances
    there are a metric here.
    """
    x, up = Fraction(x), Fraction(1, 4)
    return (x, Fraction(0)) if x <= 0 else (Fraction(0), x) if x <= up else (up - x, up)


def tent_tenth(layers: int) -> ExactNetwork:
    """The tent map iterated, divided by ten: slopes of 2^n / 10 everywhere, heights below 1/10."""
    return ExactNetwork(
        blocks=(*tent(layers).blocks, (affine([[Fraction(1, 10)]]),)), inputs=1, name="tent / 10"
    )


def three_wells() -> ExactNetwork:
    """Wells in a row at -3, -1, 1 with floors 0, 1/2, 3/4 and passes 2 and 1: the last dies at 1
    and joins the first at 2.
    """
    steps = hinges(
        [[-1], [1], [1], [1], [1], [1]],
        [-3, 3, 2, 1, 0, -1],
        [[2, 2, Fraction(-7, 2), 2, Fraction(-3, 4), Fraction(3, 2)]],
    )
    return ExactNetwork.of(*steps, inputs=1, name="three wells")


def on_a_plane(net: ExactNetwork) -> ExactNetwork:
    """The same network of one input, read as a function of the plane that ignores the second
    coordinate.
    """
    return ExactNetwork(blocks=((affine([[1, 0]]),), *net.blocks), inputs=2, name=net.name)


def detour() -> ExactNetwork:
    """x -> (|x|, 0), then relu(1 - |y - 3| - |z|) + 2 relu(1 - y). From -4 to 2 one climbs to 2 on
    the line, to 1 inside the image of the first block, and not at all around it.
    """
    wells = hinges(
        [[1, 0], [-1, 0], [0, 1], [0, -1], [-1, 0]],
        [-3, 3, 0, 0, 1],
        [[-1, -1, -1, -1, 0], [0, 0, 0, 0, 1]],
        [1, 0],
    )
    return ExactNetwork(
        blocks=((*absolute(1), affine([[1], [0]])), (*wells, ReLU(), affine([[1, 2]]))),
        inputs=1,
        name="detour",
    )


def lifted_bump() -> ExactNetwork:
    """x -> (x, 0), an embedding, then `bump`: m(-2, 2) = 1 on the line, 0 behind the first
    block.
    """
    return ExactNetwork(
        blocks=((affine([[1], [0]]),), *bump().blocks), inputs=1, name="lifted bump"
    )


def crease() -> ExactNetwork:
    """x + |y|: along y = 0 the gradient does not exist anywhere, the derivative along the line is
    1.
    """
    return ExactNetwork.of(
        *hinges([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4, [[1, -1, 1, 1]]),
        inputs=2,
        name="crease",
    )
