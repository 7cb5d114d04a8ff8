"""Trainings carried out to be measured: on trainings of a moment, gone on with and not repeated."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus import evidence, results
from plateaus.book import again
from plateaus.data import prompts
from plateaus.errors import PlateauError
from plateaus.experiments import Ends, contraction, gaps, trajectories
from plateaus.experiments import extents as reach
from plateaus.networks.load import load
from plateaus.studies import attraction, prose
from plateaus.training.language.settings import settings

torch.set_num_threads(1)
TINY = {"width": 16, "heads": 2, "batch": 4, "blocks": 3, "compile": "no", "device": "cpu"}
TINY |= {"threads": 1, "corpus_tokens": 20_000, "checkpoints": 2}
FEW = 4


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("again")


@pytest.fixture(scope="module")
def way(work):
    """Two trainings of the laboratory language: settings, and what was measured on the way."""
    own = {**TINY, "context": 32, "tokens": 40 * 128}
    names = {1: "tiny", 2: "tiny-seed2"}  # the second is longer
    every = [settings("laboratory-3l", name=n, seed=k, **own) for k, n in names.items()]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(again, "FEW", FEW)
        return every, again.carry_out(work, work / "way.nc", "way", trainings={"tiny": every})


def test_every_checkpoint_is_measured_on_the_prompts_of_the_last(way, work):
    every, found = way
    assert found.step.values.tolist() == [0, 10, 40] * 2
    assert found.seed.values.tolist() == [1] * 3 + [2] * 3 and set(found.model.values) == {"tiny"}
    run = again.trained(every[0], work / "tiny" / every[0].name)
    with run.exported() as folder:
        final = load(str(folder), dtype=torch.float64)
        lm = final.checkpoint("step-10")
    some = Ends.of_prompts(lm, prompts.unrelated(final, FEW, seed=0))
    np.testing.assert_array_equal(
        found.total[1], gaps.of_lines(trajectories.follow(some, steps=21))
    )
    assert not np.allclose(found.total[1], found.total[2])  # the twin: another step's
    assert not np.allclose(found.total[1], found.total[4])  # another seed's
    told = results.provenance_of(results.load(work / "way.nc"))["trainings"]
    assert [s["seed"] for s in told.values()] == [1, 2]


def test_what_is_finished_is_not_trained_again_unless_it_is_another(way, work, monkeypatch):
    every, found = way
    monkeypatch.setattr(again, "FEW", FEW)
    monkeypatch.setattr(again, "trained", None)
    once_more = again.carry_out(work, work / "way2.nc", "way", trainings={"tiny": every})
    assert once_more.drop_attrs().equals(found.drop_attrs())
    monkeypatch.setattr(again, "FEW", FEW + 1)  # the twin: other pairs are measured anew
    with pytest.raises(TypeError):
        again.carry_out(work, work / "way3.nc", "way", trainings={"tiny": every})


def test_trainings_on_prose_share_their_token_files(work, monkeypatch, books):
    own = {**TINY, "context": 32, "vocabulary": 300, "tokens": 1024, "stop": 0}
    every = [settings("prose-4l", name=f"told-seed{k}", seed=k, **own) for k in (0, 1)]
    last = lambda run, model: xr.Dataset({"step": ("training", [run.s.last_step])})  # noqa: E731
    monkeypatch.setitem(again.MADE, "end", (last, "training"))
    asked = {"trainings": {prose.MODEL: every}}
    with pytest.raises(PlateauError, match="--corpus"):
        again.carry_out(work / "prose", work / "end.nc", "end", **asked)
    found = again.carry_out(work / "prose", work / "end.nc", "end", str(books), **asked)
    assert found.step.values.tolist() == [8, 8]
    files = [work / f"prose/{prose.MODEL}/told-seed{k}/data/train.bin" for k in (0, 1)]
    assert files[0].samefile(files[1])


def test_the_end_of_trainings_has_what_the_claims_rest_on(way, work, monkeypatch):
    every, _ = way
    monkeypatch.setattr(again, "FEW", FEW)
    found = again.carry_out(work, work / "ends.nc", "end", trainings={prose.MODEL: every})
    saved = results.load(work / "ends.nc")
    assert (
        found.training.values.tolist() == saved.training.values.tolist() == ["tiny", "tiny-seed2"]
    )
    run = again.trained(every[1], work / prose.MODEL / every[1].name)
    with run.exported() as folder:
        lm = load(str(folder), dtype=torch.float64)
        drawn = attraction.of_model(lm, FEW)
        apart = Ends.of_prompts(lm, prompts.sharing_context(lm, FEW, seed=0))
    one = found.isel(training=1)
    np.testing.assert_allclose(one.pull.transpose(*drawn.pull.dims), drawn.pull)
    assert not np.allclose(found.pull[0], found.pull[1])  # the twin: another training's
    of, relative = prose.extents(found), reach.reach(apart, steps=25).relative[-1]
    np.testing.assert_allclose(of.relative.sel(blocks="most")[1], relative)
    assert evidence.relative_over_trainings(reach.of_trainings(of))["control"][0].value == 0
    assert evidence.overlap_over_trainings(of)["n"] == 2
    assert evidence.expansion(contraction.trainings(prose.lines(found), prose.MODEL))["n"] == 2
    beside = attraction.beside(prose.drawn(found))
    assert evidence.decoys_over_trainings(beside)["n"] == 2
    kinds, terms = (one[v].sel(weights="trained") for v in ("total", "terms"))
    departure = kinds.sel(kind="between") - kinds.sel(kind="inside")
    np.testing.assert_allclose(terms.sum("term", skipna=False), departure)
