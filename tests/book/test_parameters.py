"""A wrong parameter stops a chapter with one sentence; presets and single values combine as
documented.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from nbformat import NotebookNode

import plateaus as pl
from plateaus.book.places import chapter_name, chapters
from plateaus.errors import BadParameter, NoDevice, NotSaved

CHAPTER = "1-definitions/plateaus"
RULES = {
    "steps": pl.whole(2, 1000),
    "rate": pl.real(above=0, below=1),
    "radii": pl.listing(pl.real(0)),
}


def names(*, injected: str = "", **changes: Any) -> dict[str, Any]:
    """A notebook's globals after its parameters cell and the one that papermill injects."""
    given = {
        "model": "none",
        "device": "cpu",
        "seed": 0,
        "out": "auto",
        "steps": 50,
        "rate": 1.0e-3,
        "radii": [0.1, 0.2],
    }
    history, shown = ["", injected], {}
    own = {"_ih": history, "In": history, "_oh": shown, "Out": shown, "exit": object(), "pl": pl}
    return {"__name__": "__main__"} | own | given | changes


@pytest.fixture(autouse=True)
def _results_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATEAUS_OUT", str(tmp_path / "out"))


def refusal(**changes: Any) -> str:
    with pytest.raises((BadParameter, NoDevice, NotSaved)) as error:
        pl.open_chapter(names(**changes), CHAPTER, **RULES)
    return str(error.value)


def test_defaults_pass_and_are_returned() -> None:
    run = pl.open_chapter(names(), CHAPTER, **RULES)
    assert (run.model, run.device, run.seed, run.parameters["steps"], run.name) == (
        "none",
        "cpu",
        0,
        50,
        "plateaus",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"modle": "x"}, ["modle is not a parameter", "did you mean model?", "steps"]),
        ({"In": 5}, ["In is not a parameter"]),
        ({"In": ["x"]}, ["In is not a parameter"]),
        ({"Out": {"a": 1}}, ["Out is not a parameter"]),
        ({"exit": 5}, ["exit is not a parameter"]),
        ({"open": "x"}, ["open is not a parameter"]),
        ({"steps": -3}, ["steps must be a whole number from 2 to 1000", "given: -3"]),
        ({"steps": 50.0}, ["steps must be a whole number"]),
        ({"steps": True}, ["steps must be a whole number"]),
        ({"steps": "50"}, ["given: '50'", "arrived as text"]),
        ({"seed": 0.001}, ["seed must be a whole number from 0", "given: 0.001"]),
        ({"seed": -1}, ["seed must be a whole number"]),
        ({"rate": "1e-3"}, ["given: '1e-3'", "write 1.0e-3"]),
        ({"rate": 0}, ["rate must be a number above 0 and below 1"]),
        ({"rate": float("nan")}, ["rate must be a number"]),
        ({"radii": 0.1}, ["radii must be a list", "-y 'radii: [a, b]'"]),
        ({"radii": []}, ["a list of at least 1"]),
        ({"radii": [0.1, -1]}, ["each a number, 0 or more"]),
        ({"model": ""}, ["model must be a text"]),
        ({"model": 5}, ["model must be a text"]),
        ({"device": "cuda:99"}, ["cuda:99"]),
        ({"device": "gpu"}, ["gpu"]),
        ({"chapters": [1]}, ["chapters must hold one section"]),
        ({"chapters": {"1-definitions/plateau": {}}}, ["no chapter of this book"]),
        (
            {"chapters": {CHAPTER: {"stepps": 5}}},
            ["stepps is not a parameter", "did you mean steps?"],
        ),
        ({"chapters": {CHAPTER: {"steps": 0}}}, ["steps must be", "given: 0"]),
    ],
)
def test_wrong_parameter_is_answered_with_one_sentence(
    changes: dict[str, Any], words: list[str]
) -> None:
    message = refusal(**changes)
    assert "\n" not in message and len(message) < 350
    for word in words:
        assert word in message, message


def test_what_a_model_allows_is_required_of_the_parameters() -> None:
    run = pl.open_chapter(names(steps=12), CHAPTER, **RULES)
    run.require("the model has 13 blocks", steps=pl.whole(1, 12))
    with pytest.raises(BadParameter) as error:
        run.require("the model has 12 blocks", steps=pl.whole(1, 11))
    assert str(error.value) == (
        "steps must be a whole number from 1 to 11 (the model has 12 blocks); given: 12."
    )


def test_missing_default_is_named() -> None:
    given = names()
    del given["steps"]
    with pytest.raises(BadParameter, match="steps has no value"):
        pl.open_chapter(given, CHAPTER, **RULES)


def test_unwritable_out_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    message = refusal(out=str(tmp_path / "file" / "results"))
    assert "give a writable folder" in message


