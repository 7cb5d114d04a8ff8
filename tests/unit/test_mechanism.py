"""Speeds, Jacobian norms and the evidence made of them, on models and on arrays that are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from torch.func import jacrev, vmap

import plateaus as pl
from plateaus.errors import UnsupportedModel
from plateaus.evidence import normalisation, patches, sensitivity, steps
from plateaus.experiments import Ends, sweep
from plateaus.experiments.passage import passage
from plateaus.geometry import paths
from plateaus.measures import jacobians
from plateaus.measures.jacobians import NormOf
from plateaus.networks.nulls import jvp
from plateaus.networks.perceptron import perceptron


@pytest.fixture(scope="module", params=["gpt2", "llama", "qwen2", "opt"])
def lm(request, save_tiny, tmp_path_factory):
    folder = save_tiny(request.param, tmp_path_factory.mktemp(request.param), scale=0.2)
    return pl.load(folder, device="cpu", dtype=torch.float64)


@pytest.fixture(scope="module")
def ends(lm):
    ids = torch.randint(3, 200, (2, 3, 5), generator=torch.Generator().manual_seed(0))
    ids[1, :, :-1] = ids[0, :, :-1]
    net = lm.at(ids[0, :1, :-1])
    return Ends.of_inputs(net, *(net.embed(ids[k, :, -1]) for k in (0, 1)))


@pytest.mark.parametrize("eps", [1e-5, 0.5, 1e12])
def test_norms_of_mlp_jacobians_agree_with_automatic_differentiation(lm, eps, monkeypatch):
    monkeypatch.setattr(jacobians, "BLOCK", 48)
    monkeypatch.setattr(jacobians, "AT_ONCE", 3)  # four points, in two pieces
    net = lm.at(torch.tensor([5, 6, 7]))
    x = torch.randn(4, lm.d, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    mlp = replace(perceptron(net.blocks[1], x), eps=eps)
    exact = vmap(jacrev(mlp))(x).square().sum((1, 2)).sqrt()
    ours = NormOf(mlp=mlp)(x)
    assert float((ours / exact - 1).abs().max()) < 1e-8
    other = NormOf(mlp=replace(mlp, eps=2 * eps + 1))(x)
    assert float((other / exact - 1).abs().max()) > 1e-6


def test_speeds_of_halves_multiply_up_to_the_derivative_of_the_network(ends):
    found = passage(ends, steps=6)
    (part,) = ends.parts(6)
    x = paths.segment(part.a, part.b, steps=6)
    exact = jvp(part.net, x, (part.b - part.a)[:, None].expand_as(x)).norm(dim=-1).log()
    total = found.log_speed_in + found.log_gain.sum(("block", "half"))
    assert np.abs(total - exact.numpy()).max() < 1e-5  # RMSNorm is float32
    assert np.abs(found.log_speed_in + found.log_gain.sum("block").sel(half="mlp")
                  - exact.numpy()).max() > 1e-4  # fmt: skip
    assert (found.mlp_gain <= found.mlp_norm * (1 + 1e-5)).all()


def test_what_carries_the_boundary_sums_up(ends):
    found = passage(ends, steps=9)
    at = abs(found.alpha - sensitivity.steepest(found)).argmin("alpha")
    whole = (found.log_speed.isel(alpha=at) - found.log_speed.mean("alpha")).mean("pair")
    assert abs(float(sensitivity.carried(found).sum() - whole)) < 1e-12


def test_the_excess_is_that_of_the_chosen_point_and_less_at_the_one_of_another_pair(ends):
    found = passage(ends, steps=9)
    own = sensitivity.excess(found)
    assert own.value == pytest.approx(float(sensitivity.carried(found).sum()))
    assert own.n == 3 and own.ci[0] <= own.value <= own.ci[1]
    parts = sensitivity.carried(found).sum("block")
    share = float(parts.sel(half="mlp") / parts.sum())
    assert sensitivity.part_of_mlps(found).value == pytest.approx(share)


def test_a_peak_that_stands_elsewhere_in_each_pair_is_no_excess_at_anothers_place():
    places = np.linspace(0.2, 0.8, 6)
    each = [known(lambda a, k, at=at: bump(a + 0.5 - at, k), at=at, pairs=1) for at in places]
    found = xr.concat(each, "pair", coords="minimal", compat="override")
    found = found.assign_coords(half=["attention", "mlp"])
    own, other = sensitivity.excess(found), sensitivity.excess(found, 3)
    assert own.ci[0] > 1 > 0.5 > other.value
    assert sensitivity.part_of_mlps(found).value == pytest.approx(1)


def test_what_the_norm_adds_is_gone_where_every_point_has_the_median_norm(ends):
    """A normalisation undoes a scale, so that at a point k times as long DF is divided by k."""
    found = passage(ends, steps=9)
    (part,) = ends.parts(9)
    x = paths.segment(part.a, part.b, steps=9)
    v, gone = (part.b - part.a)[:, None].expand_as(x), 0
    for block in part.net.blocks:
        mlp = perceptron(block, x[:, :2])
        mid = x + block.with_parts(x)[1]["attention"]
        v = jvp(lambda y, block=block: y + block.with_parts(y)[1]["attention"], x, v)
        longer = mlp.size(mid).median(dim=1, keepdim=True).values / mlp.size(mid)
        own, other = (v + jvp(mlp, at, v) for at in (mid, mid * longer[..., None]))
        gone = gone + (own.norm(dim=-1) / other.norm(dim=-1)).log()
        x, v = block(x), own
    at = abs(found.alpha - sensitivity.steepest(found)).argmin("alpha").values
    exact = gone[range(3), at] - gone.mean(1)
    assert abs(exact).max() > 1e-3, "there is something to be gone"
    assert sensitivity.by_norm(found).value == pytest.approx(float(exact.mean()), rel=0.02)
    even = found.assign(stream=found.stream * 0 + 1)
    assert sensitivity.by_norm(even).value == pytest.approx(0, abs=1e-12)


def test_switches_are_counted_between_neighbours(ends):
    coarse, fine = (passage(ends, steps=n) for n in (3, 65))
    few, many = (r.switched.sum("step").values for r in (coarse, fine))
    assert (few <= many).all() and many.sum() > 0
    assert (fine.switched_random.sum() > 0).item()


def test_other_architectures_are_refused(save_tiny, tmp_path):
    lm = pl.load(save_tiny("olmo2", tmp_path), device="cpu")
    net = lm.at(torch.tensor([5, 6, 7]))
    with pytest.raises(UnsupportedModel, match="no closed form"):
        perceptron(net.blocks[1], torch.randn(3, lm.d))


def swept(ends):
    return sweep(ends, steps=5, readouts=False)


def test_widths_are_put_where_they_belong(ends):
    found = swept(ends)
    gap, end = patches.at_gap(found, 1), patches.at_end(found)
    assert gap.shape == (3, 2) and np.allclose(gap[:, -1], end[:, -1])
    assert patches.at_gap(found, 2).shape == (3, 1) and not np.allclose(gap[:, 0], end[:, 0])


def known(norm, at=0.5, points=101, pairs=6):
    """Two blocks whose norms and gains are given functions of alpha, with rho to match."""
    alpha = np.linspace(0, 1, points)
    step = (alpha[1:] + alpha[:-1]) / 2
    both = np.stack([norm(alpha, k) for k in (0, 1)])
    speed = both.prod(0)
    rho = np.cumsum(np.r_[0, (speed[1:] + speed[:-1]) / 2])
    near = np.abs(step - at) < 0.05
    every = lambda x: np.broadcast_to(x, (pairs, *np.shape(x))).copy()  # noqa: E731
    log_gain = np.stack([np.zeros_like(both), np.log(both)], axis=1)
    return xr.Dataset(
        {
            "rho": (("pair", "alpha"), every(rho / rho[-1])),
            "root_jsd": (("pair", "alpha"), every(rho / rho[-1])),
            "step_size": (("pair", "step"), every(np.diff(rho))),
            "mlp_norm": (("pair", "block", "alpha"), every(both)),
            "log_gain": (("pair", "block", "half", "alpha"), every(log_gain)),
            "length": (("pair", "block", "step"), every(np.ones((2, points - 1)))),
            "switched": (("pair", "block", "step"), every(np.stack([1 + 2.0 * near] * 2))),
            "switched_random": (("pair", "block", "step"), every(np.ones((2, points - 1)))),
        },
        coords={"alpha": alpha, "step": step},
        attrs={"model": "known"},
    )


def bump(alpha, block):
    return 1 + 4 * np.exp(-(((alpha - 0.5) / (0.2 - 0.1 * block)) ** 2))


def flat(alpha, block):
    return 1 + 0 * alpha


def test_evidence_tells_bumps_from_flat_norms():
    peaked, even = known(bump), known(flat)
    assert sensitivity.peak(peaked, even)["value"] > 3
    assert sensitivity.peak(even, even)["value"] == pytest.approx(1)
    assert sensitivity.narrower(peaked, even)["value"] == pytest.approx(-1)
    half = sensitivity.peak_widths(peaked)[0]
    assert half == pytest.approx([0.2 * 2 * np.log(2) ** 0.5, 0.1 * 2 * np.log(2) ** 0.5], abs=0.02)
    assert sensitivity.curve_from_norms(peaked)["value"] < 1e-12
    assert sensitivity.curve_from_norms(peaked.assign(mlp_norm=even.mlp_norm))["value"] > 0.1
    assert sensitivity.density_ratio(peaked)["value"] == pytest.approx(3, abs=0.3)
    assert sensitivity.density_ratio(peaked)["control"][0].value == pytest.approx(1)
    assert steps.peak(peaked, even)["value"] > 5 > steps.peak(even, even)["value"]
    assert steps.distance_to_boundary(peaked, even)["value"] < 0.01
    moved = peaked.assign(root_jsd=peaked.root_jsd**8)
    assert steps.distance_to_boundary(moved, even)["value"] > 0.05


def test_curves_of_the_same_network_do_not_differ(ends):
    found = pl.experiments.interpolate(ends, steps=9)
    same = normalisation.curve_difference(found, found)
    assert same["value"] == 0 and same["control"][0].value > 0
    assert normalisation.gain_ratio(found, found)["value"] == pytest.approx(1)
