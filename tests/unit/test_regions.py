"""Colours of slices and numbers of plateaus where they are known; with wrong twins."""

import numpy as np
import pytest
import torch
import xarray as xr

import plateaus as pl
from plateaus import evidence
from plateaus.data import prompts
from plateaus.evidence.regions import sizes
from plateaus.experiments import regions
from plateaus.measures import merging, slices
from plateaus.studies import plateaus


def blend(n=21):
    """Three colours that change evenly: linear in both coordinates."""
    x, y = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
    return np.stack([x, y, x + y], axis=-1)


def areas(n=21):
    """Two areas of one colour each, with one edge."""
    return (np.indices((n, n))[1] > n // 2).astype(float)[..., None] * np.ones(3)


def test_an_even_blend_has_a_fifth_of_its_change_in_a_fifth_of_its_points_and_areas_have_all():
    assert slices.edge_share(blend()) == pytest.approx(0.2, abs=1e-3)
    assert slices.edge_share(areas()) == pytest.approx(1)
    # The twin that takes the flattest fifth cannot tell them apart that way round.
    steep = np.sort(slices.change(areas()).ravel())
    assert steep[: len(steep) // 5].sum() == 0


def test_each_distance_is_scaled_by_its_own_maximum():
    d = np.stack([np.full((4, 4), 1.0), np.full((4, 4), 5.0), np.arange(16.0).reshape(4, 4)])
    rgb = slices.colours(d)
    assert rgb.shape == (4, 4, 3) and np.allclose(rgb[..., :2], 0)
    assert rgb[0, 0, 2] == 1 and not np.allclose((1 - d / d.max())[0], 0)


def test_labels_are_the_clusters_of_an_ultrametric():
    levels = np.full((4, 4), 3.0)
    levels[:2, :2] = levels[2:, 2:] = 1.0
    assert [len(set(regions._labels(levels, r))) for r in (0.5, 2.0, 4.0)] == [4, 2, 1]
    assert len(set(regions._labels(levels, 1.0))) == 4  # below the radius, not at it


@pytest.fixture(scope="module")
def model():
    lm = pl.load("laboratory-3l")
    return lm, prompts.unrelated(lm, 6)


def test_the_corners_of_a_slice_have_their_own_colours_and_the_prompts_are_their_own(model):
    lm, pairs = model
    found = regions.triples(lm, pairs, 3, resolution=25)
    at = lambda v: int(np.abs(found.alpha.values - v).argmin())  # noqa: E731
    colour = found.colour.values[:, at(0)]
    assert np.allclose(colour[:, at(0), 0], 1, atol=1e-4)  # A is all red
    assert np.allclose(colour[:, at(1), 1], 1, atol=1e-4)  # B is all green, in B's own prompt
    assert (colour[:, at(1), 0] < 0.9).all() and found.sizes["triple"] == 3
    shares = evidence.edge_shares(found)
    even = xr.DataArray(blend(25), dims=("beta", "alpha", "channel"))
    flat = found.assign(colour=found.colour * 0 + even)
    assert (shares > evidence.edge_shares(flat)).all()


def test_corners_stand_where_the_plane_has_them():
    a, b, c = torch.randn(3, 4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    places = torch.from_numpy(regions._places(a, 2 * b, c))
    foot = a + places[:, 2, :1] * (2 * b - a)
    assert torch.allclose(((c - foot) * (2 * b - a)).sum(-1), torch.zeros(4, dtype=torch.float64))
    assert places[:, :2].tolist() == [[[0, 0], [1, 0]]] * 4 and (places[:, 2, 1] == 1).all()


def test_more_are_joined_at_larger_radii_and_never_fewer_than_heights_prove(model):
    lm, pairs = model
    words = torch.arange(10, 22)
    found = regions.clusters(lm, pairs.a[0, :-1], words, shares=(1e-6, 0.5, 1.0, 1e6))
    assert found.number.values[0] == len(words) and found.number.values[-1] == 1
    assert (np.diff(found.number) <= 0).all() and (found.least <= found.number).all()
    assert found.largest.values[-1] == 1 and found.largest.values[0] == 1 / len(words)
    net = lm.at(pairs.a[0, :-1])
    low, high = merging.on_segments(net[1:], net.trace(net.embed(words))[1], steps=9)
    apart = ~np.eye(len(words), dtype=bool)  # no output is near because it is its own
    levels = high[apart] / np.median(low[apart])
    assert np.allclose(found["merge"].values[apart], levels, rtol=1e-4)


def several(trained, shuffled, real, random):
    """Five trainings with that many plateaus and half-exit indices; 100 and 1 before training."""
    rows = [[trained, shuffled], [100, 100]]
    index = [[[real] * 9, [random] * 9], [[1.0] * 9] * 2]
    return xr.Dataset(
        {
            "number": (("seed", "weights", "text"), np.array([rows] * 5)),
            "half_exit": (("seed", "weights", "base", "pair"), np.array([index] * 5)),
        },
        coords={"weights": ["trained", "step 0"], "text": ["stories", "shuffled"],
                "base": ["real", "random"]},
        attrs={"model": "made"},
    )  # fmt: skip


def test_number_and_size_compare_training_with_step_0_and_with_their_controls():
    more, fewer = several(200, 110, 0.5, 0.9), several(50, 90, 1.0, 1.0)
    assert evidence.number(more)["value"] == 2 and evidence.number(more)["n"] == 5
    assert evidence.number(more)["control"][0].value == pytest.approx(1.1)
    assert evidence.size(more)["value"] == -0.5 and evidence.size(more)["n"] == 9
    assert evidence.size(more)["control"][0].value == pytest.approx(-0.1)
    more.half_exit.loc[{"seed": 3, "weights": "trained", "base": "real"}] += 0.3
    assert evidence.size(more)["value"] == -0.5, "the first training alone decides"
    np.testing.assert_allclose(sizes(more)["real"], [-0.5, -0.5, -0.5, -0.2, -0.5])
    # The twin that divides the other way round would call fewer plateaus more.
    assert evidence.number(fewer)["value"] == 0.5 and evidence.size(fewer)["value"] == 0


def test_a_training_is_counted_beside_its_step_0(model):
    found = plateaus.of_training(model[0], activations=8, pairs=3, tokens=6)
    assert set(found.weights.values) == {"trained", "step 0"}
    assert ((found.number >= 1) & (found.number <= 8)).all()
    assert (found.least <= found.number).all() and np.isfinite(found.half_exit).all()
    context = prompts.unrelated(model[0], 3, tokens=6).a[0, :-1]
    words = model[0].clean_run(context[None])[1][0].topk(8).indices
    alone = regions.clusters(model[0], context, words, shares=[0.25])
    assert found.number.sel(weights="trained", text="stories") == alone.number.item()
    other = plateaus.of_training(model[0], began=1, activations=8, pairs=3, tokens=6)
    assert not found.half_exit.equals(other.half_exit)
    assert not found.half_exit.sel(base="real").equals(found.half_exit.sel(base="random"))
