"""Grids of chapters: what a file may say, where cells lie, and what Snakemake does with them."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml

from plateaus import results
from plateaus.book import collect, grid, many_models
from plateaus.book.claims import NOT_TESTABLE
from plateaus.errors import BadGrid, NoResult

ROOT = Path(__file__).resolve().parents[2]
INTERPOLATION = "2-language-models/interpolation"
GOOD = yaml.safe_load((ROOT / "book/grid/grid.yaml").read_text())


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_every_cell_has_a_folder_of_its_own_and_is_found_again():
    models, prompts = ["prose-12l@step-76", "owner/name"], ["auto", "samples"]
    made = grid.Grid.of(GOOD | {"models": models, "prompts": prompts})
    # Interpolation takes prompts, trajectories of toys do not: they run once.
    assert len({c.folder for c in made.cells}) == len(made.cells) == 2 * 2 * (2 + 1)
    for cell in made.cells:
        assert cell.folder.count("/") == made.pattern.count("/")
        model, seed, *rest = cell.folder.removeprefix(f"{made.out}/").split("/")
        names = dict(zip(("prompts", "part", "name"), rest, strict=True))
        wildcards = type("W", (), {"model": model, "seed": seed[5:], **names})
        assert made.cell(wildcards) is cell
        assert ("-p prompts" in cell.options) == (cell.chapter == INTERPOLATION)


def test_what_is_given_reaches_papermill_quoted():
    made = grid.Grid.of(GOOD | {"models": ["a b"], "set": {INTERPOLATION: {"pairs": 9}}})
    cell = next(c for c in made.cells if c.chapter == INTERPOLATION)
    assert "-p model 'a b' -p seed 0 -p pairs 9 -p prompts auto" in cell.options


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"chapter": ["x"]}, "unknown: chapter"),
        ({"chapters": []}, "not empty"),
        ({"chapters": "2-language-models/interpolation"}, "is a list"),
        ({"chapters": ["nowhere/nothing"]}, "chapters/nowhere/nothing.ipynb, which does not exist"),
        ({"set": {"nowhere/nothing": {}}}, "nowhere/nothing"),
        ({"parameters": "no.yaml"}, "no.yaml"),
        ({"seeds": [0, -1]}, "-1"),
        ({"seeds": ["0"]}, "'0'"),
        ({"seeds": [True]}, "True"),
        ({"models": ["a", "a"]}, "are one"),
        ({"models": ["a/b", "a--b"]}, "are one"),
        ({"prompts": ["auto", "auto"]}, "prompts are one"),
        ({"set": {INTERPOLATION: {"prompts": "samples"}}}, "itself gives prompts"),
        ({"threads": "1"}, "is a int"),
        ({"threads": True}, "is a int"),
        ({"threads": 0}, "at least 1"),
        ({"out": " "}, "not empty"),
        ({"chapters": ["../chapters/1-definitions/plateaus"]}, "does not exist here"),
        ({"chapters": ["/1-definitions/plateaus"]}, "does not exist here"),
        ({"parameters": "book"}, "names book"),
        ({"models": [".."]}, "given: '..'"),
        ({"models": [5]}, "given: 5. Write it in quotes"),
        ({"models": [None]}, "given: None"),
        ({"models": ["a{b}"]}, "given: 'a{b}'"),
        ({"models": ["a\nb"]}, "given: 'a"),
        ({"set": {INTERPOLATION: [1]}}, "a mapping of parameters"),
        ({"set": {INTERPOLATION: {3: 4}}}, "a mapping of parameters"),
        ({"set": {INTERPOLATION: {"model": "prose-12l"}}}, "itself gives model"),
        ({"set": {INTERPOLATION: {"seed": 3}}}, "itself gives seed"),
        ({"set": {"1-definitions/plateaus": {"pairs": 9}}}, "none of its chapters"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_in_one_sentence(change, said):
    with pytest.raises(BadGrid, match=said) as error:
        grid.Grid.of(GOOD | change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("config", [None, [], "grid"])
def test_a_grid_that_is_no_mapping_is_refused(config):
    with pytest.raises(BadGrid, match="is a mapping of settings"):
        grid.Grid.of(config)


def test_a_missing_setting_is_named():
    with pytest.raises(BadGrid, match="missing: seeds"):
        grid.Grid.of({k: v for k, v in GOOD.items() if k != "seeds"})


def row(value, model="m", verdict="holds"):
    return {
        "id": "J4", "metric": "slope_gain", "model": model, "value": value, "ci_low": value,
        "ci_high": value, "n": 10, "verdict": verdict, "control": {}, "reason": "", "chapter": "c",
    }  # fmt: skip


def write(out, model, seed, rows, prompts="auto", name="name"):
    cell = out / model / f"seed-{seed}" / prompts / "part" / name
    results.write_json(rows, cell / "of-model" / "claims" / "name.json")


def test_cells_are_merged_with_their_spread_over_seeds(tmp_path):
    for seed, value in enumerate([1.0, 3.0, 2.0]):
        write(tmp_path, "m", seed, [row(value)])
    write(tmp_path, "n", 0, [row(None, "n", "not testable on this model")])
    collect.collect(tmp_path)
    (m, n) = json.loads((tmp_path / "scoreboard.json").read_text())
    assert (m["value"], m["lowest"], m["highest"], m["seeds"]) == (2, 1, 3, [0, 1, 2])
    assert m["verdicts"] == {"holds": 3} and n["value"] is None
    data = results.load(tmp_path / "grid.nc")
    assert data.value.sel(criterion="J4 slope_gain", model="m").values.tolist() == [[1, 3, 2]]
    assert np.isnan(data.value.sel(criterion="J4 slope_gain", model="n")).all()
    assert data.verdict.sel(model="n").values.ravel().tolist() == [
        "not testable on this model", "", "",
    ]  # fmt: skip


def test_a_cell_speaks_for_its_own_model_and_its_own_prompts(tmp_path):
    both = [row(1.0, "m"), row(9.0, "beside")]
    write(tmp_path, "some--folder--m", 0, both)
    write(tmp_path, "some--folder--m", 0, [row(2.0, "m"), row(9.0, "beside")], "samples")
    write(tmp_path, "beside", 0, [row(3.0, "beside")])
    write(tmp_path, "toys", 0, [row(4.0, "spiral")])  # a chapter that measures other names
    write(tmp_path, "some--folder--m", 1, [row(7.0, "m")], name="name.x8d1kq")  # killed on the way
    found = {(r["model"], r["prompts"]): r["value"] for r in collect.rows(tmp_path)}
    assert found == {
        ("m", "auto"): 1, ("m", "samples"): 2, ("beside", "auto"): 3, ("spiral", "auto"): 4,
    }  # fmt: skip
    assert len(collect.cells(tmp_path)) == 4
    merged = collect.scoreboard(collect.rows(tmp_path))
    assert all(m["verdicts"] == {"holds": 1} and m["seeds"] == [0] for m in merged)
    claims = tmp_path / "claims"
    committed = [row(5.0, "m") | {"metric": "rise"}, row(6.0, "m"), row(7.0, "unasked")]
    committed.append(row(8.0, "m") | {"metric": "rise", "chapter": "of another grid"})
    results.write_json(committed, claims / "name.json")
    more = collect.rows(tmp_path, claims)
    (added,) = [r for r in more if r not in collect.rows(tmp_path)]
    assert (added["metric"], added["value"], added["seed"], added["prompts"]) == (
        "rise", 5, 0, "auto",
    )  # fmt: skip
    data = collect.dataset(collect.rows(tmp_path))
    apart = data.value.sel(criterion="J4 slope_gain", model="m", seed=0)
    assert dict(zip(apart.prompts.values, apart.values, strict=True)) == {"auto": 1, "samples": 2}


def test_an_earlier_grid_keeps_what_was_not_made_anew(tmp_path):
    """And nothing that a chapter no longer says, or that the book has given up."""
    first, then, file = tmp_path / "first", tmp_path / "then", tmp_path / "grid.nc"
    gone = row(9.0, "m") | {"metric": "no longer said"}
    given_up = row(9.0, "other") | {"metric": "given up"}
    write(first, "m", 0, [row(1.0), gone])
    write(first, "other", 0, [row(2.0, "other", "mixed"), given_up])
    write(first, "m", 0, [row(3.0) | {"metric": "elsewhere", "chapter": "d"}], name="d")
    write(first, "book", 0, [row(None, "book")])
    collect.collect(first, file)
    write(then, "m", 0, [row(5.0)])
    claims = tmp_path / "claims"
    committed = [row(6.0, "book"), gone | {"model": "book"}]
    committed.append(row(7.0, "book") | {"metric": "elsewhere", "chapter": "d"})
    results.write_json(committed, claims / "name.json")
    collect.collect(then, file, claims, keep=True)
    data = results.load(file)
    found = {
        (str(m), str(c)): (data.value.sel(model=m, criterion=c).item(), verdict)
        for m in data.model.values
        for c in data.criterion.values
        if (verdict := data.verdict.sel(model=m, criterion=c).item())
    }
    assert found == {
        ("m", "J4 slope_gain"): (5, "holds"),
        ("m", "J4 elsewhere"): (3, "holds"),  # another chapter, which m has not been through again
        ("other", "J4 slope_gain"): (2, "mixed"),
        ("book", "J4 slope_gain"): (6, "holds"),  # the book's own row is the newer one
        ("book", "J4 no longer said"): (9, "holds"),
    }
    assert [r["model"] for r in json.loads((then / "scoreboard.json").read_text())] == ["m"]
    collect.collect(then, file, claims, keep=True)
    assert np.array_equal(results.load(file).value, data.value, equal_nan=True)
    assert results.provenance_of(results.load(file)) == {"cells": 1, "earlier cells": 1}
    collect.collect(then, file, claims)  # without it, nothing of the earlier grid stays
    assert results.load(file).model.values.tolist() == ["m"]


def test_the_page_shows_models_side_by_side_and_both_kinds_of_prompts(tmp_path):
    for value, model in enumerate(["prose-4l", "laboratory-12l", "laboratory-3l"]):
        write(tmp_path, model, 0, [row(float(value), model)])
    other = [row(5.0, "prose-4l", "mixed"), row(6.0, "prose-4l") | {"metric": "alone"}]
    write(tmp_path, "prose-4l", 0, other, "samples")
    text = many_models.page("% grid", collect.dataset(collect.rows(tmp_path)), tmp_path)
    heads = [line for line in text.splitlines() if line.startswith("| criterion | ")]
    assert heads == [
        "| criterion | laboratory-3l | laboratory-12l | prose-4l |",
        "| criterion | prose-4l, true text | prose-4l, own samples |",
    ]
    assert "from 0.00 (prose-4l) to 2.00 (laboratory-3l)" in text and "bars" not in text
    assert (tmp_path / "grid.png").stat().st_size > 1000
    assert "Of 1 verdicts that can be compared, 0 are the same" in text
    assert (
        "| 0.00 [holds]{.verdict .verdict-holds} | 5.00 [mixed]{.verdict .verdict-mixed} |" in text
    )
    assert "alone" not in text  # nothing stands beside it


def test_no_digit_means_nothing_and_a_long_verdict_is_short():
    shown = [many_models.digits(v) for v in (0.021, -0.001, 3.142, 32.99, 923.4)]
    assert shown == ["0.02", "0.00", "3.14", "33.0", "923"]
    said = many_models.badge(NOT_TESTABLE, many_models.SHORT[NOT_TESTABLE])
    assert said == "[not testable]{.verdict .verdict-not-testable-on-this-model}"


def test_what_a_killed_cell_left_is_no_cell(tmp_path):
    """It is called as ``mktemp`` calls it, and its whole twin lies beside it."""
    write(tmp_path, "m", 0, [row(1.0)])
    cell = tmp_path / "m" / "seed-0" / "auto" / "part" / "name"
    shutil.copytree(cell, cell.with_name("name.Xb3k2a"))
    shutil.copytree(tmp_path / "m" / "seed-0", tmp_path / "m" / "seed-0.old")
    collect.collect(tmp_path)
    (merged,) = json.loads((tmp_path / "scoreboard.json").read_text())
    assert merged["verdicts"] == {"holds": 1}
    assert results.provenance_of(results.load(tmp_path / "grid.nc"))["cells"] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[{", b"\xff\xfe", b"5", b"null", b"[1]", b'{"a": 1}', b'[{"id": "J4"}]',
        json.dumps([row("much")]).encode(), json.dumps([row(1.0, verdict=3)]).encode(),
    ],
)  # fmt: skip
def test_a_file_without_claims_is_named_in_one_sentence(content, tmp_path):
    write(tmp_path, "m", 0, [row(1.0)])
    (file,) = tmp_path.rglob("name.json")
    file.write_bytes(content)
    with pytest.raises(NoResult, match="name.json holds no claims") as error:
        collect.collect(tmp_path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "grid.nc").exists()


def test_nothing_to_collect_is_said(tmp_path):
    with pytest.raises(NoResult, match="run Snakemake first"):
        collect.collect(tmp_path)


@pytest.mark.skipif(not find_spec("snakemake"), reason="Snakemake is not installed")
def test_snakemake_names_the_failed_cell_and_runs_no_finished_cell_again(tmp_path):
    chosen = {
        "out": str(tmp_path / "grid"), "chapters": ["1-definitions/counterexamples"],
        "models": ["witnesses", "nosuch"], "seeds": [0],
    }  # fmt: skip
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(chosen))
    here = (
        tmp_path / "here"
    )  # Snakemake writes where it is started, and a checkout may be read-only
    here.mkdir()
    for name in ("Snakefile", "book", "chapters"):
        (here / name).symlink_to(ROOT / name)

    def snakemake():
        command = ["--workflow-profile", "book/grid/local", "--configfile", str(file), "--nolock"]
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *command], cwd=here, capture_output=True, text=True,
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    status, said = snakemake()
    finished = tmp_path / "grid/witnesses/seed-0/auto/1-definitions/counterexamples/chapter.ipynb"
    assert status != 0 and finished.is_file(), said[-3000:]
    (failed,) = [line for line in said.splitlines() if line.startswith("FAILED")]
    assert "counterexamples on nosuch, seed 0: UnknownModel:" in failed
    assert not [p for p in finished.parents[2].rglob("*.??????") if p.is_dir()]
    made = finished.stat().st_mtime_ns
    assert snakemake()[0] != 0 and finished.stat().st_mtime_ns == made
