"""Shares, sublayers, extents and anchors on networks that are known; with wrong twins."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus import evidence
from plateaus.errors import BadPoints
from plateaus.experiments import Ends, contraction, extents, gaps, norms, power, trajectories
from plateaus.measures import chains, dynamics
from plateaus.networks import nulls, toy
from plateaus.networks.network import Network
from plateaus.networks.residual import network
from plateaus.studies import contraction as networks

torch.set_num_threads(1)


def of_blocks(*blocks, d=1):
    return Network(blocks=blocks, dims=(d,) * (len(blocks) + 1), dtype=torch.float64)


def points(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def steep(x):
    """Isometric inside, expanding at the boundary, in the first coordinate only."""
    first = x[..., :1]
    return torch.cat([first + 20 * torch.clamp(8 * first - 3.5, 0, 1), x[..., 1:]], -1)


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(1)
    return network(toy.build(width=8, blocks=4), dtype=torch.float64)


def followed(net, a, b):
    return trajectories.follow(Ends.of_points(net, a, b), steps=21)


def test_shares_add_to_the_departure_and_name_the_mechanism():
    far = 1e6  # a norm that does not grow
    a, b = points([0, far], [0, far]), points([1, far], [1.01, far])
    of_boundary = contraction.shares(followed(of_blocks(steep, d=2), a, b)).mean("pair")
    assert float(of_boundary.sel(term="expansion")) > 0.99 * float(of_boundary.sum())
    pull = lambda x: torch.cat([torch.where(x[..., :1] < 0.5, 0.5 * x[..., :1], 1 - 0.5 * (  # noqa: E731
        1 - x[..., :1])), x[..., 1:]], -1)  # fmt: skip
    of_inside = contraction.shares(followed(of_blocks(pull, d=2), a, b)).mean("pair")
    assert float(of_inside.sel(term="contraction")) == pytest.approx(math.log(2))
    # Twice the blocks' outputs changes nothing but the norm: its term, and what it takes away.
    double = contraction.shares(followed(of_blocks(lambda x: 2 * steep(x), d=2), a, b)).mean("pair")
    assert float(double.sel(term="norm")) == pytest.approx(math.log(2), abs=1e-6)
    assert float(double.sum()) == pytest.approx(float(of_boundary.sum()))


def test_shares_are_exact_on_every_line(trained):
    generator = torch.Generator().manual_seed(2)
    ends = Ends.of_inputs(trained, *torch.randn(2, 30, 2, generator=generator).double())
    found = trajectories.follow(ends, steps=21)
    of = gaps.of_lines(found)
    departure = of.sel(kind="between", drop=True) - of.sel(kind="inside", drop=True)
    total = contraction.shares(found).sum("term", skipna=False)
    np.testing.assert_allclose(total, departure, rtol=1e-9, atol=1e-12)
    twin = contraction.shares(found).isel(term=[0, 2]).sum("term", skipna=False)  # norm dropped
    assert not np.allclose(twin, departure, equal_nan=True)


def test_a_linearised_network_has_no_departure(trained):
    generator = torch.Generator().manual_seed(3)
    a, b = torch.randn(2, 12, 8, generator=generator, dtype=torch.float64)
    flat = nulls.linearised(trained[1:], at=torch.zeros(8, dtype=torch.float64))
    assert abs(contraction.shares(followed(flat, a, b)).sum("term")).max() < 1e-9
    assert abs(contraction.shares(followed(trained[1:], a, b)).sum("term")).max() > 1e-3


def test_sublayers_add_up_to_the_block(trained):
    generator = torch.Generator().manual_seed(4)
    x, y = torch.randn(2, 10, 8, generator=generator, dtype=torch.float64)
    whole = dynamics.of_pairs(trained[1:], x, y)
    parts = dynamics.sublayers(trained[1:], x, y)
    torch.testing.assert_close(sum(p for p, _ in parts.values()), whole.parallel, rtol=1e-9, atol=0)
    torch.testing.assert_close(parts["mlp"][1], whole.transverse, rtol=1e-9, atol=1e-12)
    swapped = dynamics.sublayers(trained[1:], x, y.flip(0))
    assert not torch.allclose(swapped["mlp"][0], whole.parallel)
    with pytest.raises(BadPoints, match="residual"):
        dynamics.sublayers(trained[:1], torch.zeros(2).double(), torch.ones(2).double())


def test_anchors_leave_the_own_line_out_and_match_distances():
    generator = torch.Generator().manual_seed(5)
    x, real, random = torch.randn(3, 9, 4, generator=generator, dtype=torch.float64)
    own = torch.eye(9, dtype=torch.bool)
    real[range(9)] = x + 0.01  # the own end is by far the nearest
    near, far = dynamics.anchors(x, real, random, own)
    distance = (near - x).norm(dim=-1)
    assert (distance > 0.1).all()
    torch.testing.assert_close((far - x).norm(dim=-1), distance)
    twin, _ = dynamics.anchors(x, real, random, torch.zeros_like(own))
    assert ((twin - x).norm(dim=-1) < 0.03).all()
    brute = torch.stack([min((r for j, r in enumerate(real) if j != i),
                             key=lambda r, i=i: (r - x[i]).norm()) for i in range(9)])  # fmt: skip
    assert torch.equal(near, brute)


def test_gaps_called_half_way_do_not_know_the_later_blocks():
    a, b = points([0.0], [0.0]), points([1.0], [1.02])
    late = followed(of_blocks(lambda x: x, steep), a, b)
    of = gaps.of_lines(late, gaps.HALF_WAY)
    half = of.sel(kind="between") - of.sel(kind="inside")
    circle = gaps.of_lines(late)
    built_in = circle.sel(kind="between") - circle.sel(kind="inside")
    assert float(half.mean()) < 0.5 * float(built_in.mean())  # half-way the line is still even


def test_extents_of_an_affine_network_and_of_more_blocks(trained):
    generator = torch.Generator().manual_seed(6)
    inputs = torch.randn(2, 12, 2, generator=generator).double()
    found = extents.reach(Ends.of_inputs(trained, *inputs), steps=21)
    assert found.depth.values.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(found.affine, 0.25, atol=1e-9)
    assert (found.appended >= found.fixed.isel(depth=-1) - 1e-12).all()
    scaled = network(toy.build("linear", width=8, blocks=4), dtype=torch.float64)
    flat = extents.reach(Ends.of_inputs(scaled, *inputs), steps=21)
    np.testing.assert_allclose(flat.relative, 0.25, atol=1e-9)
    # One radius for all, a quarter of the median distance, and no depth where nothing bends.
    (part,) = Ends.of_inputs(scaled, *inputs).parts(2)
    whole = extents._distances(part, 2)[:, -1]
    once = np.minimum(1, np.median(whole) / whole / 4)
    np.testing.assert_allclose(flat.fixed, np.broadcast_to(once, flat.fixed.shape), atol=1e-6)
    assert (flat.grows == 1).all()
    assert abs(found.relative - 0.25).max() > 0.01


def test_a_chain_of_balls_is_carried_and_is_no_larger_than_the_ball_itself(trained):
    d = 8
    unit = torch.eye(d).double()
    halves = of_blocks(*3 * [lambda x: 0.5 * x], d=d)
    chain, direct = chains.chain(halves, torch.zeros(d).double(), 0.5, unit)
    assert chain.tolist() == pytest.approx([0.5 * 2**k for k in (3, 2, 1, 0)], rel=0.05)
    assert float(direct) == pytest.approx(2, rel=0.01)  # sought up to four times the radius
    generator = torch.Generator().manual_seed(7)
    some = torch.nn.functional.normalize(torch.randn(60, d, generator=generator).double(), dim=-1)
    a = torch.randn(d, generator=generator).double()
    chain, direct = chains.chain(trained[1:], a, 0.5, some)
    assert 0 < chain[0] <= direct * 1.02
    for k, g in enumerate(trained[1:].blocks):
        x = trained[1:].trace(a)[k]
        away = (g(x + chain[k] * some) - g(x[None])).norm(dim=-1).max()
        assert away < chain[k + 1]
        assert (g(x + 3 * chain[k] * some) - g(x[None])).norm(dim=-1).max() > chain[k + 1]  # twin


def test_lines_are_summed_by_block_and_over_trainings(trained):
    generator = torch.Generator().manual_seed(8)
    ends = Ends.of_inputs(trained, *torch.randn(2, 12, 2, generator=generator).double())
    found = networks.lines_of({"trained": ends, "untrained": ends}, steps=21)
    np.testing.assert_allclose(
        found.log_c.sum("block", skipna=False), found.total.sel(weights="trained"), atol=1e-12
    )
    several = xr.concat([found, found.assign(total=found.total + 1)], "training")
    means = contraction.trainings(several, "made")
    assert means.inside.dims == means.later.dims == ("training", "weights")
    assert float(means.inside[1, 0] - means.inside[0, 0]) == pytest.approx(1)
    assert means.attrs["model"] == "made"


def test_identities_hold_and_their_twins_do_not(trained, monkeypatch):
    generator = torch.Generator().manual_seed(9)
    ends = Ends.of_inputs(trained, *torch.randn(2, 8, 2, generator=generator).double())
    found = contraction.identities(ends, steps=21)
    assert set(found.data_vars) == {"identity", "telescoping", "shares", "affine"}
    assert float(found.to_array().max()) < 1e-9
    monkeypatch.setattr(nulls, "linearised", lambda net, at: net)  # nothing is made affine
    assert float(contraction.identities(ends, steps=21).affine.max()) > 1e-3
    shares = contraction.shares
    monkeypatch.setattr(contraction, "shares", lambda r: shares(r).isel(term=[0, 2]))  # no norm
    assert float(contraction.identities(ends, steps=21).shares.max()) > 1e-3


def test_a_tied_block_is_used_as_often_as_asked():
    toys = networks.Toys(seeds=(0, 1), samples=600, epochs=1, lines=6, few=3, uses=(4, 8))
    kept = networks.study(toys, [])
    tied = networks.of_shape(kept, "tied")
    assert tied.sizes == {"seed": 2, "uses": 2, "pair": 6}
    as_trained = networks.of_network(kept, "tied").isel(training=0)
    trained_use = as_trained.total.sel(weights="trained", kind="inside")
    np.testing.assert_allclose(tied.inside.sel(seed=0, uses=8), trained_use, atol=1e-12)
    assert not np.allclose(tied.inside.sel(seed=0, uses=4), trained_use, equal_nan=True)
    residual = networks.of_network(kept, "residual")
    assert residual.sizes["block"] == 20 and residual.training.size == 2
    assert networks.of_network(kept, "no-skip").sizes["block"] == 8
    reach = networks.of_shape(kept, "residual")
    assert reach.relative.sizes == {"depth": 20, "pair": 6}
    first = reach.radii.isel(passed=0)
    assert reach.fine.values.tolist() == [200, 2000] and (reach.direct >= first).all()
    assert 0 < abs(first[1] - first[0]) < 0.5 * first[1]  # rounded down in 20 blocks, by 2 % each
    deep = networks.of_shape(kept, "no-skip-12")
    assert set(deep.data_vars) == {"loss"} and "no-skip-12" not in kept.network
    assert (tied.loss > 0).all() and not np.allclose(tied.loss, deep.loss)


def test_an_orbit_of_two_points_moves_and_returns():
    turn = lambda x: -x * (0.5 + 0.5 / x.norm(dim=-1, keepdim=True))  # noqa: E731
    net = Network(blocks=(lambda x: x, turn), dims=(2, 2, 2), dtype=torch.float64)
    found = networks.Toys(seeds=(0,), lines=6, uses=(4, 32)).used(net).sel(uses=32)
    np.testing.assert_allclose(found.moves, 2, atol=1e-6)
    np.testing.assert_allclose(found.returns, 0, atol=1e-6)
    assert (found.period == 2).all()
    x = points([0.3, 0.1], [1.0, 2.0])
    assert networks.period(lambda z: 0.5 * z + 1, x).tolist() == [1, 1]
    assert networks.period(lambda z: z + 1, x).tolist() == [0, 0]


def test_medians_of_sums_are_not_sums_of_medians(trained):
    generator = torch.Generator().manual_seed(10)
    ends = Ends.of_inputs(trained, *torch.randn(2, 20, 2, generator=generator).double())
    found = trajectories.follow(ends, steps=21)
    running, total = gaps.running(found), gaps.totals(found)
    np.testing.assert_allclose(running.isel(block=-1), total)
    np.testing.assert_allclose(running.isel(block=0), gaps.by_block(found).isel(block=0))
    assert not np.allclose(gaps.by_block(found).sum("block"), total, atol=1e-3)  # the twin
    own = found.random_log_ratio[:, 2:].mean("block").median()
    assert float(gaps.later_mean(found).sel(kind="random")) == pytest.approx(float(own))


def test_extents_of_trainings_are_each_trainings_own():
    gained = np.array([[0.2, 0.3, 0.4], [-0.1, 0.0, 0.1]])
    relative = np.stack([np.full(6, 0.25), 0.25 + gained.ravel()])
    found = xr.Dataset(
        {"relative": (("depth", "pair"), relative)}
        | {k: ("pair", np.repeat(v, 3)) for k, v in (("grows", (0.9, 0.5)), ("appended", (1, 0)))}
        | {"affine": ("pair", np.full(6, 0.25))},
        attrs={"model": "made"},
    )
    each = extents.of_trainings(found, count=2)
    np.testing.assert_allclose(each.gained, [0.3, 0])
    np.testing.assert_allclose(each.grows, [0.9, 0.5])
    assert each.attrs["model"] == "made"
    of = evidence.relative_over_trainings(each)
    assert of["n"] == 2 and of["value"] == pytest.approx(0.15)
    assert of["control"][0].value == 0
    pooled = evidence.relative_radius(found)  # the twin: as if six trainings had been seen
    assert pooled["n"] == 6
    whole = evidence.fixed_over_trainings(each)
    assert whole["value"] == pytest.approx(0.7) and whole["control"][0].value == 0.5
    apart = xr.concat([found.isel(pair=slice(3)), found.isel(pair=slice(3, 6))], "training")
    xr.testing.assert_allclose(extents.of_trainings(apart), each)
    with pytest.raises(AssertionError):
        extents.of_trainings(found, count=4)


def test_a_chain_looks_along_the_steepest_directions_too():
    """One direction of many is steep: drawn ones miss it, and the ball would be too large."""
    d = 40
    steep = lambda x: torch.cat([9 * x[..., :1], x[..., 1:]], -1)  # noqa: E731
    generator = torch.Generator().manual_seed(11)
    some = torch.nn.functional.normalize(torch.randn(8, d, generator=generator).double(), dim=-1)
    a = torch.zeros(d).double()
    chain, direct = chains.chain(of_blocks(steep, d=d), a, 1.0, some, steep=2)
    assert [float(chain[0]), float(direct)] == pytest.approx([1 / 9] * 2, abs=0.03)
    blind, _ = chains.chain(of_blocks(steep, d=d), a, 1.0, some)
    assert float(blind[0]) > 2 / 9


def test_where_real_activations_attract_the_measurements_see_it(trained):
    generator = torch.Generator().manual_seed(12)
    inputs = torch.randn(2, 12, 2, generator=generator).double()
    ends = Ends.of_inputs(trained, *inputs)
    found = power.seen(ends, (0.0, 0.2, 0.5), steps=21)
    middle = found.to_half.median("pair").values
    assert middle[0] > middle[1] > middle[2] and middle[2] < 0
    # The pull takes nothing from where the real ones themselves go.
    here, there = (next(e.parts(2)) for e in (ends, power.attracting(ends, 0.5)))
    torch.testing.assert_close(
        there.net.trace(there.a[:, None])[-1], here.net.trace(here.a[:, None])[-1]
    )
    push = power.seen(ends, (-0.2,), steps=21).to_half.median()
    assert float(push) > middle[0]  # the twin
    # Without their own ends, lines are drawn to others, so that they are brought less close.
    alone = next(power.attracting(ends, 0.5, others=True).parts(2))
    ended = alone.net.trace(alone.a[:, None])[-1]
    assert not torch.allclose(ended, here.net.trace(here.a[:, None])[-1])


def test_growth_in_other_norms():
    d, scale = 4, torch.tensor([1.0, 2, 3, 4]).double()
    stretch = of_blocks(lambda x: x * scale, d=d)
    normal = np.random.default_rng(0).standard_normal((2, 400, d))
    real = Ends.of_points(stretch, *torch.from_numpy(normal))
    found = norms.growth(real[:50], real, steps=21, share=0.25).growth
    assert list(found.norm.values) == ["raw", "whitened"]
    # Whitened, a linear map moves nothing; in the raw norm it does.
    assert float(abs(found.sel(norm="whitened")).max()) < 0.05
    assert float(found.sel(norm="raw").mean()) > 0.5
    # A map that is not linear agrees with the sums of log c in the raw norm.
    followed = trajectories.follow(real[:50], steps=21)
    np.testing.assert_allclose(
        found.sel(norm="raw", kind="inside"), gaps.of_lines(followed).sel(kind="inside")
    )
