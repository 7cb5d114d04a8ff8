"""Plateaus of real networks on segments and planes: three answers, and never a silent guess."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
import torch

from plateaus.errors import (
    BadParameter,
    BadPath,
    BadPoints,
    BadRadius,
    NotPiecewiseLinear,
    Undecided,
)
from plateaus.geometry.arithmetic import EXACT_UNITS
from plateaus.geometry.exact import ExactNetwork, floating, witnesses
from plateaus.geometry.exact.program import affine
from plateaus.geometry.flood import Band, grid_band, line_band, over_grid
from plateaus.geometry.height import Height
from plateaus.geometry.metrics import heights
from plateaus.geometry.plateau import Plateau
from plateaus.networks.network import Network
from plateaus.networks.residual import PlainMLP, network


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return network(PlainMLP((2, 16, 16, 3)), dtype=torch.float64)


A, B, C = torch.tensor([[0.0, 0.0], [2.0, 0.5], [0.5, 2.0]], dtype=torch.float64)


@pytest.mark.parametrize("metric", ["l1", "l2", "linf"])
def test_sampled_and_exact_slices_agree(net, metric):
    plateau = Plateau(net, A, radius=0.08, metric=metric)
    exact, sampled = (
        plateau.segment(A, B, steps=2001, arithmetic=how) for how in ("exact", "sampled")
    )
    assert exact.exits[1] == pytest.approx(sampled.exits[1], abs=1e-3)
    assert exact.half_exit_index() == pytest.approx(sampled.half_exit_index(), abs=1e-2)
    assert (B in exact) is False and exact.verdict(1.0) == "outside"
    assert sampled.membership(1.0) == "outside"  # one sample at or above r proves an exit
    near = A + exact.exits[1] / 2 * (B - A)
    assert near in exact
    with pytest.raises(Undecided, match="Lipschitz"):
        near in sampled  # noqa: B015
    certified = plateau.segment(A, B, steps=2001, arithmetic="sampled", lipschitz=3.0)
    assert near in certified


def test_exact_planes_lie_in_the_certified_band(net):
    plateau = Plateau(net, A, radius=0.12)
    lipschitz = float(
        np.prod(
            [
                torch.linalg.matrix_norm(layer[-1].weight if i else layer.weight, 2).item()
                for i, layer in enumerate(net.blocks)
            ]
        )
    )
    exact = plateau.plane(A, B, C, steps=41)
    sampled = plateau.plane(A, B, C, steps=41, arithmetic="sampled", lipschitz=lipschitz)
    m = exact.merge_heights
    assert (sampled.band.lower <= m + 1e-12).all() and (m <= sampled.band.upper + 1e-12).all()
    answers = {"inside": 0, "outside": 0, "undecided": 0}
    for s in np.linspace(-0.2, 1.2, 12):
        for t in np.linspace(-0.2, 1.2, 12):
            x = A + s * exact.axes[0] + t * exact.axes[1]
            answer = sampled.membership(x)
            answers[answer] += 1
            assert answer in ("undecided", exact.membership(x))
    assert answers["inside"] and answers["outside"]
    # A bound that is too small would be found out: the same check fails somewhere.
    wrong = plateau.plane(A, B, C, steps=6, arithmetic="sampled", lipschitz=1e-3)
    rough = plateau.plane(A, B, C, steps=6).merge_heights
    assert not ((wrong.band.lower <= rough).all() and (rough <= wrong.band.upper).all())


SHIFTED = [
    Network(blocks=(block,), dims=(2, 1), name="x + 1e8")
    for block in (
        floating(ExactNetwork.of(affine([[1, 0]], [1e8]), inputs=2), dtype=torch.float32).blocks[0],
        lambda x: x[..., :1] + 1e8,
    )
]
"""x + 1e8 in float32, whose outputs are multiples of 8: as layers, and as a black box."""


@pytest.mark.parametrize("net", SHIFTED, ids=["layers", "black box"])
@pytest.mark.parametrize("x, r", [(3.0, 2.0), (3.0, 3.5), (5.0, 6.0), (5.0, 4.0)])
def test_rounded_samples_decide_nothing_wrongly(net, x, r):
    """h(3) = 3 is computed as 0 and h(5) = 5 as 8: wrong inside for r = 2, wrong outside for 6."""
    a, b, c = torch.tensor([[0.0, 0.0], [x, 0.0], [0.0, 1.0]])
    plateau = Plateau(net, a, radius=r)
    assert float(plateau.height(b)) in (0.0, 8.0)  # what the twin that trusts its samples sees
    known = "layers" if net is SHIFTED[0] else "black box"
    expected = {"layers": "inside" if x < r else "outside", "black box": "undecided"}[known]
    options = {"arithmetic": "sampled", "lipschitz": 1.0, "steps": 401}
    assert plateau.segment(a, b, **options).membership(1.0) == expected
    options["steps"] = 97
    assert plateau.plane(a, b, c, **options).membership(b) in (expected, "undecided")


def test_a_black_box_is_decided_with_a_bound_on_its_rounding():
    net, a, b = SHIFTED[1], torch.tensor([0.0, 0.0]), torch.tensor([300.0, 0.0])
    plateau = Plateau(net, a, radius=200.0)
    line = plateau.segment(a, b, arithmetic="sampled", lipschitz=1.0, rounding=8.0)
    assert line.membership(1.0) == "outside" and line.membership(0.5) == "inside"
    assert line.membership(0.66) == "undecided"


@pytest.mark.parametrize("metric", ["l1", "l2", "linf", "kl"])
def test_the_anchor_is_inside_and_twice_the_radius_is_outside(net, metric):
    """Without any Lipschitz bound: what h_a alone decides is decided."""
    r = float(Height(net, A, metric=metric)(B)) / 2
    plateau = Plateau(net, A, radius=r, metric=metric)
    line = plateau.segment(A, B, arithmetic="sampled", steps=7)
    surface = plateau.plane(A, B, C, arithmetic="sampled", steps=8)
    assert A in line and A in surface and surface.membership(A) == "inside"
    assert B not in line and B not in surface and line.verdict(1.0) == "outside"


def test_the_default_grid_has_its_three_points(net):
    plane = Height(net, A).plane(B, C, arithmetic="sampled")
    assert {0.0, 1.0} <= set(plane.s.tolist()) and 0.0 in plane.t
    assert plane.heights[plane.source] < 1e-12


@pytest.mark.parametrize("metric", ["l1", "l2", "linf"])
def test_exact_and_sampled_slices_answer_to_the_same_names(net, metric):
    h = Height(net, A, metric=metric)
    exact, sampled = (h.segment(B, steps=801, arithmetic=how) for how in ("exact", "sampled"))
    wide, rough = (h.plane(B, C, steps=25, arithmetic=how) for how in ("exact", "sampled"))
    for alpha in (0.0, 0.3, 1.0):
        x = (A + alpha * (B - A))[None]
        assert float(h(x)[0]) == pytest.approx(float(exact.height(alpha)))
        assert float(exact.height(alpha)) == pytest.approx(sampled.height(alpha))
        assert float(exact.merge_height(alpha)) == pytest.approx(
            sampled.merge_height(alpha), abs=1e-3
        )
        z = (alpha, 0.5)
        assert float(wide.height(z)) == pytest.approx(rough.height(z))
        assert float(wide.merge_height(z)) <= rough.merge_height(z) + 0.05
    r = 2 * max(exact.merge_height(), wide.merge_height((1, 0)))
    assert exact.contains(1, r) and exact.exact.contains(1, r) and wide.contains((1, 0), r)
    for undecided in (lambda: sampled.contains(1, r), lambda: rough.contains((1, 0.5), r)):
        with pytest.raises(Undecided):
            undecided()


def test_networks_too_large_for_rationals_are_decided_by_bounds():
    torch.manual_seed(1)
    wide = network(PlainMLP((2, EXACT_UNITS + 1, 2)), dtype=torch.float64)
    line = Height(wide, A).segment(B)
    assert line.exact is None and line.bounded is not None
    m = line.merge_height()
    assert line.contains(1, 1.01 * m) and not line.contains(1, 0.99 * m)
    assert Height(wide, A).segment(B, arithmetic="sampled").decide(1, 1.01 * m) == "undecided"


def test_heights_compare_with_radii_as_rationals():
    """At r = 1/3 exactly the ball is open; the float nearest to 1/3 is smaller."""
    line = Plateau(witnesses.identity(), [0.0], radius=F(1, 3)).segment([0.0], [1.0])
    assert line.membership(F(1, 3)) == "outside" and line.membership(1 / 3) == "inside"


def test_without_a_bound_a_grid_is_a_picture(net):
    picture = Plateau(net, A, radius=0.2).plane(A, B, C, steps=21, arithmetic="sampled")
    assert picture.inside.any() and picture.membership(B) == "undecided"
    with pytest.raises(Undecided):
        B in picture  # noqa: B015


def test_contours_are_merge_heights_not_heights():
    wells = Plateau(witnesses.double_well(), [-1.0], radius=0.5)
    line = wells.segment([-1.0], [1.0], window=(-0.5, 1.5))
    at_b = int(np.abs(line.alpha - 1).argmin())
    assert line.heights[at_b] == pytest.approx(0, abs=1e-9) and line.merge_heights[
        at_b
    ] == pytest.approx(1)
    assert [1.0] not in line


def test_half_exit_index_tells_a_plateau_from_a_slope():
    slope = Plateau(witnesses.identity(), [0.0], radius=1.0).segment([0.0], [2.0])
    assert slope.half_exit_index() == 1
    flat = Plateau(witnesses.sharpening(4), [0.0], radius=0.5).segment([0.0], [1.0])
    assert flat.exits[1] == 0.5 and flat.half_exit_index() == 0
    assert slope.half_exit_index(-1) is None  # the window begins at a


def test_a_slice_certifies_membership_only():
    """Off the straight line there is a way around the bump, so the segment proves nothing outside
    it.
    """
    across = Plateau(witnesses.bump(), [-2.0, 0.0], radius=0.5).segment([-2.0, 0.0], [2.0, 0.0])
    assert torch.tensor([2.0, 0.0]) not in across
    assert across.verdict(1.0) == "undecided" and across.verdict(0.5) == "outside"


def test_kl_balls_are_balls_too():
    softmax = Network(blocks=(lambda x: x,), dims=(3, 3), dtype=torch.float64)
    plateau = Plateau(softmax, [1.0, 0.0, 0.0], radius=0.2, metric="kl")
    assert plateau.height([1.0, 0.0, 0.0]) == 0
    assert plateau.height([3.0, 2.0, 2.0]) == pytest.approx(
        0, abs=1e-12
    )  # logits that differ by a constant
    x = torch.randn(50, 3, dtype=torch.float64)
    quarter = (x - plateau.anchor).norm(dim=-1) ** 2 / 4
    assert (plateau.height(x) <= quarter + 1e-12).all()
    # ... of logits about their means; and KL is not symmetric, which a ball does not need.
    p, q = x[0], x[1]
    assert heights(p, q, "kl") != pytest.approx(heights(q, p, "kl"))


def test_line_bands_hold_and_are_attained():
    heights_ = np.array([0.0, 0.5, 0.0, 1.0])
    band = line_band(heights_, 0, rise=1.0)
    assert band.lower.tolist() == [0, 0.5, 0.5, 1] and band.upper.tolist() == [0, 0.75, 0.75, 1]
    left = line_band(heights_[::-1], 3, rise=1.0)
    assert left.upper.tolist() == band.upper.tolist()[::-1]


def test_flood_and_bands_on_a_wall():
    h = np.zeros((5, 5))
    h[:, 2] = [3, 2, 1, 2, 3]
    assert over_grid(h, (0, 0))[4, 4] == 1
    assert isinstance(grid_band(h, (0, 0), along=(1.0, 1.0)), Band)
    with pytest.raises(BadParameter):
        over_grid(h, (0, 0), connectivity=6)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (BadRadius, lambda net: Plateau(net, A, radius=0)),
        (BadRadius, lambda net: Plateau(net, A, radius=-1.0)),
        (BadRadius, lambda net: Plateau(net, A, radius=float("nan"))),
        (BadRadius, lambda net: Plateau(net, A, radius="wide")),
        (BadParameter, lambda net: Plateau(net, A, radius=1, metric="cosine")),
        (BadPoints, lambda net: Plateau(net, A * float("nan"), radius=1)),
        (BadPoints, lambda net: Plateau(net, torch.zeros(3), radius=1)),
        (BadPath, lambda net: Plateau(net, A, radius=1).segment(A, A)),
        (BadPath, lambda net: Plateau(net, A, radius=1).segment(B, C)),
        (BadPath, lambda net: Plateau(net, A, radius=1).segment(A, B, window=(0.5, 1))),
        (BadPath, lambda net: Plateau(net, A, radius=1).segment(A, B, steps=1)),
        (BadPath, lambda net: Plateau(net, A, radius=1).plane(A, B, 2 * B)),
        (BadPoints, lambda net: Plateau(net, A, radius=1).segment(A, B * float("inf"))),
        (BadPoints, lambda net: C in Plateau(net, A, radius=1).segment(A, B)),
        (BadPoints, lambda net: 9 * C in Plateau(net, A, radius=1).plane(A, B, C, steps=5)),
        (BadParameter, lambda net: Plateau(net, A, radius=1).segment(A, B, arithmetic="magic")),
        (BadParameter, lambda net: Plateau(net, A, radius=1).segment(A, B, lipschitz=-1.0)),
        (
            BadParameter,
            lambda net: Plateau(net, A, radius=1, metric="kl").segment(A, B, arithmetic="exact"),
        ),
        (
            NotPiecewiseLinear,
            lambda net: Plateau(Network(blocks=(torch.sin,), dims=(2, 2)), A, radius=1).segment(
                A, B, arithmetic="exact"
            ),
        ),
    ],
)
def test_mistakes_are_named(net, error, call):
    with pytest.raises(error):
        call(net)
