"""The line that says what models a chapter speaks of, from the records of their trainings."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

from plateaus.book import shipped

MODELS = Path(__file__).resolve().parents[2] / "book" / "models"


def chapter(*sources: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A"), *cells])


def test_models_are_found_where_they_are_named_and_told_from_their_records() -> None:
    notebook = chapter('model = "prose-12l"', 'two = ("laboratory-6l-relu", "nosuch")')
    shipped.name_models(notebook, MODELS)
    line = notebook.cells[1].source
    record = json.loads((MODELS / "prose-12l" / "training.json").read_text())
    assert "*prose-12l*, 12 blocks of width 120" in line and "*laboratory-6l-relu*" in line
    assert f"{record['quality']['bits_per_byte']:.2f} bits per byte" in line
    assert f"{record['parameters'] / 1e6:.1f} M weights" in line
    assert "laboratory-6l," not in line and "prose-4l" not in line


def test_a_chapter_without_language_models_gets_no_line() -> None:
    for source in ('model = "spiral"', "x = 1", "'''speaks of prose-12l'''"):
        notebook = chapter(source)
        shipped.name_models(notebook, MODELS)
        assert len(notebook.cells) == 2


def test_the_quality_of_a_laboratory_model_is_its_divergence_from_the_truth() -> None:
    record = shipped.record("laboratory-6l-no-layernorm")
    kl = record["quality"]["kl_truth_to_model"]
    assert shipped.quality(record) == f"KL from the true next word {kl:.3f} nats"
    assert shipped.record("gpt2") is None


def test_a_slope_is_the_one_of_the_page_of_the_models() -> None:
    page = (MODELS / "README.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| prose-12l |"))
    assert f"{shipped.slope('prose-12l')[0]:.2f} [" in row.split("|")[6]
