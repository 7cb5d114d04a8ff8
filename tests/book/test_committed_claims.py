"""Committed claims: verdicts follow from numbers and rules, chapters must find them again."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode

from plateaus.book import committed
from plateaus.book.claims import load_claims
from plateaus.book.places import chapters
from plateaus.errors import BadClaim

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "book" / "claims"


def disagreements(rules: Path) -> list[str]:
    """Committed rows that are not what the rules make of their numbers."""
    claims = load_claims(rules)
    found = []
    for row in committed.read(ROOT / "book"):
        try:
            found += [f"{row['id']} {row['metric']}"] * (claims.again(row) != row)
        except BadClaim as error:
            found.append(str(error))
    return found


def test_every_chapter_has_its_claims_and_no_other_does() -> None:
    assert {p.stem for p in FOLDER.iterdir()} == {p.stem for p in chapters(ROOT)}
    for path in chapters(ROOT):
        rows = json.loads((FOLDER / f"{path.stem}.json").read_text(encoding="utf-8"))
        assert rows and all(row["chapter"].endswith(f"/{path.stem}") for row in rows)


def test_verdicts_follow_from_the_committed_numbers() -> None:
    assert disagreements(ROOT / "book" / "claims.yaml") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("holds if: above 2", "holds if: above 1.9"),
        ("at least: 100 pairs", "at least: 90 pairs"),
        ("{step 0: below 1.25}", "{step 0: below 1.3}"),
        ("dissimilar_slope:", "dissimilar:"),
    ],
    ids=["threshold", "number", "control", "name"],
)
def test_changed_rule_is_noticed(old: str, new: str, tmp_path: Path) -> None:
    text = (ROOT / "book" / "claims.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "claims.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    assert disagreements(tmp_path / "claims.yaml")


ROW = {
    "id": "J4", "model": "m", "metric": "slope_gain", "value": 1.0, "ci_low": 0.8, "ci_high": 1.2,
    "n": 200, "control": {"step 0": {"value": 1.07, "ci_low": 1.0, "ci_high": 1.1, "n": 200}},
    "rule": "above 0.25", "verdict": "holds", "reason": "so", "chapter": "9-tests/example",
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    committed.write([ROW], tmp_path / "example.json")
    return tmp_path / "example.json"


def test_same_claims_agree_and_last_digits_may_differ(file: Path) -> None:
    committed.compare([ROW], file)
    committed.compare([{**ROW, "value": 1.0 + 1e-7, "ci_low": 0.8003}], file)


def altered(**changes: object) -> dict:
    row = copy.deepcopy(ROW)
    row["control"]["step 0"] |= changes.pop("step 0", {})
    return row | changes


@pytest.mark.parametrize(
    "rows",
    [
        [altered(value=1.03)],
        [altered(ci_high=1.25)],
        [altered(n=199)],
        [altered(verdict="mixed")],
        [altered(rule="above 0.2")],
        [altered(value=None)],
        [altered(**{"step 0": {"value": 1.1}})],
        [altered(model="other")],
        [],
    ],
    ids=["value", "interval", "n", "verdict", "rule", "none", "control", "model", "no row"],
)
def test_other_claims_do_not_agree(rows: list[dict], file: Path) -> None:
    with pytest.raises(BadClaim, match="make notebooks"):
        committed.compare(rows, file)


def test_chapter_without_committed_claims_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(BadClaim, match="no committed claims of new"):
        committed.compare([ROW], tmp_path / "new.json")


def test_tests_of_the_chapters_compare() -> None:
    """`pytest --nbval chapters`, however it is called, hands the folder to every kernel."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("of_chapters", ROOT / "chapters" / "conftest.py")
    before = os.environ.pop("PLATEAUS_COMMITTED", None)
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        assert os.environ["PLATEAUS_COMMITTED"] == str(FOLDER)
    finally:
        os.environ.pop("PLATEAUS_COMMITTED")
        if before is not None:
            os.environ["PLATEAUS_COMMITTED"] = before


@pytest.fixture
def executed(good: NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Runs the cells of the example, up to its end or not; returns the folder of its results."""
    out = tmp_path / "results"
    monkeypatch.setenv("PLATEAUS_OUT", str(out))
    monkeypatch.delenv("PLATEAUS_COMMITTED", raising=False)

    def run(*, stop: str = "", **given: object) -> Path:
        names: dict = {"__name__": "__main__"}
        code = [c.source for c in good.cells if c.cell_type == "code"]
        exec(code[0], names)
        names |= given
        code[1] = code[1].replace("9-tests/example", "1-definitions/plateaus")
        for source in [c for c in code[1:] if "matplotlib" not in c]:
            if stop and stop in source:
                break
            exec(source, names)
        return out

    return run


def test_claims_are_written_at_the_end_of_a_chapter(executed: Callable) -> None:
    file = executed() / "none" / "claims" / "plateaus.json"
    whole = file.read_text()
    assert json.loads(whole)[0]["id"] == "J4"
    executed(stop="run.provenance", steps=50)
    assert file.read_text() == whole, "a chapter that stops leaves the earlier claims"
    file.unlink()
    executed(stop="run.provenance")
    assert not file.exists()


def test_two_models_in_one_folder_keep_their_claims(executed: Callable) -> None:
    for model in ("one", "org/two", "../three"):
        out = executed(model=model)
    assert len(committed.read(out)) == 3
    assert sorted(p.name for p in out.iterdir()) == ["one", "org--two", "three"]
    assert [p.name for p in out.parent.iterdir() if p.is_dir()] == ["results"]
    shutil.rmtree(out)


def test_chapter_in_a_test_run_compares_its_claims(
    executed: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    saved = executed() / "none" / "claims" / "plateaus.json"
    folder = tmp_path / "claims"
    committed.write(json.loads(saved.read_text()), folder / "plateaus.json")
    monkeypatch.setenv("PLATEAUS_COMMITTED", str(folder))
    executed()
    rows = json.loads(saved.read_text())
    committed.write([{**row, "verdict": "mixed"} for row in rows], folder / "plateaus.json")
    with pytest.raises(BadClaim, match="verdict is holds and was committed as mixed"):
        executed()
