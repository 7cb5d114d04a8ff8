"""Neurons that switch along paths: counted where the number is known, and with wrong twins."""

import numpy as np
import pytest
import torch
import xarray as xr

import plateaus as pl
from plateaus import evidence
from plateaus.data import prompts
from plateaus.experiments import Ends, switching
from plateaus.measures.switching import between, sign_changes


def test_sign_changes_lie_where_straight_lines_cross_zero():
    z = torch.tensor([[[1.0, -1.0, 5.0], [-1.0, -3.0, 5.0], [-2.0, 1.0, 5.0]], [[1.0] * 3] * 3])
    path, alpha = sign_changes(z)
    assert path.tolist() == [0, 0]
    assert alpha.tolist() == pytest.approx([0.25, 0.5 + 0.5 * 3 / 4])
    low, high = torch.tensor([0.0, 0.0]), torch.tensor([0.3, 1.0])
    assert between(path, alpha, low, high).tolist() == [1, 0]
    assert between(path, alpha, low * torch.nan, high).isnan().all()
    # The twin that counts every change on the path does not know where the boundary is.
    assert torch.bincount(path, minlength=2).tolist() == [2, 0]


def test_fifty_points_count_what_rational_arithmetic_counts_and_five_points_do_not():
    fine, coarse = (switching.against_exact(pairs=12, steps=n) for n in (500, 5))
    assert (fine.exact == coarse.exact).all() and fine.exact.max() > 20
    assert (fine.counted == fine.exact).mean() > 0.9
    assert (coarse.counted == coarse.exact).mean() < 0.7


@pytest.fixture(scope="module")
def counted():
    lm = pl.load("laboratory-3l")
    ends = Ends.of_prompts(lm, prompts.unrelated(lm, 8))
    return lm, ends, switching.switching(ends, steps=20)


def test_switches_are_those_of_the_models_own_neurons(counted):
    lm, ends, found = counted
    net = next(iter(ends.parts(20))).net
    x = pl.paths.segment(ends.a, ends.b, steps=20)
    seen = []
    with torch.no_grad():
        y, z = net.blocks[0](x), []
        for layer, enters in zip(net.blocks, (x, y), strict=True):
            seen.clear()
            own = lm.bridge.blocks[layer.index].mlp.original_component.c_fc
            hook = own.register_forward_hook(lambda _m, _i, out: seen.append(out))
            layer(enters)
            hook.remove()
            z.append(torch.cat([s.reshape(-1, s.shape[-1]) for s in seen]).reshape(8, 20, -1))
    whole = sum(((v[:, 1:] > 0) != (v[:, :-1] > 0)).sum((1, 2)) for v in z)
    assert (found.whole.values == whole.numpy()).all()
    assert (found.crossed < found.whole).any() and (found.crossed <= found.whole).all()
    assert np.allclose(found.length, (ends.b - ends.a).norm(dim=-1))


def test_mlps_that_cannot_be_read_have_no_number(counted, monkeypatch):
    _, ends, _ = counted

    def unreadable(block, x):
        raise pl.errors.UnsupportedModel("no")

    monkeypatch.setattr(switching, "perceptron", unreadable)
    found = switching.switching(ends[:3], steps=5)
    assert found.crossed.isnull().all() and found.whole.isnull().all()
    assert (found.length > 0).all()


def test_dissimilar_is_the_half_with_the_larger_divergence(counted):
    _, ends, _ = counted
    far = set(switching.dissimilar(ends).labels)
    found = pl.experiments.interpolate(ends, steps=2).root_jsd.isel(alpha=-1)
    order = [str(p) for p in found.pair.values[np.argsort(found.values)]]
    assert len(far) in (4, 5) and set(order[4:]) <= far


def made(crossed, whole, length):
    data = {"crossed": crossed, "whole": whole, "length": length}
    return xr.Dataset({k: ("pair", v) for k, v in data.items()}, attrs={"model": "made"})


def test_switches_per_length_are_compared_and_not_switches():
    long, short = (
        made([300.0] * 9, [400.0] * 9, [4.0] * 9),
        made([90.0] * 9, [100.0] * 9, [1.0] * 9),
    )
    found = evidence.more_than_inside(long, short, long, short)
    assert found["value"] == 1 and found["ci"] == (1, 1)
    exactly = xr.Dataset({"counted": ("pair", [0.0, 4, 9]), "exact": ("pair", [0, 4, 10])})
    many = evidence.switches(long, short, exactly)
    assert many["value"] == 300 and many["control"][0].value == 90
    assert many["control"][1].value == pytest.approx(0.95) and many["control"][1].n == 2
    alone = evidence.more_than_inside(long, None, long, None)
    assert alone["value"] is None and evidence.switches(long, None, exactly)["control"][0].n == 0


def test_results_of_several_models_are_saved_in_one_table(tmp_path):
    rows = {"a": {"similar": made(*np.ones((3, 2)))}, "b": {"dissimilar": made(*np.ones((3, 4)))}}
    rows = {k: {n: d.assign_coords(pair=range(d.sizes["pair"])) for n, d in v.items()}
            for k, v in rows.items()}  # fmt: skip
    joined = switching.together(rows, {"a": rows["a"]})
    assert joined.sizes["row"] == 8 and (joined.kind == "similar").sum() == 4
    assert (joined.weights == "step 0").sum() == 2
