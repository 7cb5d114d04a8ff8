"""Perturbations in real and random directions on networks that are known; with wrong twins."""

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus import evidence
from plateaus.errors import BadParameter, BadPoints
from plateaus.evidence import directions as judged
from plateaus.experiments import Ends, directions, interpolate, targets
from plateaus.networks.network import Network

PAIRS, D = 24, 8


def of_readout(readout):
    """A network of one block that changes nothing, read as logits."""
    return Network(
        blocks=(lambda x: x,), dims=(D, D), readout=readout, readouts={"logits": readout},
        name="known", dtype=torch.float64,
    )  # fmt: skip


def ends_through(readout, spread=1.0):
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, PAIRS, D, generator=generator, dtype=torch.float64)
    scale = torch.ones(D, dtype=torch.float64)
    scale[0] = spread
    return Ends.of_points(of_readout(readout), a * scale, b * scale)


def linear(x):
    return 4 * x


def gentle(x):
    return 0.05 * x


def walled(x):
    """Flat until the point has turned by 60 degrees away from the first axis."""
    u = (x / x.norm(dim=-1, keepdim=True))[..., 0].clamp(max=0.5)
    return 4 * torch.stack([u, -u], -1)


def test_the_sphere_keeps_the_norm_and_ends_at_the_antipode():
    a, b = torch.randn(2, 3, D, dtype=torch.float64)
    points = directions.sphere(a, b, steps=9)
    assert torch.allclose(points.norm(dim=-1), a.norm(dim=-1)[:, None].expand(-1, 9))
    assert torch.allclose(points[:, -1], -a) and torch.allclose(points[:, 0], a)
    assert not torch.allclose(directions.straight(a, b, steps=9).norm(dim=-1), points.norm(dim=-1))


def test_random_points_have_the_mean_and_spread_of_real_ones_and_isotropic_ones_do_not():
    ends = ends_through(linear, spread=20.0)
    drawn = [targets.KINDS[kind](ends, 1) for kind in ("random", "isotropic")]
    ratio = [float(x[:, 0].std() / x[:, 1:].std()) for x in drawn]
    assert ratio[0] > 8 and ratio[1] < 3
    assert torch.allclose(drawn[1].norm(dim=-1), ends.a.norm(dim=-1).mean().expand(PAIRS))


def test_a_base_point_takes_the_place_of_the_first_end_and_no_other():
    ends = ends_through(linear)
    real = directions.perturb(ends, base="real", toward="random", steps=9)
    random = directions.perturb(ends, base="random", toward="random", steps=9)
    assert real.attrs["base"] == "real" and not np.allclose(real.kl, random.kl)
    again = directions.perturb(ends, base="real", toward="random", steps=9)
    assert np.allclose(real.kl, again.kl)


def test_the_angle_is_where_kl_reaches_half_a_nat():
    ends = ends_through(linear)
    coarse = directions.perturb(ends, toward="random", steps=25)
    fine = directions.perturb(ends, toward="random", steps=721)
    assert np.abs(coarse.reach - fine.reach).max() < 1.0
    # The twin that interpolates KL itself is off by more: it is curved between two steps.
    at = [np.argmax(row >= 0.5) for row in coarse.kl.values]
    rows = range(PAIRS)
    low, high = coarse.kl.values[rows, np.array(at) - 1], coarse.kl.values[rows, at]
    straight = 180 * (np.array(at) - 1 + (0.5 - low) / (high - low)) / 24
    assert np.abs(straight - fine.reach).max() > np.abs(coarse.reach - fine.reach).max()


def test_a_perturbation_that_is_never_felt_counts_to_the_end_of_the_path():
    ends = ends_through(lambda x: 1e-3 * x)
    found = directions.perturb(ends, steps=9)
    assert (found.reach == 180).all() and not found.reached.any()


def test_a_corner_is_best_only_if_it_beats_every_mixture():
    ends = ends_through(linear)
    found = directions.triangle(ends, ("real", "random", "random"), side=3, steps=9)
    weights = np.stack([found[f"w{k}"] for k in range(3)], axis=1)
    assert np.allclose(weights.sum(1), 1) and len(weights) == 6
    at = int(np.flatnonzero(found.w0 == 1)[0])
    reach = found.reach.values.copy()
    reach[:, at] = reach.min(1) - 1
    assert evidence.corner_is_best(found.assign(reach=(("pair", "mixture"), reach))).all()
    reach[:, at] = reach.max(1) + 1
    assert not evidence.corner_is_best(found.assign(reach=(("pair", "mixture"), reach))).any()


