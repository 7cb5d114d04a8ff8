"""The page of speed says what the benchmark measured, and nothing where nothing was measured."""

import json
import re
from pathlib import Path

import pytest

from plateaus.book import speed

ROOT = Path(__file__).resolve().parents[2]
SAVED = ROOT / "book/results/bench.json"
FIGURES = json.loads(SAVED.read_text(encoding="utf-8"))


@pytest.fixture
def page(tmp_path):
    made = tmp_path / "speed.md"
    made.write_text((ROOT / "book/speed.md").read_text(encoding="utf-8"), encoding="utf-8")
    return made


def test_every_measured_row_stands_on_the_page(page):
    speed.place(SAVED, page)
    text = page.read_text(encoding="utf-8")
    assert speed.MARK not in text
    assert all(f"| {name}" in text for name in speed.OF_GROWTH.values())
    for row in FIGURES["models"].values():
        for name, of in row["ratios"].items():
            if name != "fraction_of_peak":
                told = f"{of['times ours']:,.1f}\u202f×"
                assert re.search(rf"\| {re.escape(speed.NAMES[name])} \|.*{told}", text), name


def test_a_row_waits_for_its_largest_share():
    row = {"seconds": 0.0123, "shares": {"arithmetic": 0.2, "memory": 0.7, "Python": 0.1}}
    assert speed.line("a row", row, 12.34) == "| a row | 0.0123 | 12.3\u202f× | memory (70%) |"
    assert speed.line("a row", row, None).count("×") == 0


def test_a_column_in_which_nothing_stands_is_left_out():
    waits = {"seconds": 1.0, "shares": {"memory": 1.0}}
    plain = [*speed.head(), speed.line("a", {"seconds": 1.0}, 2.0)]
    assert "waits" not in "\n".join(speed.filled(plain))
    assert speed.filled(plain)[1] == "|---|---:|---:|"
    both = [*plain, speed.line("b", waits, None)]
    assert speed.filled(both) == both


def test_headings_name_models_as_the_book_does():
    assert speed.titled("gpt2-large-shape, random weights").startswith("GPT-2 large's shape")
    assert speed.titled("laboratory-12l") == "The model laboratory-12l"


def test_without_figures_the_page_says_so(page, tmp_path):
    speed.place(tmp_path / "nosuch.json", page)
    assert "Nothing was measured here." in page.read_text(encoding="utf-8")


def test_the_shipped_figures_agree_with_the_plain_ways_and_keep_peak_memory_flat():
    for row in FIGURES["models"].values():
        for name, of in row["ratios"].items():
            if name != "fraction_of_peak":
                assert of["relative difference"] < 1e-4, name
    memory = FIGURES["memory"]
    assert memory["growth"] == pytest.approx(memory["bytes"][-1] / memory["bytes"][0] - 1)
    assert abs(memory["growth"]) <= 0.10
