"""Trainings whose planes are measured: one command trains, measures and goes on; J5 over them."""

import numpy as np
import pytest
import xarray as xr

from plateaus import results
from plateaus.book import edges
from plateaus.evidence.regions import every_training
from plateaus.training.language.settings import settings

TINY = {"width": 16, "heads": 1, "context": 32, "compile": "no", "blocks": 3, "tokens": 2048,
        "corpus_tokens": 20_000}  # fmt: skip


def test_one_command_trains_measures_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(edges, "PLANES", 3)
    monkeypatch.setattr(edges, "RESOLUTION", 5)
    file, seeds = tmp_path / "edges.nc", {edges.SHUFFLED: [4], edges.SHORT_STORIES: [4]}
    asked = {"shipped": ["laboratory-3l"], "seeds": seeds, **TINY}
    found = edges.carry_out(tmp_path / "work", file, **asked)
    assert found.edge_share.sizes == {"training": 3, "weights": 2, "triple": 3}
    assert list(found.text.values) == ["stories", "shuffled", "stories, as short"]
    told = results.provenance_of(results.load(file))
    assert told["settings"]["shuffled-seed4"]["words"] == "shuffled"
    assert told["settings"]["in-order-seed4"]["words"] == "in order"
    shuffled, short = (found.edge_share.isel(training=k).values for k in (1, 2))
    assert np.array_equal(shuffled[0], short[0]), "both begin alike"
    assert not np.array_equal(shuffled[1], short[1])
    assert not np.array_equal(shuffled[0], shuffled[1]), "the end is not the beginning"
    assert edges.recipe(edges.LONG_SHUFFLED, 1).tokens == settings(edges.PRESET).tokens
    made = (tmp_path / "work" / "in-order-seed4" / "state.pt").stat().st_mtime_ns
    again = edges.carry_out(tmp_path / "work", file, **asked)
    assert (tmp_path / "work" / "in-order-seed4" / "state.pt").stat().st_mtime_ns == made
    assert np.array_equal(again.edge_share, found.edge_share)


def a_study(stories, shuffled):
    """Trainings whose shares grow by these numbers from 0.2."""
    grown = np.array([*stories, *shuffled, *stories[:2]])
    share = np.stack([np.full((len(grown), 20), 0.2), 0.2 + np.repeat(grown[:, None], 20, 1)], 1)
    text = ["stories"] * len(stories) + ["shuffled"] * len(shuffled) + ["stories, as short"] * 2
    return xr.Dataset(
        {"edge_share": (("training", "weights", "triple"), share)},
        coords={"text": ("training", text), "weights": ["step 0", "trained"]},
        attrs={"model": "made"},
    )


def test_every_training_counts_trainings_and_not_planes():
    row = every_training(a_study([0.2] * 5, [0.01] * 4))
    assert row["metric"] == "every_training"
    assert row["value"] == 1 and row["ci"][0] > 0.5 and row["n"] == 5
    (shuffled,) = row["control"]
    assert shuffled.value == 0 and shuffled.ci[1] < 0.5 and shuffled.n == 4


@pytest.mark.parametrize(
    ("stories", "shuffled", "asked"),
    [([0.2] * 3 + [0.05] * 2, [0.01] * 4, 0.6), ([0.2] * 5, [0.2, 0.2, 0.0, 0.0], 1.0)],
    ids=["some do not sharpen", "shuffled words sharpen too"],
)
def test_every_training_can_fail(stories, shuffled, asked):
    row = every_training(a_study(stories, shuffled))
    assert row["value"] == asked
    assert row["ci"][0] < 0.5 or row["control"][0].ci[1] > 0.5
