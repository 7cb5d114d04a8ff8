"""Each parameter of each chapter refuses what it cannot be, in one sentence, in the second cell."""

from __future__ import annotations

import ast
import gzip
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from plateaus.book import parameters as declared
from plateaus.book.cells import code_cells
from plateaus.book.chapter import Run
from plateaus.book.places import chapters
from plateaus.errors import PlateauError

ROOT = Path(__file__).resolve().parents[2]
JUNK: dict[str, Any] = {
    "nothing": None,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "minus infinite": float("-inf"),
    "yes": True,
    "no": False,
    "huge": 10**23,
    "very negative": -(10**23),
    "a fraction": 0.1234567,
    "text": "1e-3",
    "blank": " ",
    "empty list": [],
    "list of lists": [[1]],
    "list of nothing": [None],
    "mapping": {"a": 1},
}
ACCEPTED = {"text", "blank", "a fraction", "very negative", "huge"}
"""What some parameters may be: texts, numbers between 0 and 1, numbers without a bound."""


def opening(path: Path) -> list[str]:
    """The sources of the first two code cells."""
    cells = code_cells(nbformat.read(path, as_version=4))
    return [cell.source for cell in cells[:2]]


def parameters(path: Path) -> list[str]:
    return [s.targets[0].id for s in ast.parse(opening(path)[0]).body]


def opened(path: Path, **given: Any) -> Run | None:
    """Open the chapter as papermill would, with some parameters given."""
    names: dict[str, Any] = {"__name__": "__main__"}
    first, second = opening(path)
    exec(first, names)
    exec(second, names := names | given)
    return names.get("run")


@pytest.fixture(autouse=True)
def _results_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATEAUS_OUT", str(tmp_path / "out"))


@pytest.mark.parametrize("path", chapters(ROOT), ids=lambda p: p.stem)
def test_defaults_are_accepted_and_are_what_the_text_was_written_about(path: Path) -> None:
    assert opened(path).as_written and opened(path, device="cpu").as_written
    assert not opened(path, seed=1).as_written


@pytest.mark.parametrize("path", chapters(ROOT), ids=lambda p: p.stem)
def test_every_parameter_refuses_what_it_cannot_be(path: Path) -> None:
    for name in parameters(path):
        for what, value in JUNK.items():
            try:
                opened(path, **{name: value})
            except PlateauError as error:
                said = str(error)
                assert name in said or repr(value) in said, (name, what, said)
                assert "\n" not in said and len(said) < 400, (name, what, said)
            else:
                assert what in ACCEPTED, f"{name} accepted {what}: {value!r}"


@pytest.mark.parametrize(
    "words", [[" dog"], [" dog", " cow"], [" dog"] * 3, [" a", " b", " c", " d"]]
)
def test_three_different_words_span_a_plane(words: list[str]) -> None:
    path = next(p for p in chapters(ROOT) if p.stem == "plateaus")
    with pytest.raises(PlateauError, match="exactly 3 different ones, each a text"):
        opened(path, words=words)


@pytest.mark.parametrize("path", chapters(ROOT), ids=lambda p: p.stem)
def test_names_that_no_chapter_has_are_refused(path: Path) -> None:
    for name in ("modle", "Steps", "In", "exit", "pairs_", "checkpoint_"):
        with pytest.raises(PlateauError, match=f"{name} is not a parameter"):
            opened(path, **{name: 1})


