"""Fixed examples on which wrong engines give themselves away."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

from rich_networks import Case

from plateaus.geometry.exact import ExactNetwork, witnesses
from plateaus.geometry.exact.program import absolute, affine, hinges

WELLS = Case(net=witnesses.double_well(), a=(F(-1),), b=(F(1),), radius=F(1, 2))
HOOK = Case(net=witnesses.hook(), a=(F(0),), b=(F(2),), radius=F(3, 2))
RIDGE = Case(
    net=witnesses.ridge(),
    a=(F(-1), F(1)),
    b=(F(1), F(-1)),
    radius=F(1, 4),
    window=((-1, -1), (1, 1)),
)
VALLEY = Case(
    net=witnesses.valley(),
    a=(F(-1), F(-1)),
    b=(F(1), F(1)),
    radius=F(1, 4),
    window=((-1, -1), (1, 1)),
)
SHARP = Case(net=witnesses.sharpening(3), a=(F(0),), b=(F(1),))
EDGE = Case(net=witnesses.hook(), a=(F(0),), b=(F(3, 2),))
STEP = Case(net=witnesses.saturation(), a=(F(-1),), b=(F(1),))
LINE = Case(net=witnesses.identity(), a=(F(0),), b=(F(1),))
TILTED = Case(
    net=ExactNetwork.of(
        *hinges([[1], [-1], [1], [1]], [1, -1, 0, -1], [[F(5, 4), F(3, 4), -2, 2]]), inputs=1
    ),
    a=(F(-1),),
    b=(F(1),),
)
"""Two wells with floors 0 and 1/2 and a pass of 5/4 between."""
SHEET = Case(net=witnesses.bent_sheet(), a=(F(0), F(1)), b=(F(0), F(-1)), window=((-9, -9), (9, 9)))


def line_to(case: Case, end: F) -> Case:
    """The same function and anchor with another end."""
    return replace(case, b=(end,))


def on_plane(case: Case) -> Case:
    """A function of one variable as a function of two that ignores the second."""
    net = ExactNetwork.of(affine([[1, 0]]), *case.net.steps, inputs=2)
    return Case(
        net=net, a=(*case.a, F(0)), b=(*case.b, F(0)), metric=case.metric, radius=case.radius
    )


TWO_FOLDS = Case(
    net=ExactNetwork(blocks=((*absolute(1), affine([[1]], [-1])), absolute(1)), inputs=1),
    a=(F(-1),),
    b=(F(1),),
    radius=F(1, 2),
)
CREASE = Case(
    net=ExactNetwork.of(
        *hinges([[1, 0], [0, 1], [0, -1]], [0, 0, 0], [[1, 0, 0], [0, 1, -1]]), inputs=2
    ),
    a=(F(-1), F(0)),
    b=(F(1), F(0)),
    radius=F(2),
)
"""(relu(x), y): its only facet is low in the middle and high at its ends."""
UNFOLDED = ExactNetwork.of(
    *witnesses.bent_sheet().steps[:2], affine([[1, -1, -4, -4], [0, 0, 1, -1]]), inputs=2
)
"""The inverse of the bent sheet: (x - 4|y|, y)."""
