"""Curves on outputs whose answer is known in closed form, and wrong definitions that these would
catch.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from plateaus.geometry import paths
from plateaus.measures import curves

ALPHA = paths.fractions(101)
LINE = torch.stack([1 + 2 * ALPHA, 3 - ALPHA], dim=-1)
CLAMP = (4 * ALPHA - 1.5).clamp(0, 1)
"""Flat, a jump of slope 4 over a quarter of the path, flat."""


def test_a_straight_line_is_straight_in_every_metric():
    for metric in (
        curves.normalised_distance,
        curves.relative_distance,
        curves.projection,
        curves.arc_length,
    ):
        curve = metric(LINE)
        assert torch.allclose(curve, ALPHA), metric.__name__
        assert math.isclose(curves.maximum_slope(curve).item(), 1, abs_tol=1e-9)
        assert math.isclose(curves.width(curve).item(), 0.8, abs_tol=1e-9)


def test_a_plateau_has_the_slope_and_width_it_was_given():
    curve = curves.normalised_distance(CLAMP[:, None])
    assert math.isclose(curves.maximum_slope(curve).item(), 4, rel_tol=1e-9)
    assert math.isclose(curves.width(curve).item(), 0.2, abs_tol=1e-9)
    per_step = curve.diff().max().item()  # the wrong twin: a slope per step, not per unit of alpha
    assert per_step < 0.05


def test_slopes_are_capped_by_the_number_of_steps():
    assert curves.maximum_slope((torch.linspace(0, 1, 50) > 0.5).double()).item() == 49


def test_reversal_mirrors_rho_but_not_the_distance():
    y = torch.stack([ALPHA**2, ALPHA**3], dim=-1)
    assert torch.allclose(
        curves.relative_distance(y).flip(0), 1 - curves.relative_distance(y.flip(0))
    )
    assert not torch.allclose(
        curves.normalised_distance(y).flip(0), 1 - curves.normalised_distance(y.flip(0)), atol=1e-3
    )


def test_half_exit_index_is_one_for_affine_maps_and_small_on_a_plateau():
    affine = curves.half_exit_index(curves.distance(LINE), 1.0)
    assert math.isclose(affine.item(), 1, abs_tol=1e-6)
    assert curves.half_exit_index(CLAMP, 0.5).item() == 0
    concave = curves.half_exit_index(ALPHA.sqrt(), 0.5)
    assert concave.item() > 1.2
    assert torch.isnan(curves.half_exit_index(CLAMP, 2.0))  # never leaves: no exit, no index
    assert curves.half_exit_index(torch.stack([CLAMP, ALPHA]), 0.5).shape == (2,)


def test_divergences_against_direct_sums():
    logits = torch.randn(3, 7, 11, dtype=torch.float64)
    p = logits.softmax(-1)
    base = p[:, :1]
    direct = (base * (base / p).log()).sum(-1)
    assert torch.allclose(curves.kl(logits), direct)
    reverse = (p * (p / base).log()).sum(-1)
    assert not torch.allclose(
        curves.kl(logits)[:, 1:], reverse[:, 1:], rtol=1e-3
    )  # the arguments' order matters
    m = (p + base) / 2
    jsd = ((base * (base / m).log()).sum(-1) + (p * (p / m).log()).sum(-1)) / 2
    assert torch.allclose(curves.root_jsd(logits), jsd.clamp_min(0).sqrt(), atol=1e-7)
    apart = torch.tensor([[100.0, 0.0], [0.0, 100.0]])
    assert math.isclose(curves.root_jsd(apart)[1].item(), math.sqrt(math.log(2)), rel_tol=1e-6)


def test_differences_of_near_equal_outputs_survive():
    y = torch.full((3, 4), 1000.0)
    y[1, 0] += 1e-4  # representable in float32: one unit in the last place
    assert curves.distance(y)[1] > 5e-5


def test_crossings():
    curve = torch.tensor([0.0, 0.2, 0.6, 0.6, 1.0])
    assert math.isclose(curves.crossing(curve, 0.4).item(), 1.5 / 4, abs_tol=1e-6)
    assert curves.crossing(curve, 0.0).item() == 0
    assert math.isnan(curves.crossing(curve, 2.0).item())
    np.testing.assert_allclose(
        curves.crossing(torch.stack([curve, curve / 2]), 0.4), [0.375, 0.875], rtol=1e-6
    )


def test_a_level_is_reached_where_the_curve_equals_it():
    ends_there = torch.tensor([0.0, 0.5, 1.0])
    assert curves.crossing(ends_there, 1.0) == 1  # beyond it, it would never be
    rests_there = torch.tensor([0.0, 0.5, 0.5, 1.0])
    assert torch.isclose(curves.crossing(rests_there, 0.5), torch.tensor(1 / 3))


def test_logit_differences_run_from_a_to_b():
    """Three tokens; A predicts the first, B the second, and a third moves on its own."""
    logits = torch.stack([2 - 3 * ALPHA**2, 1 + ALPHA**2, 5 * ALPHA - 4], dim=-1)
    logits[-1] = torch.tensor([-1.0, 2.0, 1.0])
    found = curves.logit_difference(logits)
    assert torch.allclose(found, ALPHA**2)  # 0 at A; a reversed one would begin at 1
    assert torch.isnan(curves.logit_difference(logits[..., :1])).all()


def test_a_fall_is_no_slope():
    """The steepest rise counts, however steep a fall beside it."""
    bump = torch.tensor([0.0, 0.5, 1.0, 0.0, 0.25])
    assert curves.maximum_slope(bump) == 2


def test_a_normalised_distance_may_exceed_one():
    """It is divided by the distance of the ends, not by the largest on the way."""
    there_and_back = torch.tensor([[0.0], [3.0], [1.0]])
    assert curves.normalised_distance(there_and_back).tolist() == [0, 3, 1]
