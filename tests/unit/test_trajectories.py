"""Experiment 2 on networks whose trajectories are known, and landscapes of the plane; with wrong
twins.
"""

import math

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.stats import binomtest

from plateaus.measures import landscape, segments, statistics, trajectories
from plateaus.networks import toy
from plateaus.networks.network import Network
from plateaus.networks.residual import network

torch.set_num_threads(1)
D = 6


def of_blocks(*blocks, d=1):
    return Network(blocks=blocks, dims=(d,) * (len(blocks) + 1), dtype=torch.float64)


def lines_through(net, a, b, steps=21):
    a, b = (torch.as_tensor(x, dtype=torch.float64).reshape(-1, net.dims[0]) for x in (a, b))
    alpha = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    return trajectories.Lines(
        net=net, points=torch.lerp(a[:, None], b[:, None], alpha), real=torch.cat([a, b])
    )


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
    assert trajectories.plateaus(y, share=0.25).tolist() == [[1, 1, 0, 0, 2, 2]]
    preimage = (
        (y - y[:, :1]).norm(dim=-1) < 0.25
    ).int()  # the twin without the component takes the fourth point in
    assert preimage.tolist() == [[1, 1, 0, 1, 0, 0]]


def test_an_expanding_boundary_is_told_from_a_contracting_interior():
    ends = np.zeros((3, 1)), np.ones((3, 1)) + np.arange(3)[:, None] / 100
    expanding = trajectories.by_block(
        trajectories.follow(lines_through(of_blocks(steep), *ends))
    ).sum("block")
    assert (
        abs(float(expanding.sel(kind="inside"))) < 1e-9 < 1 < float(expanding.sel(kind="between"))
    )
    pulled = trajectories.by_block(
        trajectories.follow(lines_through(of_blocks(contracting), *ends))
    ).sum("block")
    assert float(pulled.sel(kind="inside")) == pytest.approx(math.log(0.5))
    # The twin: relative distances cannot tell them apart, both have insides that shrink against the
    # chord.
    for net in (of_blocks(steep), of_blocks(contracting)):
        position = trajectories.follow(lines_through(net, *ends)).position
        gap = position.diff("point").isel(depth=-1, point=0) / position.diff("point").isel(
            depth=0, point=0
        )
        assert float(gap.max()) < 0.7


def test_follow_has_equal_gaps_first_and_absolute_distances():
    result = trajectories.follow(lines_through(of_blocks(steep, steep), [[0.0]], [[1.0]]))
    assert result.position.shape == (1, 3, 21) and result.log_ratio.shape == (1, 2, 20)
    assert float(result.gini[0, 0]) < 1e-12 < 0.5 < float(result.gini[0, -1])
    np.testing.assert_allclose(result.position.isel(depth=0, line=0), np.linspace(0, 1, 21))
    np.testing.assert_allclose(float(result.from_a[0, 1, -1]), 21)
    total = result.log_ratio.sum("block").isel(line=0, gap=0)
    moved = result.from_a.isel(line=0, point=1)
    assert float(total) == pytest.approx(math.log(float(moved[-1] / moved[0])))


def test_parts_of_the_logarithm_add_up_and_only_one_can_be_negative():
    torch.manual_seed(0)
    net = network(toy.build(width=D, blocks=4), dtype=torch.float64)
    result = trajectories.follow(trajectories.of_toy(net, *torch.randn(2, 9, 2), steps=11))
    split, inside = trajectories.parts(result), trajectories.gap_kinds(result) == "inside"
    assert float(split.sum()) == pytest.approx(
        float(result.log_ratio.sum("block").where(inside).mean())
    )
    assert float(split.sel(part="across")) > 0.01
    pull = trajectories.follow(
        lines_through(of_blocks(lambda x: 0.5 * x, d=2), [[0.0, 0]], [[1.0, 1]])
    )
    assert trajectories.parts(pull).values == pytest.approx([math.log(0.5), 0])


def test_half_way_and_the_three_points():
    lines = lines_through(of_blocks(steep), [[0.0]], [[1.0]])
    result = trajectories.follow(lines)
    assert (
        int((result.plateau == trajectories.OF_A).sum()) == 10
    )  # 0 ... 0.45, where h = 2.45 < 21/4
    assert trajectories.halfway(lines, result).item() == pytest.approx(0.25)
    assert trajectories.three_points(result.isel(line=0)) == (0, 5, 15)
    assert set(trajectories.gap_kinds(result).values[0][:8]) == {
        "inside"
    } and "between" in trajectories.gap_kinds(result)


def test_the_line_to_draw_has_points_in_both_plateaus():
    two = trajectories.follow(lines_through(of_blocks(steep), [[0.3], [0.0]], [[3.0], [1.0]]))
    assert trajectories.fullest(two) == 1


