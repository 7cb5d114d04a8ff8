"""The shipped language models: their sizes, checksums, recipes and the committed table of their
slopes.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from plateaus.book import models
from plateaus.errors import CorruptModel
from plateaus.networks.embedded import verify
from plateaus.networks.load import load
from plateaus.training.language.card import TRIGRAM
from plateaus.training.language.quality import BASELINE
from plateaus.training.language.run import LanguageRun
from plateaus.training.language.settings import PRESETS, LanguageSettings, settings
from plateaus.training.loop import train
from plateaus.training.state import RESUMABLE

FOLDER = Path(__file__).resolve().parents[2] / "book" / "models"
RECORDS = models.records(FOLDER)
BY_NAME = {s.name: (preset, s) for preset, s in PRESETS.items()}


def measured():
    return json.loads((FOLDER / "slopes.json").read_text())


def test_all_together_take_no_more_than_they_may():
    assert sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file()) <= models.LIMIT


@pytest.mark.parametrize("name", RECORDS)
def test_every_file_is_as_recorded(name):
    checked = verify(FOLDER / name)
    assert "model.safetensors" in checked and "training.json" in checked


@pytest.mark.parametrize("name", RECORDS)
def test_a_model_was_made_by_the_preset_that_its_card_names(name):
    preset, s = BY_NAME[name]
    free = {*RESUMABLE, *(["vocabulary"] if s.language == "laboratory" else [])} - {
        "stop"
    }  # that language brings its own words
    recorded, now = (
        {k: v for k, v in x.items() if k not in free}
        for x in (asdict(LanguageSettings(**RECORDS[name]["settings"])), asdict(s))
    )
    assert recorded == now
    assert f"plateaus train lm {preset}" in (FOLDER / name / "README.md").read_text()


def test_the_page_is_what_the_records_say():
    page = (FOLDER / "README.md").read_text()
    assert page == models.table(FOLDER, measured()) + "\n"
    altered = measured()
    some = altered["laboratory-12l"]
    next(iter(some.values()))["stream"][0] += 0.01
    assert page != models.table(FOLDER, altered) + "\n"


def test_every_baseline_is_the_stronger_one():
    """Another 3-gram flattered the prose model: 16.1 % below that one, 14.1 % below this one."""
    assert {r["quality"]["trigram"] for r in RECORDS.values()} == {BASELINE}
    for name in RECORDS:
        assert TRIGRAM in (FOLDER / name / "README.md").read_text()


def test_slopes_belong_to_the_weights_that_are_shipped():
    for name, record in RECORDS.items():
        rows = measured()[name]
        assert {step: row["sha256"] for step, row in rows.items()} == {
            str(step): digest for step, digest in models._weights(FOLDER / name, record)
        }


def test_slopes_come_out_the_same_again():
    name = "laboratory-3l"
    again = models.slopes(load(str(FOLDER / name)), models.pairs_for(FOLDER, RECORDS[name]))
    stored = list(measured()[name].values())[-1]
    for readout in models.READOUTS:
        assert again[readout] == pytest.approx(stored[readout], abs=0.02), readout
    other = measured()["laboratory-12l"]
    assert again["stream"][0] != pytest.approx(
        list(other.values())[-1]["stream"][0], abs=0.02
    )  # the tolerance tells models apart


def test_only_weights_that_changed_are_measured_again(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copytree(FOLDER / "laboratory-3l", folder / "laboratory-3l")
    stored = {"laboratory-3l": measured()["laboratory-3l"]}
    (folder / "slopes.json").write_text(json.dumps(stored))
    said: list[str] = []
    assert models.measure(folder, said.append) == stored and not said


def test_a_flipped_byte_is_named(tmp_path):
    copy = shutil.copytree(FOLDER / "laboratory-3l", tmp_path / "laboratory-3l")
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CorruptModel, match=r"laboratory-3l/model\.safetensors is corrupt"):
        load(str(copy))


def test_the_smallest_model_can_be_made_again(tmp_path):
    """The whole recipe from its first word to its last weight; a few minutes on one core."""
    smallest = settings("laboratory-3l", threads=1)
    log = train(LanguageRun(smallest, tmp_path))
    again = [row["validation"] for row in log if "validation" in row]
    recorded = [row["validation"] for row in RECORDS["laboratory-3l"]["log"] if "validation" in row]
    assert again[0] == pytest.approx(recorded[0], abs=1e-3)  # the same start
    assert again[-1] == pytest.approx(
        recorded[-1], abs=0.02
    )  # the same end, up to the rounding of another machine
    assert (
        recorded[-2] - recorded[-1] > 0.02
    )  # which the checkpoint before it would not have passed
