"""Features taken away and put in, on dictionaries and networks that are known."""

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus.errors import BadParameter
from plateaus.evidence import latents as judged
from plateaus.experiments import Ends, latents, synthetic
from plateaus.networks.dictionary import Dictionary
from plateaus.networks.network import Network

D, PAIRS = 6, 40


@pytest.fixture(scope="module")
def axes():
    """Each axis is a feature, so that activities are the positive coordinates."""
    one = torch.eye(D, dtype=torch.float64)
    zeros = torch.zeros(D, dtype=torch.float64)
    return Dictionary(W_enc=one, b_enc=zeros, W_dec=one, b_dec=zeros)


@pytest.fixture(scope="module")
def points():
    drawn = torch.randn(2, PAIRS, D, generator=torch.Generator().manual_seed(0)).double()
    return drawn[0], drawn[1]


def ends(points, block):
    net = Network(blocks=(block,), dims=(D, D), name="known", dtype=torch.float64)
    return Ends.of_points(net, *points)


def test_the_strongest_go_and_what_comes_was_not_there(axes):
    x = torch.tensor([[3.0, 1.0, -1.0, 0.0, 2.0, -5.0]], dtype=torch.float64)
    y = torch.tensor([[9.0, 0.0, 4.0, 7.0, 9.0, -1.0]], dtype=torch.float64)
    moved = {
        (count, added): latents.displacement(axes, x, y, count=count, added=added)[0].tolist()
        for count in (1, 2)
        for added in (True, False)
    }
    assert moved[1, False] == [-3, 0, 0, 0, 0, 0] and moved[2, False] == [-3, 0, 0, 0, -2, 0]
    assert moved[1, True] == [0, 0, 0, 7, 0, 0] and moved[2, True] == [0, 0, 4, 7, 0, 0]
    # The twin that adds what is strongest elsewhere, active here or not.
    assert axes.encode(y).argmax() == 0


def test_an_even_network_moves_as_far_whatever_the_way(axes, points):
    found = latents.edits(ends(points, lambda x: 3 * x), axes)
    assert found.sizes == {"edit": 4, "way": 3, "dose": 2, "pair": PAIRS}
    for edit in found.edit.values:
        for way in ("difference", "isotropic"):
            assert judged.times(found, edit, way).value == pytest.approx(1, rel=1e-5)
        assert judged.half(found, edit).value == pytest.approx(0.5, rel=1e-5)
    whole = synthetic.radius(ends(points, lambda x: 3 * x)) / synthetic.QUARTER
    far, norms = judged.moved(found, "1 removed") * whole / 3, points[0].norm(dim=-1).numpy()
    assert np.allclose(far, found.length.sel(edit="1 removed").values * norms, rtol=1e-4)


def test_a_network_that_reads_features_and_one_with_a_threshold_are_told_apart(axes, points):
    rotation = torch.linalg.qr(torch.randn(D, D, generator=torch.Generator().manual_seed(2)))[0]
    kinds = {
        "features": lambda x: x.clamp(min=0),
        "others": lambda x: (x @ rotation.double()).clamp(min=0),
    }
    over = {
        name: judged.times(latents.edits(ends(points, block), axes), "1 removed", "isotropic")
        for name, block in kinds.items()
    }
    assert over["features"].ci[0] > 1.1 > over["others"].value
    late = latents.edits(ends(points, lambda x: 0.01 * x + torch.relu(x) ** 2), axes)
    assert judged.half(late, "1 added").ci[1] < 0.4, "a plateau: half of the dose does little"


def test_what_is_run_together_is_what_is_run_alone(axes, points, monkeypatch):
    some = ends(points, lambda x: torch.tanh(2 * x))
    whole = latents.edits(some, axes)
    monkeypatch.setattr("plateaus.experiments.runs.AT_ONCE", 3 * 25 * D)
    assert len(list(some.parts(25))) > 1
    np.testing.assert_allclose(latents.edits(some, axes).moved, whole.moved)
    same = latents.edits(some, axes, through=lambda e: synthetic.carried(some, e))
    np.testing.assert_allclose(same.moved, whole.moved)
    other = ends(points, lambda x: torch.tanh(5 * x))
    elsewhere = latents.edits(some, axes, through=lambda e: synthetic.carried(other, e))
    assert not np.allclose(elsewhere.moved, whole.moved)


def test_an_activation_without_features_has_nothing_to_lose(axes, points):
    empty = (-points[0].abs(), points[1])
    found = latents.edits(ends(empty, lambda x: x), axes)
    assert np.isnan(found.moved.sel(edit="1 removed")).all()
    assert np.isfinite(found.moved.sel(edit="1 added")).all()
    assert judged.times(found, "1 removed", "isotropic").value is None
    with pytest.raises(BadParameter, match="dictionary must be"):
        latents.edits(ends(points, lambda x: x), None)


def test_the_table_has_a_row_for_each_edit(axes, points):
    some = ends(points, lambda x: x.clamp(min=0) ** 3)
    found = {"known": latents.edits(some, axes)}
    table = judged.table(found, found)
    assert table.index.tolist() == [("known", str(e)) for e in found["known"].edit.values]
    assert (table["over isotropic"] == table["the same at step 0"]).all()
    shown = judged.by_way(found["known"])
    assert list(shown) == list(latents.WAYS) and isinstance(found["known"], xr.Dataset)