def test_a_true_attractor_passes_and_its_nulls_do_not():
    torch.manual_seed(0)
    untrained = network(toy.build(inputs=1, width=1, blocks=2), dtype=torch.float64)[:2]
    real = [[0.0]] * 4, [[1.0], [1.01], [1.02], [1.03]]
    lines, before = (
        lines_through(of_blocks(contracting, contracting), *real),
        lines_through(untrained, *real),
    )
    found = trajectories.study(lines, before)
    middle = found.log_total.median("line")
    assert float(middle.sel(network="trained")) == pytest.approx(2 * math.log(0.5))
    # x - F(x) pushes by as much: log 1.5 for each block. A null that left the sign alone would show
    # the same pull.
    assert float(middle.sel(network="sign-flipped")) == pytest.approx(2 * math.log(1.5))
    assert float(middle.sel(network="untrained")) != pytest.approx(
        float(middle.sel(network="trained"))
    )
    assert float(found.pull.sel(weights="trained", anchor="real").median()) == pytest.approx(1)
    alone = trajectories.untrained(found)
    np.testing.assert_array_equal(alone.position, trajectories.follow(before).position)


def test_toy_lines_begin_where_the_block_begins():
    net = network(toy.build(width=D, blocks=3), dtype=torch.float64)
    a, b = torch.randn(2, 5, 2)
    lines = trajectories.of_toy(net, a, b, steps=7, patch=2)
    assert lines.points.shape == (5, 7, D) and len(lines.net) == 2
    torch.testing.assert_close(lines.points[:, 0], net.states(a, 2))
    assert trajectories.follow(lines).depth.values.tolist() == [2, 3, 4]


def test_landscape_nests_and_the_ball_recipe_errs_behind_a_ridge():
    def ridge(x):  # h = 0 on both sides of a wall of height 1 along x1 = 0
        return torch.clamp(1 - 5 * (x[..., :1] - 0.0).abs(), 0, 1)

    net = Network(blocks=(ridge,), dims=(2, 1), dtype=torch.float64)
    field = landscape.landscape(net, torch.tensor([-0.5, 0.0]), resolution=41)
    found = landscape.nesting(field, [0.25, 0.5, 0.75, 1.5])
    assert found.violations == 0 and found.disagreements == 0 and found.misplaced > 100
    assert list(found.sizes) == sorted(found.sizes)
    # Twins: merge heights that forget the ridge disagree with the components; reversed radii
    # violate nesting.
    forgetful = field.assign(merge_height=field.height)
    assert landscape.nesting(forgetful, [0.5]).disagreements > 100
    large, small = landscape.components(field.height.values, field.attrs["source"], [1.5, 0.5])
    assert (large & ~small).sum() > 0


def test_classes_and_segments_across_seeds():
    nets = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        nets.append(network(toy.build(width=D, blocks=2), name=f"seed {seed}", dtype=torch.float64))
    named = landscape.classes(nets[0], resolution=11)
    x = torch.tensor([float(named.x1[3]), float(named.x2[7])], dtype=torch.float64)
    assert int(named[7, 3]) == int(nets[0](x).argmax())
    a, b = torch.randn(2, 4, 2)
    found = segments.across(nets, a, b, steps=20)
    assert found.slope.dims == ("seed", "pair", "readout") and list(found.readout.values[:2]) == [
        "block 1",
        "block 2",
    ]
    alone = segments.sharpness(
        nets[1][1:], nets[1].states(a, 1), nets[1].states(b, 1), steps=20, first=1
    )
    xr.testing.assert_allclose(found.slope.isel(seed=1, drop=True), alone.slope)


@pytest.mark.parametrize(("hits", "n"), [(5, 5), (0, 5), (4, 10)])
def test_wilson_interval_equals_scipys(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert statistics.wilson(hits / n, n) == pytest.approx((expected.low, expected.high))
    naive = 0.95 * math.sqrt(hits / n * (1 - hits / n) / n)  # the twin: no width where all agree
    assert abs(expected.high - expected.low - 2 * naive) > 0.05


def test_a_trend_by_chance_is_none_and_a_constant_has_none():
    steps, rising = [0, 1, 3, 10, 30], np.array([[0, 1, 2, 3, 4.0], [0, 2, 1, 3, 4]]).T
    assert statistics.trend(steps, rising[:, 0]) == pytest.approx(1)
    assert statistics.trend(steps, np.ones(5)) == 0
    assert (
        abs(statistics.trend_by_chance(steps, rising))
        < 0.15
        < 0.5
        < np.median([statistics.trend(steps, y) for y in rising.T])
    )
