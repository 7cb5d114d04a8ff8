"""Many small trainings and what is said of them: on made slopes, and on one tiny training; each
with a twin that would be wrong.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus import evidence, results
from plateaus.book import trainings
from plateaus.evidence import training as of
from plateaus.training.language import bending as bent
from plateaus.training.language.models import build_model
from plateaus.training.language.settings import settings
from plateaus.training.language.windows import Windows

PAIRS, SEEDS = 20, 3
TINY = {"width": 16, "heads": 1, "context": 32, "compile": "no", "threads": 1}


def cell(name, slope, loss):
    """Trainings with the slopes and losses given, one for each step, and the same noise for each
    seed.
    """
    parts = []
    for seed in range(SEEDS):
        spread = np.linspace(-0.1, 0.1, PAIRS) + 0.02 * seed
        values = np.array(slope)[:, None] + spread
        parts.append(
            xr.Dataset(
                {
                    "slope": (("state", "reading", "pair"), values[:, None]),
                    "loss": ("state", np.array(loss) + 0.001 * seed),
                },
                coords={
                    "reading": ["stream"],
                    "cell": ("state", [name] * len(slope)),
                    "seed": ("state", [seed] * len(slope)),
                    "step": ("state", 10 * np.arange(len(slope))),
                },
            )
        )
    return xr.concat(parts, "state")


def family(deep=(1.0, 1.6, 2.4), wide=(1.0, 1.3, 1.6)):
    """Three blocks come from loss 3 over 2 to 1; the others are as far at every step."""
    losses = (3.0, 2.0, 1.0)
    cells = {of.SHALLOW: (1.0, 1.3, 1.6), of.DEEP: deep, of.WIDE: wide, "shuffled": (1, 1, 1)}
    found = xr.concat([cell(name, slope, losses) for name, slope in cells.items()], "state")
    return found.assign_attrs(model="made")


def test_a_slope_is_read_between_the_states_around_a_loss():
    one = of.of_cell(family(), of.DEEP)[0]
    assert of.at_loss(one, 1.0) == pytest.approx(2.4)
    assert of.at_loss(one, 1.5) == pytest.approx(2.0)
    assert np.isnan(of.at_loss(one, 0.5)), "never reached"
    assert np.isnan(of.at_loss(one, 3.0)), "untrained networks have no loss to compare"


def test_at_equal_loss_a_network_that_is_only_further_on_is_not_sharper():
    further = cell(of.DEEP, (1.0, 1.6, 2.2), (3.0, 1.0, 0.5))  # the same curve, a step ahead
    ahead = xr.concat([cell(of.SHALLOW, (1.0, 1.3, 1.6), (3.0, 2.0, 1.0)), further], "state")
    gap = of.gap_at_equal_loss(*(of.of_cell(ahead, c) for c in (of.DEEP, of.SHALLOW)))
    assert gap == pytest.approx(0.0, abs=1e-9)
    at_the_end = of.slope_at(ahead, of.DEEP) - of.slope_at(ahead, of.SHALLOW)
    assert at_the_end.min() > 0.5, "the wrong twin takes the ends"


def test_depth_and_width_are_told_apart():
    found = evidence.at_equal_loss(family())
    assert found["value"] == pytest.approx(0.8)
    wider, end = found["control"]
    assert wider.value == pytest.approx(0.0) and end.value == pytest.approx(2.42)
    depth, width = evidence.slope_by_depth(family()), evidence.slope_by_width(family())
    assert depth["value"] == pytest.approx(0.8) and width["value"] == pytest.approx(0.0)
    swapped = family(deep=(1.0, 1.3, 1.6), wide=(1.0, 1.6, 2.4))
    assert evidence.slope_by_depth(swapped)["value"] == pytest.approx(0.0)
    assert evidence.slope_by_width(swapped)["value"] == pytest.approx(0.8)


def test_the_rank_by_loss_has_the_sign_of_what_was_made():
    better = family()
    chosen = better.cell == of.WIDE
    better["loss"] = better.loss - 0.5 * chosen
    better["slope"] = better.slope + 0.5 * chosen
    assert evidence.rank_by_loss(better)["value"] < -0.5
    better["slope"] = better.slope - 1.0 * chosen
    assert evidence.rank_by_loss(better)["value"] > 0


def test_few_trainings_have_a_wide_interval():
    three = of.paired([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    assert three.value == 2 and three.ci == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-3)
    assert of.paired([1.0], [0.0]).value is None
    uneven = family()
    uneven["slope"] = uneven.slope + 0.01 * (uneven.cell == of.DEEP) * (uneven.seed - 1)
    mean, seeds = of.beside(uneven, of.DEEP, "stream")
    assert mean.value == pytest.approx(0.8) and len(seeds) == SEEDS
    nearly = family()
    nearly["loss"] = nearly.loss + 0.1 * (nearly.cell == of.DEEP) * (1 + nearly.seed)
    assert of.beside(nearly, of.DEEP, "loss")[0].value == pytest.approx(0.2)


def a_model(**changes):
    s = settings("laboratory-3l", **{**TINY, **changes})
    return build_model(s, 50), s


def test_bending_is_zero_where_nothing_bends_and_not_where_something_does():
    x = torch.randint(50, (8, 32), generator=torch.Generator().manual_seed(0))
    straight, _ = a_model(blocks=1)  # nothing behind the block whose output is moved
    assert bent.bending(straight, x, 0, 0).item() == pytest.approx(0, abs=1e-9)
    deep, _ = a_model(blocks=3)
    with torch.no_grad():
        for name, weight in deep.named_parameters():
            if weight.ndim == 2 and ".h." in name:
                weight.mul_(30)
    found = bent.bending(deep, x, 0, 0)
    assert found > 0.01
    assert found == bent.bending(deep, x, 0, 0) and found != bent.bending(deep, x, 0, 1)
    assert not deep.base_model.h[0]._forward_hooks, "nothing of it is left in the model"
    found.backward()
    assert deep.base_model.h[-1].mlp.c_fc.weight.grad.abs().sum() > 0


def test_shuffled_words_are_the_same_words_in_another_order(tmp_path):
    tokens = np.arange(5000, dtype=np.uint16) % 300
    tokens.tofile(tmp_path / "train.bin")
    s = settings("laboratory-3l", **TINY)
    told = Windows(tmp_path / "train.bin", s)
    shuffled = Windows(tmp_path / "train.bin", s, shuffled=True)
    (x, y), (p, q) = told(3), shuffled(3)
    assert not torch.equal(x, p) and torch.equal(p, shuffled(3)[0])
    whole, other = (torch.cat([a, b[:, -1:]], 1).flatten() for a, b in ((x, y), (p, q)))
    assert torch.equal(whole.sort().values, other.sort().values)
    assert torch.equal(p[:, 1:], q[:, :-1]), "targets are still the next words"


def test_one_command_trains_measures_and_goes_on(tmp_path):
    small = {**TINY, "tokens": 2048, "corpus_tokens": 20_000, "checkpoints": 0}
    cells = {
        name: replace(known, changes=known.changes | small, seeds=(4,))
        for name, known in trainings.CELLS.items()
        if name in ("reference", "bending")
    }
    file = tmp_path / "training.nc"
    found = trainings.carry_out(tmp_path / "work", file, cells=cells, pairs=5)
    saved = results.load(file)
    assert saved.sizes == {"state": 4, "reading": 3, "pair": 5}
    assert list(saved.cell.values) == ["reference"] * 2 + ["bending"] * 2
    assert saved.loss[0] == saved.loss[2] > saved.loss[1], "both begin alike and learn"
    assert results.provenance_of(saved)["cells"]["bending"]["bending"] == 10
    made = (tmp_path / "work" / "bending-4" / "state.pt").stat().st_mtime_ns
    file.unlink()  # what stands in it is not even looked for under work
    again = trainings.carry_out(tmp_path / "work", file, cells=cells, pairs=5)
    assert (tmp_path / "work" / "bending-4" / "state.pt").stat().st_mtime_ns == made
    assert np.array_equal(again.slope, found.slope)


def test_what_the_result_holds_is_not_trained_again_unless_its_settings_changed(
    tmp_path, monkeypatch
):
    small = {**TINY, "tokens": 2048, "corpus_tokens": 20_000, "checkpoints": 0}
    cell = replace(trainings.CELLS["reference"], changes=small, seeds=(4,))
    file = tmp_path / "training.nc"
    found = trainings.carry_out(tmp_path / "work", file, cells={"reference": cell}, pairs=5)
    monkeypatch.setattr(trainings, "finished", None)  # any training would fail
    elsewhere = tmp_path / "elsewhere"
    again = trainings.carry_out(elsewhere, file, cells={"reference": cell}, pairs=5)
    assert np.allclose(again.slope, found.slope, atol=6e-4), "three decimals are kept"
    for other in (
        {"cells": {"reference": replace(cell, changes=small | {"clip": 2.0})}, "pairs": 5},
        {"cells": {"reference": replace(cell, seeds=(5,))}, "pairs": 5},
        {"cells": {"reference": cell}, "pairs": 6},
    ):
        with pytest.raises(TypeError):
            trainings.carry_out(elsewhere, file, **other)


def test_a_run_that_stops_on_the_way_loses_nothing_of_the_earlier_result(tmp_path, monkeypatch):
    """Once the file was begun anew, and what later seeds had was gone until the end."""
    small = {**TINY, "tokens": 2048, "corpus_tokens": 20_000, "checkpoints": 0}
    cell = replace(trainings.CELLS["reference"], changes=small, seeds=(4, 5))
    file = tmp_path / "training.nc"
    trainings.carry_out(tmp_path / "work", file, cells={"reference": cell}, pairs=5)
    made, calls = trainings.finished, []

    def once(*given):
        calls.append(given)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return made(*given)

    monkeypatch.setattr(trainings, "finished", once)
    more = {"reference": cell, "relu": replace(cell, changes=small | {"activation": "relu"})}
    with pytest.raises(KeyboardInterrupt):
        trainings.carry_out(tmp_path / "work", file, cells=more, pairs=5)
    saved = results.load(file)
    assert list(saved.cell.values) == ["reference"] * 2 + ["relu"] * 2 + ["reference"] * 2
    assert list(saved.seed.values) == [4] * 4 + [5] * 2