def test_the_steepest_direction_is_a_local_maximum_and_another_is_not():
    """Logits that see the first coordinate alone: only the meridian through it is an optimum."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(PAIRS, D, generator=generator, dtype=torch.float64)
    a[:, 0] = 0
    best = torch.zeros(PAIRS, D, dtype=torch.float64)
    best[:, 0] = 1
    other = best + torch.randn(PAIRS, D, generator=generator, dtype=torch.float64)
    shares = []
    for target in (best, other):
        net = of_readout(lambda x: 4 * torch.stack([x[..., 0], -x[..., 0]], -1))
        ends = Ends.of_points(net, a, target)
        felt = directions.perturb(ends, toward="real", steps=25)
        # "real" deals the second ends out anew, and the best direction is the same for all.
        shares.append(directions.optimum(ends, felt, circles=8).both_lower.mean())
    assert shares[0] == 1 and shares[1] < 0.8


def test_flatness_tells_a_plateau_from_a_slope():
    a, b = torch.randn(2, PAIRS, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a[:, 0] = 20
    ends = [Ends.of_points(of_readout(f), a, b) for f in (walled, gentle)]
    found = [directions.perturb(e, toward="isotropic", steps=73) for e in ends]
    flat, steep = (evidence.flat_at_40(result, result)["value"] for result in found)
    assert flat < 0.1 < steep


def test_the_angle_of_half_is_that_of_each_base_point_and_reading():
    degrees = np.linspace(0, 180, 721)
    even, late = degrees / 90, (degrees / 90) ** 2
    found = xr.Dataset(
        {
            "kl": (("pair", "alpha"), [even, late, late]),
            "distance": (("readout", "pair", "alpha"), [[even] * 3, [late] * 3]),
            "degrees": ("alpha", degrees),
        },
        coords={"reading": ("readout", ["stream", "normed"]), "block_out": ("readout", [3, 3])},
    )
    each = judged.halves(found)
    np.testing.assert_allclose(each["KL, predictions"], [45, 63.64, 63.64], atol=0.01)
    np.testing.assert_allclose(each["L2, normed"], 63.64, atol=0.01)
    assert judged.by_reading(found) == {n: np.median(angles) for n, angles in each.items()}
    assert judged.by_reading(found)["KL, predictions"] > each["KL, predictions"].mean() + 1


def test_no_target_is_the_activation_that_it_is_seen_from():
    """Two words make few prompts: the same ones are first ends and second ends of other pairs."""
    points = torch.randn(4, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a, b = points[[0, 0, 0, 1, 2, 1, 3, 0]], points[[1, 2, 3, 0, 0, 2, 1, 1]]
    ends = Ends.of_points(of_readout(linear), a, b)
    meets = []
    for seed in range(20):
        dealt = targets.real(ends, seed)
        assert sorted(map(tuple, dealt.tolist())) == sorted(map(tuple, b.tolist()))
        assert (dealt - a).norm(dim=-1).min() > 0.1
        plain = b[np.random.default_rng(seed).permutation(len(a))]
        meets.append(bool((plain == a).all(-1).any()))
        assert meets[-1] or torch.equal(plain, dealt), "the rest is dealt as it always was"
    assert sum(meets) > 5, "the twin that only shuffles"
    assert np.isfinite(directions.perturb(ends, toward="real", steps=9).reach).all()
    alike = Ends.of_points(of_readout(linear), points[[0, 0, 1]], points[[0, 0, 0]])
    with pytest.raises(BadPoints, match="More than half of the ends of 3 pairs in known"):
        targets.real(alike, 0)


def test_near_and_far_are_told_apart_and_edges_that_are_not_felt_left_out():
    degrees = np.array([0.0, 15.0, 90.0])
    one, other = (
        xr.Dataset({"kl": (("pair", "alpha"), np.array(kl)), "degrees": ("alpha", degrees)})
        for kl in ([[0, 0.1, 4], [0, 0.1, 4]], [[0, 0.3, 3], [0, 0.2, 5]])
    )
    assert judged.louder(other, one, 15).value == 1 and judged.louder(other, one, 90).value == 0.5
    assert judged.louder(one, other, 15).value == 0, "the twin that asks the other way round"
    assert judged.kl_at(other, 15).value == pytest.approx(0.25)
    inverse = ("edge", "pair"), [[0.4, 0.4], [0.2, np.nan], [0.5, 0.6]]
    both = judged.by_edge(xr.Dataset({"inverse": inverse}, coords={"edge": ["0-1", "0-2", "1-2"]}))
    np.testing.assert_allclose(both["real and random"], [0.3, np.nan])
    np.testing.assert_allclose(both["two random"], [0.5, 0.6])


def test_ends_that_do_not_fit_are_refused():
    ends = ends_through(linear)
    with pytest.raises(BadPoints, match="one point of finite numbers for each pair"):
        ends.moved(a=torch.zeros(3, D))
    with pytest.raises(BadParameter, match="sphere, straight"):
        directions.perturb(ends, mode="circle")
    with pytest.raises(BadParameter, match="real, random, isotropic"):
        directions.perturb(ends, base="wrong")


def test_moved_ends_are_those_given():
    ends = ends_through(linear)
    other = ends.moved(a=ends.b, b=ends.a)
    assert torch.equal(other.a, ends.b) and torch.equal(other.b, ends.a)
    forth, back = (interpolate(e, steps=5).relative_distance for e in (ends, other))
    assert np.allclose(forth.values, 1 - back.values[..., ::-1])
