"""Experiment 2 on networks whose trajectories are known; with wrong twins."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus.experiments import Ends, gaps, pulls, trajectories
from plateaus.measures import lines
from plateaus.networks import toy
from plateaus.networks.network import Network
from plateaus.networks.residual import network

torch.set_num_threads(1)
D = 6


def of_blocks(*blocks, d=1):
    return Network(blocks=blocks, dims=(d,) * (len(blocks) + 1), dtype=torch.float64)


def between(net, a, b):
    a, b = (torch.as_tensor(x, dtype=torch.float64).reshape(-1, net.dims[0]) for x in (a, b))
    return Ends.of_points(net, a, b)


def follow(net, a, b, steps=21):
    return trajectories.follow(between(net, a, b), steps=steps)


def steep(x):
    """Isometric inside, expanding at the boundary: slopes 1, 161, 1 (mathematics of mechanism
    two).
    """
    return x + 20 * torch.clamp(8 * x - 3.5, 0, 1)


def contracting(x):
    """Pulled towards 0 below one half and towards 1 above: a true attractor on both sides."""
    return torch.where(x < 0.5, 0.5 * x, 1 - 0.5 * (1 - x))


def test_plateau_membership_is_a_component_not_a_preimage():
    y = torch.tensor([[0.0, 0.1, 0.9, 0.1, 1.0, 1.0]]).unsqueeze(-1)
    assert lines.plateaus(y, share=0.25).tolist() == [[1, 1, 0, 0, 2, 2]]
    preimage = (
        (y - y[:, :1]).norm(dim=-1) < 0.25
    ).int()  # the twin without the component takes the fourth point in
    assert preimage.tolist() == [[1, 1, 0, 1, 0, 0]]


def test_an_expanding_boundary_is_told_from_a_contracting_interior():
    ends = np.zeros((3, 1)), np.ones((3, 1)) + np.arange(3)[:, None] / 100
    expanding = gaps.by_block(follow(of_blocks(steep), *ends)).sum("block")
    assert (
        abs(float(expanding.sel(kind="inside"))) < 1e-9 < 1 < float(expanding.sel(kind="between"))
    )
    pulled = gaps.by_block(follow(of_blocks(contracting), *ends)).sum("block")
    assert float(pulled.sel(kind="inside")) == pytest.approx(math.log(0.5))
    # The twin: relative distances cannot tell them apart, both have insides that shrink against the
    # chord.
    for net in (of_blocks(steep), of_blocks(contracting)):
        position = follow(net, *ends).position
        gap = position.diff("point").isel(depth=-1, point=0) / position.diff("point").isel(
            depth=0, point=0
        )
        assert float(gap.max()) < 0.7


def test_a_total_is_a_median_of_sums_and_not_a_sum_of_medians():
    """Three gaps that expand at one block each: all sums are one, all medians zero."""
    found = follow(of_blocks(steep, steep, steep), [[0.0]], [[1.0]])
    three = found.isel(pair=[0], gap=[0, 1, 2]).assign(
        log_ratio=(("pair", "block", "gap"), np.eye(3)[None]),
        plateau=(("pair", "point"), np.ones((1, found.sizes["point"]), int)),
    ).isel(point=[0, 1, 2, 3])  # fmt: skip
    assert float(gaps.totals(three).sel(kind="inside")) == pytest.approx(1)
    assert float(gaps.by_block(three).sum("block").sel(kind="inside")) == 0


def test_follow_has_equal_gaps_first_and_absolute_distances():
    result = follow(of_blocks(steep, steep), [[0.0]], [[1.0]])
    assert result.position.shape == (1, 3, 21) and result.log_ratio.shape == (1, 2, 20)
    assert float(result.gini[0, 0]) < 1e-12 < 0.5 < float(result.gini[0, -1])
    np.testing.assert_allclose(result.position.isel(depth=0, pair=0), np.linspace(0, 1, 21))
    np.testing.assert_allclose(float(result.from_a[0, 1, -1]), 21)
    total = result.log_ratio.sum("block").isel(pair=0, gap=0)
    moved = result.from_a.isel(pair=0, point=1)
    assert float(total) == pytest.approx(math.log(float(moved[-1] / moved[0])))


def test_parts_of_the_logarithm_add_up_and_only_one_can_be_negative():
    torch.manual_seed(0)
    net = network(toy.build(width=D, blocks=4), dtype=torch.float64)
    result = trajectories.follow(Ends.of_inputs(net, *torch.randn(2, 9, 2)), steps=11)
    split, inside = gaps.parts(result), gaps.gap_kinds(result) == "inside"
    assert float(split.sum()) == pytest.approx(
        float(result.log_ratio.sum("block").where(inside).mean())
    )
    assert float(split.sel(part="across")) > 0.01
    pull = follow(of_blocks(lambda x: 0.5 * x, d=2), [[0.0, 0]], [[1.0, 1]])
    assert gaps.parts(pull).values == pytest.approx([math.log(0.5), 0])


def test_half_way_and_the_three_points():
    result = follow(of_blocks(steep), [[0.0]], [[1.0]])
    sides = torch.as_tensor(result.plateau.values)
    assert int((sides == lines.OF_A).sum()) == 10  # 0 ... 0.45, where h = 2.45 < 21/4
    points = torch.linspace(0, 1, 21)[None, :, None]
    assert lines.halfway(points, sides).item() == pytest.approx(0.25)
    assert lines.halfway(points, torch.zeros_like(sides)).item() == pytest.approx(0.05)
    assert trajectories.three_points(result.isel(pair=0)) == (0, 5, 15)
    assert set(gaps.gap_kinds(result).values[0][:8]) == {"inside"} and "between" in gaps.gap_kinds(
        result
    )


def test_the_line_to_draw_has_points_in_both_plateaus():
    two = follow(of_blocks(steep), [[0.3], [0.0]], [[3.0], [1.0]])
    assert trajectories.fullest(two) == 1


def test_a_true_attractor_passes_and_its_nulls_do_not():
    torch.manual_seed(0)
    untrained = network(toy.build(inputs=1, width=1, blocks=2), dtype=torch.float64)[:2]
    real = [[0.0]] * 4, [[1.0], [1.01], [1.02], [1.03]]
    ends, before = between(of_blocks(contracting, contracting), *real), between(untrained, *real)
    found = trajectories.study(ends, before, steps=21)
    middle = found.log_total.median("pair")
    assert float(middle.sel(network="trained")) == pytest.approx(2 * math.log(0.5))
    # x - F(x) pushes by as much: log 1.5 for each block. A null that left the sign alone would show
    # the same pull.
    assert float(middle.sel(network="sign-flipped")) == pytest.approx(2 * math.log(1.5))
    assert float(middle.sel(network="untrained")) != pytest.approx(
        float(middle.sel(network="trained"))
    )
    assert float(found.pull.sel(weights="trained", anchor="real").median()) == pytest.approx(1)
    alone = trajectories.follow(before, steps=21)
    np.testing.assert_array_equal(found.sel(weights="untrained").position, alone.position)


def test_the_positive_control_is_measured_where_others_were_made_to_attract():
    """In a network that moves nothing, the pull is all there is."""
    real = torch.from_numpy(np.random.default_rng(0).standard_normal((8, 6)))
    random = torch.from_numpy(np.random.default_rng(1).standard_normal((8, 6)))
    x, own = real[:4, None] + 0.1, torch.eye(8, dtype=torch.bool)[:4]
    still = of_blocks(lambda x: 1 * x, d=6)
    made = pulls.made(still, x, real, random, own)
    assert made.sel(anchor="real").values == pytest.approx(1)
    # Which the measure does not see: random anchors are drawn to the same real one.
    assert float(pulls.gap(made).median()) == pytest.approx(0)
    # The twin: all real ones attract, and x goes to its own end, which is no anchor.
    everyone = pulls.made(still, x, real, random, torch.zeros_like(own))
    assert not np.allclose(everyone, made)
    assert pulls.made(still, x, real, random, torch.ones_like(own)).isnull().all()


def test_lines_begin_where_the_block_begins_and_come_in_parts(monkeypatch):
    torch.manual_seed(0)
    net = network(toy.build(width=D, blocks=3), dtype=torch.float64)
    ends = Ends.of_inputs(net, *torch.randn(2, 5, 2), block=2)
    whole = trajectories.follow(ends, steps=7, against_nulls=True)
    assert whole.depth.values.tolist() == [2, 3, 4] and whole.block.values.tolist() == [2, 3]
    assert whole.attrs["block_in"] == 2 and whole.norm.attrs["units"] == "stream units"
    monkeypatch.setattr("plateaus.experiments.runs.AT_ONCE", 2 * 7 * D)
    split = trajectories.follow(ends, steps=7, against_nulls=True)
    xr.testing.assert_allclose(split, whole)  # each line keeps its own random place and pair


def test_a_radius_is_a_share_of_the_distance_of_the_ends():
    """Not of the largest distance on the way, which is four times that here."""
    y = torch.tensor([[0.0], [0.3], [4.0], [0.9], [1.0]])
    assert lines.plateaus(y, share=0.25).tolist() == [1, 0, 0, 2, 2]