@pytest.mark.parametrize(
    ("chapter", "given", "sentence"),
    [
        ("regions", {"words": 420}, "words .*laboratory-3l knows 419 words"),
        ("certificates", {"words": 420}, "words .*laboratory-3l knows 419 words"),
        ("plateaus", {"language_model": "vision-digits"}, "vision-digits reads no prompts"),
        ("plateaus", {"language_model": "spiral"}, "spiral reads no prompts"),
        ("plateaus", {"model": "vision-digits"}, "vision-digits reads no prompts"),
        ("plateaus", {"model": "spiral@seed-0/step-0"}, "reads no prompts"),
        ("interpolation", {"prompts": "nowhere"}, "The source of prompts is"),
        ("training-and-scale", {"model": "spiral"}, "Prompts are made for a language model"),
        ("training-and-scale", {"tokens": 1000}, "1000 tokens does not fit the"),
        ("contrastive", {"images": "mine.npz"}, "images .*only published weights are measured"),
        ("contrastive", {"published": "prose-4l"}, "prose-4l does not pool maps of images: give"),
        ("contrastive", {"published": "spiral"}, "spiral.* does not pool maps of images: give"),
        ("contrastive", {"pairs": 200}, "pairs must be one of 50 .*only published weights"),
        ("tasks", {"width": 1}, "width must be a whole number from 2"),
        ("toy-resnets", {"width": 1}, "width must be a whole number from 2"),
        *(
            (chapter, {"seed": 2**32 - 1, "seeds": 2}, "seed .*4294967294 .*first of seeds=2 tra")
            for chapter in ("architectures", "superposition", "tasks", "evolution")
        ),
        ("architectures", {"tables": "nowhere"}, "lie in 'nowhere', which is no folder"),
        ("tasks", {"tables": "nowhere"}, "lie in 'nowhere', which is no folder"),
        *(
            (chapter, {"model": "laboratory-6l"}, "got two that are called laboratory-6l")
            for chapter in (
                "directions",
                "interpolation",
                "mechanism",
                "regions",
                "steering",
                "synthetic-activations",
            )
        ),
    ],  # fmt: skip
    ids=lambda x: "-".join(map(str, x.values())) if isinstance(x, dict) else "",
)
def test_what_only_a_model_can_tell_is_refused_in_the_third_cell(chapter, given, sentence) -> None:
    path = next(p for p in chapters(ROOT) if p.stem == chapter)
    models = {"model": "laboratory-3l", "laboratory": "laboratory-6l", "triples": 3}
    cells = [c.source for c in code_cells(nbformat.read(path, as_version=4))]

    def third(**given: Any) -> None:
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(cells[0], names)
        language = path.parent.name[:1] in "12"
        names |= {k: v for k, v in models.items() if language and k in names} | given
        exec(cells[1], names)
        exec(cells[2], names)

    third()
    with pytest.raises(PlateauError, match=sentence):
        third(**given)


@pytest.mark.parametrize("name", ["toy-resnets", "evolution", "lyapunov", "trajectories"])
def test_a_rate_at_which_nothing_is_left_of_a_network_is_refused(name: str) -> None:
    path = next(p for p in chapters(ROOT) if p.stem == name)
    opened(path, rate=0.5)
    with pytest.raises(PlateauError, match="rate must be a number above 0 and below 1"):
        opened(path, rate=1e9)


@pytest.mark.parametrize(
    ("chapter", "asked"), [("architectures", {"task": "mine"}), ("tasks", {"live": ["mine"]})]
)
def test_a_table_with_gaps_is_refused_before_anything_is_computed(
    tmp_path: Path, chapter: str, asked: dict[str, Any]
) -> None:
    (tmp_path / "mine").mkdir()
    rows = "a\tb\ttarget\n" + "".join(f"{k}\t{k % 5}\t{k % 2}\n" for k in range(30))
    path = next(p for p in chapters(ROOT) if p.stem == chapter)
    cells = [c.source for c in code_cells(nbformat.read(path, as_version=4))]

    def third(text: str) -> None:
        with gzip.open(tmp_path / "mine" / "mine.tsv.gz", "wt") as file:
            file.write(text)
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(cells[0], names)
        names |= {"tables": str(tmp_path)} | asked
        exec(cells[1], names)
        exec(cells[2], names)

    third(rows)
    with pytest.raises(PlateauError, match="Column a of the table mine has 1 missing"):
        third(rows.replace("3\t3\t1", "\t3\t1", 1))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"last_a": " dog"}, "context"),
        ({"last_b": " dog"}, "context"),
        ({"context": "The"}, "last_a"),
    ],
)
def test_a_pair_of_which_a_part_is_missing_is_refused(given: dict[str, str], named: str) -> None:
    """An end without its context would be passed over, as if nothing had been asked."""
    path = next(p for p in chapters(ROOT) if p.stem == "interpolation")
    cells = [c.source for c in code_cells(nbformat.read(path, as_version=4))]
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(cells[0], names)
    names |= {"model": "laboratory-3l", "laboratory": "laboratory-6l", "pairs": 8} | given
    with pytest.raises(PlateauError, match=f"{named} must be a text that is not empty"):
        for cell in cells[1:5]:
            exec(cell, names)


def test_chapter_without_rules_would_be_seen(tmp_path: Path) -> None:
    """A twin whose second cell checks nothing accepts junk."""
    path = tmp_path / "1-a" / "b.ipynb"
    path.parent.mkdir()
    notebook = nbformat.read(chapters(ROOT)[0], as_version=4)
    code_cells(notebook)[1].source = "import plateaus as pl"
    nbformat.write(notebook, path)
    with pytest.raises(AssertionError, match="accepted nothing"):
        test_every_parameter_refuses_what_it_cannot_be(path)


@pytest.mark.parametrize("cell", ["pairs = 2 * 50", "pairs, steps = 40, 50", "%matplotlib inline"])
def test_a_first_cell_written_in_another_way_is_not_as_written(
    cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "chapters").mkdir()
    notebook = {"cells": [{"cell_type": "code", "source": [cell]}]}
    (tmp_path / "chapters" / "mine.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    monkeypatch.setattr(declared, "find_repository", lambda: tmp_path)
    assert declared.written("mine") == {}
