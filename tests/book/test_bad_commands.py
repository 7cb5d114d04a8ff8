"""What commands other than training are given by mistake: one sentence, exit status 2, at once,
with nothing written.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from plateaus.book import studies
from plateaus.cli import main

READ = "cannot be read as a notebook"
BAD = {
    # what is given: what the sentence says
    "book --root nowhere": "nowhere is no checkout of this book",
    "book --root letter": "letter is no checkout of this book",
    "book --root empty": "_toc.yml that can be read",
    "book --root torn": "_toc.yml that can be read",
    "book --root list": "_toc.yml that can be read",
    "book --root loop": "loop is no checkout",
    "book --root gone": "it has no book/claims.yaml",
    "notebooks nowhere.ipynb": f"nowhere.ipynb {READ}",
    "notebooks letter": f"letter {READ}",
    "notebooks a\0b": f"b {READ} (embedded null byte)",
    "notebooks empty": f"empty {READ}",
    "notebooks map.ipynb": f"map.ipynb {READ}",
    "notebooks binary.ipynb": f"binary.ipynb {READ}",
    "notebooks fails.ipynb": "is as it was: a cell stopped with ZeroDivisionError",
    "contract nowhere.ipynb": f"nowhere.ipynb {READ}",
    "contract empty": f"empty {READ}",
    "contract a\0b": f"b {READ} (embedded null byte)",
    "contract list.ipynb": f"list.ipynb {READ}",
    "contract late.ipynb": f"late.ipynb {READ}",
    "collect letter": "No cell of a grid has written a claim below letter",
    "study nosuch": "There is no study 'nosuch': choose one of tasks",
    "study ../tasks": "There is no study '../tasks'",
    "study vision": "give --weights and --images",
    "study vision --weights empty": "give --weights and --images",
    "study vision --weights nowhere --images empty": "--weights nowhere is no folder",
    "study vision --weights empty --images letter": "--images letter is no folder",
    "study tasks --tables nowhere": "--tables nowhere is no folder",
    "study tasks --tables letter": "--tables letter is no folder",
    "study superposition --tables empty": "and reads no folder: leave it out",
    "study bending --weights empty": "and reads no folder",
    "study architectures --images empty": "and reads --tables",
    "study factors --out letter": "Nothing can be written to the folder letter",
    "study contraction --out letter/within": "Nothing can be written to the folder letter/within",
    "study plateaus --out loop": "Nothing can be written to the folder loop",
    "bench --repeats 0": "got repeats=0",
    "bench --out x.json --model nosuch": 'No model "nosuch"',
    "bench --out x.json --model vision-digits": "Prompts are made for a language model",
    "bench --out x.json --model spiral": "Prompts are made for a language model",
    "bench --out empty": "--out empty is a folder",
    "bench --out letter/figures.json": "Nothing can be written to the folder letter",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with files that are none of what they should be."""
    monkeypatch.chdir(tmp_path)
    Path("letter").write_text("a file")
    Path("empty").mkdir()
    Path("loop").symlink_to("loop")
    for name, toc in (
        ("torn", "parts: [1"),
        ("list", "- a\n- b\n"),
        ("gone", "parts:\n- chapters:\n  - file: chapters/1-a/b\n"),
    ):
        Path(name).mkdir()
        Path(name, "_toc.yml").write_text(toc)
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), "fails.ipynb")
    Path("map.ipynb").write_text('{"a": 1}')
    Path("list.ipynb").write_text("[]")
    Path("late.ipynb").write_text('{"nbformat": 9, "nbformat_minor": 0, "cells": []}')
    Path("binary.ipynb").write_bytes(b"\xff\xfe\x00")
    return tmp_path


@pytest.mark.parametrize("given", BAD)
def test_one_sentence_and_nothing_written(given, here, monkeypatch, capsys):
    for name in studies.STUDIES | studies.PUBLISHED:  # any computation would fail
        kind = studies.PUBLISHED if name in studies.PUBLISHED else studies.STUDIES
        monkeypatch.setitem(kind, name, None)
    before = {p: p.lstat().st_mtime_ns for p in here.rglob("*")}
    assert main(given.split()) == 2
    said = capsys.readouterr().err.strip()
    assert BAD[given] in said, said
    assert "\n" not in said and len(said) < 600
    assert {p: p.lstat().st_mtime_ns for p in here.rglob("*")} == before


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize(
    ("module", "given", "sentence"),
    [
        ("verdicts", "nowhere", "takes nothing, got 'nowhere': leave it out."),
        ("own_text", "nosuch", "There is no chapter 'nosuch': give some of plateaus, "),
        ("own_text", "--nosuch", "There is no chapter '--nosuch': give some of"),
        ("notebooks", "nowhere.ipynb", f"nowhere.ipynb {READ}"),
        ("edges", "work empty", "empty is a folder: give the name of a file"),
        ("edges", "work letter/x.nc", "Nothing can be written to the folder letter"),
        ("trainings", "work empty", "empty is a folder: give the name of a file"),
    ],
)
def test_commands_of_modules_answer_too(module, given, sentence, here, monkeypatch, capsys):
    """As ``python -m`` starts them, up to the exit status."""
    before = {p: p.lstat().st_mtime_ns for p in here.rglob("*")}
    monkeypatch.setattr("sys.argv", [module, *given.split()])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"plateaus.book.{module}", run_name="__main__")
    said = capsys.readouterr().err.strip()
    assert ended.value.code == 2 and sentence in said and "\n" not in said
    assert {p: p.lstat().st_mtime_ns for p in here.rglob("*")} == before
