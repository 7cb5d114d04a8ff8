"""Long trainings: what is kept of them, and planes that are exact where they say so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus.data import toy
from plateaus.studies.evolution import Evolution, exactly, sampled


@pytest.fixture(scope="module")
def small():
    return Evolution(
        steps=12, moments=2, seeds=(0, 1), pairs=6, planes=(0, 12), anchors=2, resolution=21,
        blocks=3, exact_blocks=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(small):
    return small.run()


def test_curves_have_every_checkpoint_and_planes_every_moment(found):
    assert found.step.values.tolist() == [0, 1, 12] and found.moment.values.tolist() == [0, 12]
    assert found.slope.sizes == {"labels": 2, "step": 3, "seed": 2, "pair": 6}
    assert found.slope.notnull().all() and found.loss.notnull().all()
    begun = found.slope.sel(step=0)
    np.testing.assert_array_equal(begun.sel(labels="true"), begun.sel(labels="shuffled"))
    assert not np.array_equal(*(found.loss.sel(step=12, labels=k) for k in ("true", "shuffled")))


def test_a_shorter_training_is_the_beginning_of_a_longer_one(small, found):
    begun = replace(small, steps=1, moments=1)
    again = begun.curves(begun.trained())
    np.testing.assert_array_equal(again.slope, found.slope.sel(step=[0, 1]))
    # The twin of another rate is not.
    faster = replace(begun, rate=2 * small.rate)
    other = faster.curves(faster.trained())
    assert float(abs(other.slope - again.slope).sel(step=1).max()) > 1e-6


def test_the_exact_plane_says_how_far_the_grid_is_from_it(small, found):
    exact = found.sel(plane="exact")
    assert (exact.pieces > 1).all() and found.pieces.sel(plane="sampled").isnull().all()
    assert (exact.off < 0.1).all()
    assert float(exact.terrain.min()) < 0.2


def test_areas_are_those_of_the_terrain_and_of_each_kind_of_labels(found):
    first = found.isel(seed=0)
    for share in found.share.values:
        counted = (first.terrain < share).mean(["x2", "x1"])
        xr.testing.assert_allclose(first.area.sel(share=share, drop=True), counted)
        assert float(abs(first.area.sel(share=share) - (first.terrain > share).mean()).max()) > 0.1
    assert (found.area.sel(share=0.2) <= found.area.sel(share=0.8)).all()
    begun, done = (found.terrain.sel(moment=m) for m in (0, 12))
    same, other = (
        abs(t.sel(plane="sampled") - t.sel(plane="shuffled")).max() for t in (begun, done)
    )
    assert float(same) == 0 < float(other)


def test_the_middle_of_a_sector_is_as_far_from_its_borders_as_a_point_can_be():
    # On the ray of angle 0 the phase is 4 r: pi/2 is half-way through the first of two sectors.
    r = torch.tensor([0.0, np.pi / 8, np.pi / 4, 3 * np.pi / 8], dtype=torch.float64)
    points = torch.stack([r, torch.zeros_like(r)], dim=1)
    depth = toy.spiral_depth(points, classes=2)
    torch.testing.assert_close(depth, torch.tensor([0, 0.5, 0, 0.5], dtype=depth.dtype))
    # As many widths of a sector: of four classes the middle of two is a border.
    assert float(toy.spiral_depth(points, classes=4)[1]) < 1e-9
    random = torch.rand(500, 2, dtype=torch.float64) * 2 - 1
    depth = toy.spiral_depth(random, classes=2)
    step = 0.06 * torch.stack([-random[:, 1], random[:, 0]], dim=1)  # an angle of 0.06, about
    apart = toy.spiral_sector(random - step, classes=2) != toy.spiral_sector(
        random + step, classes=2
    )
    assert apart[depth < 0.01].all() and not apart[depth > 0.03].any()


def test_a_grid_of_another_network_would_be_far_off(small):
    first, second = small.few().networks()
    anchor = small.points()[0]
    own = exactly(first, anchor=anchor, resolution=21)
    other = sampled(second, anchor=anchor, resolution=21)
    same = sampled(first, anchor=anchor, resolution=21)
    off = [float(abs(x.merge_height - own.merge_height).max()) for x in (same, other)]
    assert off[0] < 0.2 < off[1]
