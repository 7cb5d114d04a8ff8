"""Prose models at equal tokens: on made slopes, and on a tiny training that goes on."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from plateaus import results
from plateaus.book import equal_tokens, twins
from plateaus.evidence import twins as told

TINY = {"width": 16, "heads": 1, "context": 32, "batch": 4, "blocks": 2, "compile": "no"}
TINY |= {"tokens": 1024, "checkpoints": 2, "vocabulary": 300, "corpus_tokens": 20_000}


def made(slopes: dict[str, tuple[float, ...]]) -> xr.Dataset:
    """States of each model at 0, 2.5 and 20 million tokens, with so large a median slope at each;
    the same noise.
    """
    spread = np.linspace(-0.5, 0.5, 40)
    rows = []
    for name, each in slopes.items():
        values = np.array(each)[:, None, None] + spread * np.array([1, 2, 3])[None, :, None]
        rows.append(
            xr.Dataset(
                {
                    "slope": (("state", "reading", "pair"), values.astype("float32")),
                    "middle": (("state", "reading"), np.median(values, -1)),
                    "loss": ("state", 4.0 + np.array(each) / 10),
                    "bits": ("state", 1.8 + np.array(each) / 100),
                },
                coords={
                    "reading": list(equal_tokens.READINGS),
                    "model": ("state", [name] * len(each)),
                    "step": ("state", [0, 610, 4883][: len(each)]),
                    "tokens": ("state", [0, 2_498_560, 20_000_768][: len(each)]),
                    "schedule": ("state", [80_000_000] * len(each)),
                },
            )
        )
    return xr.concat(rows, "state")


FAMILY = {"prose-12l": (1.0, 1.3, 1.5), "prose-4l": (1.0, 1.3, 1.4), "prose-12l-2.5m": (1.0, 1.8)}


def test_models_are_compared_at_equal_tokens_pair_by_pair():
    found = made(FAMILY)
    asked = told.there(found)
    assert list(asked) == ["12 blocks minus 4", "own schedule minus a longer one"]
    depth, schedule = (told.apart(found, *each) for each in asked.values())
    assert depth.value == pytest.approx(0.1, abs=1e-5) and depth.ci[0] > 0.09 and depth.n == 40
    assert schedule.value == pytest.approx(0.5, abs=1e-5), "the twin at the end has 0.3"
    assert told.apart(found, "prose-12l", "prose-4l", 0).value == 0
    assert told.loss_apart(found, "prose-12l", "prose-4l", 20) == pytest.approx(0.01)
    turned = found.isel(state=slice(None, None, -1))  # the order of states in a file is no order
    assert told.slope(turned, "prose-4l", 20) == told.slope(found, "prose-4l", 20)
    falling = turned.assign(loss=6 - turned.loss)
    here, there = told.at_its_loss(falling, "prose-12l", "prose-12l-2.5m")
    assert (here, there) == pytest.approx((1.5, 1.5), abs=1e-5), "and not 1.8, where it ends"
    assert np.isnan(told.at_its_loss(falling, "prose-12l-2.5m", "prose-12l")[1]), "never so good"
    # The twin that takes the pairs apart sees nothing in this noise.
    assert told.slopes_of(found, "prose-4l", 20).std() > 0.2


def test_the_page_has_a_row_for_each_and_nothing_without_a_result(tmp_path):
    assert equal_tokens.section(tmp_path) == []
    results.save(made(FAMILY), tmp_path / "twins.nc")
    rows = [line for line in equal_tokens.section(tmp_path) if line.startswith("| prose")]
    assert [row.split(" | ")[:2] for row in rows] == [
        ["| prose-12l", "20.0"], ["| prose-4l", "20.0"],
        ["| prose-12l-2.5m", "2.5"], ["| prose-12l", "2.5"],
    ]  # fmt: skip
    assert "| 80 | 1.814 | 1.40 [" in rows[1] and rows[1].count("|") == 8


def test_one_command_trains_shares_token_files_and_goes_on(tmp_path, monkeypatch, books):
    file, asked = tmp_path / "twins.nc", {"shipped": ("prose-4l",), "pairs": 4, **TINY}
    alone = dict(asked, own=("prose-4l",))
    monkeypatch.setattr(twins.models, "pairs_for", _few)
    first = twins.carry_out(tmp_path / "work", file, str(books), **alone)
    assert first.model.values.tolist() == ["prose-4l"] * 2 + ["prose-4l-0.001024m"] * 3
    assert first.step.values.tolist() == [0, 4883, 0, 4, 8]
    given = first.slope.notnull().all(["reading", "pair"]).values.tolist()
    assert given == [False, True, False, False, True] and first.middle.notnull().all()
    assert np.allclose(first.slope.median("pair")[[1, 4]], first.middle[[1, 4]], atol=1e-3)
    both = dict(asked, own=("prose-4l", "prose"))
    more = twins.carry_out(tmp_path / "work", file, **both)  # the token files are there
    assert more.model.values.tolist()[-3:] == ["prose-12l-0.001024m"] * 3
    ours, other = (tmp_path / f"work/prose-{k}l-0.001024m/data/train.bin" for k in (4, 12))
    assert ours.stat().st_ino == other.stat().st_ino
    monkeypatch.setattr(twins, "finished", None)  # any training would fail
    again = twins.carry_out(tmp_path / "elsewhere", file, **alone)
    assert set(again.model.values) == set(more.model.values), "what is not asked for is kept"
    steady = twins.of_its_own("prose-steady", **TINY)
    assert (steady.name, steady.rate_at(8)) == ("prose-12l-0.001024m-steady", steady.learning_rate)
    assert twins.of_its_own("prose", **TINY).rate_at(7) < 0.1 * steady.learning_rate
    with pytest.raises(TypeError):
        twins.carry_out(tmp_path / "elsewhere", file, **dict(alone, clip=2.0))


def _few(folder, record):
    """Pairs of tokens that every model here has."""
    import torch

    from plateaus.data.pairs import Pairs

    ids = torch.randint(5, 250, (2, 4, 6), generator=torch.Generator().manual_seed(0))
    return Pairs(a=ids[0], b=ids[1], labels=tuple("abcd"), source="made")
