"""Long trainings: what is kept of them, and planes that are exact where they say so."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_the_exact_plane_says_how_far_the_grid_is_from_it(small, found):
    exact = found.sel(plane="exact")
    assert (exact.pieces > 1).all() and found.pieces.sel(plane="sampled").isnull().all()
    assert (exact.off < 0.1).all()
    assert float(exact.terrain.min()) < 0.2 and (exact.growth >= 1).all()


def test_a_grid_of_another_network_would_be_far_off(small):
    trained = small.trained("no-norm", 1, ("true",))["true"]
    first, second = trained.networks()
    anchor = found_at(small)
    own = exactly(first, anchor=anchor, resolution=21)
    other = sampled(second, anchor=anchor, resolution=21)
    same = sampled(first, anchor=anchor, resolution=21)
    off = [float(abs(x.merge_height - own.merge_height).max()) for x in (same, other)]
    assert off[0] < 0.2 < off[1]


def found_at(small):
    from plateaus.data import tasks

    return tasks.task("spiral", None).test.x[0].double()