def test_relative_out_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = pl.open_chapter(names(out="mine"), CHAPTER, **RULES)
    assert run.out == (tmp_path / "mine").resolve() / "none"


def test_auto_out_is_inside_the_checkout(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLATEAUS_OUT")
    monkeypatch.chdir(tmp_path)
    assert pl.open_chapter(names(), CHAPTER, **RULES).out == root / "_build" / "out" / "none"


def test_opening_again_ignores_what_later_cells_made() -> None:
    given = names()
    pl.open_chapter(given, CHAPTER, **RULES)
    given["median"] = 2.5
    pl.open_chapter(given, CHAPTER, **RULES)
    fresh = names(median=2.5)
    with pytest.raises(BadParameter, match="median"):
        pl.open_chapter(fresh, CHAPTER, **RULES)


def test_section_of_a_preset_applies_unless_the_value_is_given_by_itself() -> None:
    section = {"chapters": {CHAPTER: {"steps": 7}, "2-language-models/interpolation": {"pairs": 3}}}
    injected = "# Parameters\nchapters = {}\n"
    assert (
        pl.open_chapter(names(**section, injected=injected), CHAPTER, **RULES).parameters["steps"]
        == 7
    )
    given = names(**section, injected=injected + "steps = 50\n")
    assert pl.open_chapter(given, CHAPTER, **RULES).parameters["steps"] == 50


def test_same_seed_same_numbers() -> None:
    import torch

    draws = []
    for seed in (1, 1, 2):
        pl.open_chapter(names(seed=seed), CHAPTER, **RULES)
        draws.append(torch.rand(3).tolist())
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("preset", ["quick", "gpu", "paper"])
def test_presets_name_known_chapters_and_real_numbers(root: Path, preset: str) -> None:
    content = yaml.safe_load((root / "book" / "params" / f"{preset}.yaml").read_text())
    sections = content.pop("chapters", None) or {}
    assert set(content) <= {"model", "device", "seed", "out"}
    paths = {chapter_name(path): path for path in chapters(root)}
    assert set(sections) <= set(paths)
    for name, section in sections.items():
        first = next(
            c for c in nbformat.read(paths[name], as_version=4).cells if c.cell_type == "code"
        )
        assert set(section) <= set(re.findall(r"(?m)^(\w+) =", first.source)), name
    for value in [*content.values(), *(v for s in sections.values() for v in s.values())]:
        assert not (isinstance(value, str) and value[:1].isdigit()), (
            f"{value} is text in YAML: write 1.0e-3"
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", "modle", "x"], "BadParameter: modle is not a parameter"),
        (["-p", "seed", "1e-3"], "BadParameter: seed must be a whole number"),
        (["-p", "In", "5"], "BadParameter: In is not a parameter"),
        (["-p", "exit", "5"], "BadParameter: exit is not a parameter"),
        (["-f", "preset.yaml", "-p", "steps", "3"], ""),
    ],
    ids=["unknown", "mistyped", "history", "exit", "preset"],
)
def test_through_papermill(
    arguments: list[str],
    words: str,
    good: NotebookNode,
    written: Callable[[NotebookNode], Path],
    tmp_path: Path,
) -> None:
    """From the command line: a non-zero exit and the sentence, without a traceback into the
    package.
    """
    code = [c for c in good.cells if c.cell_type == "code"]
    code[1].source = code[1].source.replace("9-tests/example", CHAPTER)
    code[1].source += "\nassert run.parameters['steps'] in (3, 50)"
    good.cells = good.cells[:3]
    (tmp_path / "preset.yaml").write_text(
        yaml.safe_dump({"seed": 5, "chapters": {CHAPTER: {"steps": 9}}})
    )
    copy = tmp_path / "copy.ipynb"
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(written(good)),
        str(copy),
        "--no-progress-bar",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    if not words:
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode != 0 and words in done.stderr
    errors = [
        o
        for c in nbformat.read(copy, as_version=4).cells
        for o in c.get("outputs", [])
        if o.output_type == "error"
    ]
    assert len(errors) == 1 and "".join(errors[0].traceback).startswith(words)
    assert "site-packages" not in done.stderr.split(words)[1]


def test_a_page_says_whose_results_its_text_tells(capsys: pytest.CaptureFixture) -> None:
    pl.open_chapter(names(model="spiral"), CHAPTER, **RULES)
    assert capsys.readouterr().out == ""  # the chapter's own
    pl.open_chapter(names(model="org/other"), CHAPTER, **RULES)
    said = " ".join(capsys.readouterr().out.split())
    assert "was written about spiral." in said and said.endswith("are of org/other.")
    pl.open_chapter(names(), "9-tests/no-chapter", **RULES)
    assert capsys.readouterr().out == ""
