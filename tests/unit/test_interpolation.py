"""Interpolation on tiny models: batches, reversal, frozen sublayers, sweeps; prompts that cannot be
served.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from plateaus.data import prompts
from plateaus.errors import BadParameter
from plateaus.experiments import Ends, interpolate, read, sharpness, sweep
from plateaus.geometry import paths


@pytest.fixture
def ends(gpt2_lm, pairs):
    return Ends.of_prompts(gpt2_lm, pairs)


def test_every_architecture_runs(tiny_lm, pairs):
    result = interpolate(Ends.of_prompts(tiny_lm, pairs), steps=5)
    assert dict(result.distance.sizes) == {"pair": 6, "readout": 5, "alpha": 5}
    assert result.block_out.values.tolist() == [1, 2, 2, 2, 2]
    assert result.reading.values.tolist()[1:] == ["stream", "normed", "logits", "probabilities"]
    assert (
        np.isfinite(result.distance).all() and (result.relative_distance.isel(alpha=-1) == 1).all()
    )
    assert result.attrs["block_in"] == 1 and result.attrs["path"] == "segment"
    assert result.attrs["model"] == tiny_lm.name and result.distance.attrs["units"] == "1"


def test_parts_do_not_change_results(ends, gpt2_lm, monkeypatch):
    whole = interpolate(ends, steps=9)
    two_pairs = 2 * 9 * gpt2_lm.bridge.cfg.d_vocab
    monkeypatch.setattr("plateaus.experiments.runs.AT_ONCE", two_pairs)
    assert len(list(ends.parts(9))) == 3
    split = interpolate(ends, steps=9)
    np.testing.assert_allclose(split.distance, whole.distance, rtol=1e-4)


def test_exchanging_a_and_b_mirrors_rho_when_the_context_is_shared(ends, gpt2_lm, pairs):
    swapped = prompts.Pairs(a=pairs.b, b=pairs.a, labels=pairs.labels, source="test")
    there, back = (
        interpolate(e, steps=9).relative_distance.values
        for e in (ends, Ends.of_prompts(gpt2_lm, swapped))
    )
    np.testing.assert_allclose(back[..., ::-1], 1 - there, atol=1e-4)


def test_any_path_can_be_walked(ends):
    straight, round_ = (
        interpolate(ends, steps=9, path=path) for path in (paths.segment, paths.slerp)
    )
    assert round_.attrs["path"] == "slerp"
    middle = abs(straight.distance - round_.distance).isel(alpha=4)
    assert (middle > 1e-5).all()  # a path that is ignored would give the same curves
    np.testing.assert_allclose(round_.relative_distance.isel(alpha=-1), 1)


def test_a_path_is_a_function_and_keeps_its_name(ends):
    for bad in ("slerp", None):
        for experiment in (interpolate, sweep):
            with pytest.raises(BadParameter, match="a function such as plateaus.paths.slerp"):
                experiment(ends, path=bad)
    turned = interpolate(ends, steps=5, path=partial(paths.sphere_ray, degrees=90.0))
    assert turned.attrs["path"] == "sphere_ray"
    with pytest.raises(BadParameter, match="at least one block"):
        sweep(ends, blocks=[])
    one = interpolate(ends, steps=5, frozen="mlp")
    assert one.attrs["frozen"] == "mlp"
    with pytest.raises(BadParameter, match="sublayer 'mpl'"):
        interpolate(ends, steps=5, frozen="mpl")


def test_both_frozen_is_the_identity_curve_and_one_frozen_is_not(ends):
    both, mlp = (
        read(interpolate(ends, steps=9, frozen=parts).distance)
        for parts in (("attention", "mlp"), ("mlp",))
    )
    np.testing.assert_allclose(both, np.broadcast_to(both.alpha, both.shape), atol=1e-4)
    assert np.abs(mlp - mlp.alpha).max() > 1e-3


def test_each_sublayer_is_frozen_by_its_own_name(gpt2_lm, pairs):
    """An MLP that is silenced leaves nothing to freeze: only frozen attention changes the curve."""
    silent = copy.deepcopy(gpt2_lm.bridge)
    for block in silent.original_model.transformer.h:
        block.mlp.c_proj.weight.zero_()
        block.mlp.c_proj.bias.zero_()
    quiet = Ends.of_prompts(replace(gpt2_lm, bridge=silent), pairs)
    whole, mlp, attention = (
        read(interpolate(quiet, steps=9, frozen=parts).distance)
        for parts in ((), ("mlp",), ("attention",))
    )
    np.testing.assert_allclose(mlp, whole, atol=1e-5)
    np.testing.assert_allclose(attention, np.broadcast_to(whole.alpha, whole.shape), atol=1e-4)
    assert np.abs(whole - whole.alpha).max() > 1e-3


def test_a_sweep_is_every_patch_at_every_readout(ends):
    found = sweep(ends.at(0), steps=9)
    assert found.slope.dims == ("block_in", "pair", "readout")
    assert found.block_in.values.tolist() == [0, 1, 2]
    for block in (0, 1, 2):
        alone = sharpness(interpolate(ends.at(block), steps=9))
        row = found.sel(block_in=block).isel(readout=slice(block, None))
        for name in ("slope", "slope_rho", "half_exit", "width"):
            np.testing.assert_allclose(row[name], alone[name], rtol=1e-4, err_msg=name)
    before = found.slope.where(found.block_out < found.block_in, drop=True)
    assert before.isnull().all() and found.slope.sel(block_in=0).notnull().all()
    two = sweep(ends, blocks=[2, 1], steps=9)
    np.testing.assert_allclose(
        two.slope.sel(block_in=1), found.slope.sel(block_in=1)[:, 1:], rtol=1e-4
    )
    with pytest.raises(BadParameter, match="has blocks 0 to 2, got block=3"):
        sweep(ends, blocks=[1, 3])


def test_the_end_point_is_the_clean_run_of_b_only_in_a_shared_context(gpt2_lm, pairs):
    """d(1) is measured from A to B in A's context."""
    end = gpt2_lm.at(pairs.a[:, :-1]).reading("logits")
    clean = gpt2_lm.clean_run(pairs.b)[1]
    x = gpt2_lm.at(pairs.b[:, :-1]).embed(pairs.b[:, -1:])
    np.testing.assert_allclose(end(x)[:, 0], clean, atol=1e-4)
    other = prompts.Pairs(a=pairs.a.flip(0), b=pairs.b, labels=pairs.labels, source="test")
    assert not np.allclose(gpt2_lm.at(other.a[:, :-1]).reading("logits")(x)[:, 0], clean, atol=1e-2)
