"""Every chapter keeps the contract, and each sentence of the contract is shown able to fail."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from plateaus.book import committed
from plateaus.book.cells import code_cells
from plateaus.book.contract import CHECKS, problems, report
from plateaus.book.figure import MIME
from plateaus.book.notebooks import serialised
from plateaus.book.places import chapters

ROOT = Path(__file__).resolve().parents[2]
NAME = "9-tests/example"
PROSE = "What follows is what the rules make of the numbers above. " * 4


@pytest.mark.parametrize("path", chapters(ROOT), ids=lambda p: p.stem)
def test_chapter_keeps_the_contract(path: Path) -> None:
    assert problems(path) == []


@pytest.mark.parametrize("path", chapters(ROOT), ids=lambda p: p.stem)
def test_chapter_is_saved_as_make_notebooks_saves_it(path: Path) -> None:
    import nbformat

    assert path.read_text(encoding="utf-8") == serialised(nbformat.read(path, as_version=4))


def test_every_notebook_is_in_the_book_and_names_are_unique() -> None:
    """Results are named after the last part of a chapter's name, so no two chapters may share
    it.
    """
    on_disk = {
        p for p in (ROOT / "chapters").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts
    }
    assert on_disk == set(chapters(ROOT))
    assert len({p.stem for p in on_disk}) == len(on_disk)


def test_good_example_keeps_the_contract(
    good: NotebookNode, written: Callable[[NotebookNode], Path]
) -> None:
    assert problems(written(good), NAME) == []


def test_what_a_figure_says_is_prose_and_not_code(
    good: NotebookNode, written: Callable[[NotebookNode], Path]
) -> None:
    _little_prose(good)
    _source(4, '"A straight line."', f'"A straight line. {PROSE}"')(good)
    assert not any("prose outweighs" in p for p in problems(written(good), NAME))
    _source(4, "run.figure(", f'words = "{PROSE}"\nrun.figure(')(good)  # said by no figure
    assert any("prose outweighs" in p for p in problems(written(good), NAME))


def _source(index: int, old: str, new: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell = code_cells(notebook)[index]
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def _tags(index: int, *tags: str) -> Callable[[NotebookNode], None]:
    return lambda notebook: code_cells(notebook)[index].metadata.update(tags=list(tags))


def _append(index: int, output: NotebookNode) -> Callable[[NotebookNode], None]:
    return lambda notebook: code_cells(notebook)[index].outputs.append(output)


def _long_function(notebook: NotebookNode) -> None:
    code_cells(notebook)[3].source += "\ndef f(x):\n" + "    x += 1\n" * 7 + "    return x"


def _long_cells(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook)[2:]:
        cell.source += "\n" + "\n".join(f"x{i} = {i}" for i in range(9))
    notebook.cells[0].source += "prose " * 500


def _little_prose(notebook: NotebookNode) -> None:
    notebook.cells[0].source = "# An example"


def _second_title(notebook: NotebookNode) -> None:
    notebook.cells.append(new_markdown_cell("# Another title"))


def _unrun(notebook: NotebookNode) -> None:
    code_cells(notebook)[4].execution_count = None


def _out_of_order(notebook: NotebookNode) -> None:
    code_cells(notebook)[4].execution_count = 40


def _papermill(notebook: NotebookNode) -> None:
    notebook.metadata["papermill"] = {"start_time": "2026-01-01"}


def _other_kernel(notebook: NotebookNode) -> None:
    notebook.metadata["kernelspec"]["name"] = "my-environment"


def _cell_after_the_end(notebook: NotebookNode) -> None:
    notebook.cells.append(new_code_cell("1 + 1", execution_count=9))


def _large(notebook: NotebookNode) -> None:
    code_cells(notebook)[4].outputs.append(
        new_output("display_data", data={"image/png": "A" * 300_000})
    )


def _plain_picture(notebook: NotebookNode) -> None:
    picture = new_output("display_data", data={"image/png": "iVBORw0KGgo="})
    code_cells(notebook)[3].outputs.append(picture)


def _wide_output(notebook: NotebookNode) -> None:
    code_cells(notebook)[3].outputs.append(new_output("stream", name="stdout", text="x" * 89))


def _many_cells(notebook: NotebookNode) -> None:
    for cell in [c for c in notebook.cells if c.cell_type == "code"][2:]:
        cell.execution_count += 7
    more = [new_code_cell("run.model", execution_count=3 + i) for i in range(7)]
    place = notebook.cells.index(code_cells(notebook)[2])
    notebook.cells[place:place] = more


def _ignored_number(notebook: NotebookNode) -> None:
    code_cells(notebook)[5].metadata["tags"] = ["nbval-ignore-output"]


def _meaning(bold: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        _meant(notebook).source += f" {PROSE}\n- {bold}"

    return change


def _meant(notebook: NotebookNode) -> NotebookNode:
    """The cell that says what it means."""
    return next(c for c in notebook.cells if "## What it means" in c.source)


def _prose(old: str, new: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell = _meant(notebook)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def _said(text: str) -> Callable[[NotebookNode], None]:
    """A sentence of its own, somewhere."""

    def change(notebook: NotebookNode) -> None:
        notebook.cells[-2:-2] = [new_markdown_cell(text)]

    return change


def _figure(old: str, new: str) -> Callable[[NotebookNode], None]:
    """Changes what the saved output says of the figure, not the cell."""

    def change(notebook: NotebookNode) -> None:
        data = code_cells(notebook)[4].outputs[0].data
        changed = json.dumps(data).replace(json.dumps(old), json.dumps(new))
        assert changed != json.dumps(data)
        code_cells(notebook)[4].outputs[0].data = from_dict(json.loads(changed))

    return change


def _two_figures(notebook: NotebookNode) -> None:
    figure = copy.deepcopy(code_cells(notebook)[4].outputs[0])
    figure.data[MIME]["name"] = "other"
    code_cells(notebook)[4].outputs.append(figure)


def _one_name_twice(notebook: NotebookNode) -> None:
    again = copy.deepcopy(code_cells(notebook)[4])
    again.id, again.execution_count = "again", 6
    for cell in code_cells(notebook)[5:]:
        cell.execution_count += 1
    notebook.cells.insert(notebook.cells.index(code_cells(notebook)[4]) + 1, again)


TWINS: dict[str, tuple[Callable[[NotebookNode], None], str]] = {
    "no parameters tag": (_tags(0), "tagged 'parameters'"),
    "tag on a later cell": (_tags(1, "parameters"), "tagged 'parameters'"),
    "computed parameter": (_source(0, "steps = 50", "steps = 5 * 10"), "literals only"),
    "import among parameters": (_source(0, "seed = 0", "seed = 0\nimport math"), "literals only"),
    "looks injected": (
        _source(0, 'model = "none"', '# Parameters\nmodel = "none"'),
        "does not begin with",
    ),
    "no seed": (_source(0, "seed = 0\n", ""), "it lacks seed"),
    "chapter not opened": (_source(1, "pl.open_chapter", "dict"), "opens the chapter"),
    "wrong name": (_source(1, "9-tests/example", "9-tests/other"), "own name"),
    "rule missing": (_source(1, ", steps=pl.whole(2, 1000)", ""), "differ in steps"),
    "rule without parameter": (
        _source(1, "steps=", "pairs=pl.whole(1), steps="),
        "differ in pairs",
    ),
    "size without a bound": (_source(1, "whole(2, 1000)", "whole(2)"), "an upper bound"),
    "late model": (_source(3, "assert", "pl.load(model)\nassert"), "in the third cell"),
    "late requirement": (_source(4, "fig, ax", "run.require('')\nfig, ax"), "in the third cell"),
    "long function": (_long_function, "no function is longer"),
    "class": (_source(3, "assert", "class A: pass\nassert"), "no class"),
    "long cells": (_long_cells, "median code cell"),
    "little prose": (_little_prose, "prose outweighs code"),
    "second title": (_second_title, "only '# Title'"),
    "cell not run": (_unrun, "executed from top to bottom"),
    "run out of order": (_out_of_order, "executed from top to bottom"),
    "error saved": (
        _append(4, new_output("error", ename="ValueError", evalue="", traceback=[])),
        "no error",
    ),
    "warning saved": (
        _append(4, new_output("stream", name="stderr", text="UserWarning")),
        "stderr",
    ),
    "papermill metadata": (_papermill, "papermill metadata"),
    "other kernel": (_other_kernel, "kernel is python3"),
    "misspelt tag": (
        _tags(4, "hide-inputs", "hide-input", "nbval-ignore-output"),
        "no tag is misspelt",
    ),
    "no headline": (_tags(2), "tagged 'headline'"),
    "headline not compared": (_tags(2, "headline", "nbval-ignore-output"), "nbval compares them"),
    "headline not asserted": (
        _source(3, "assert abs(slope - 7) < 0.01 or steps != 50", "slope"),
        "asserts its numbers",
    ),
    "headline not rounded": (
        _append(2, new_output("stream", name="stdout", text="0.123456789")),
        "is rounded",
    ),
    "picture without words": (_plain_picture, "a cell that draws"),
    "figure not compared": (_tags(4, "hide-input", "nbval-ignore-output"), "caption compared"),
    "figure's code not folded": (_tags(4), "a figure's code is folded"),
    "two figures in a cell": (_two_figures, "one figure"),
    "one name twice": (_one_name_twice, "given twice"),
    "alternative text is a path": (_figure("A straight line.", "_images/line.png"), "not a file"),
    "caption without a number": (_figure("It ends at 7.00.", "It ends."), "with a number"),
    "caption not computed": (_source(4, "{slope:.2f}", "7.00"), "numbers are computed"),
    "nothing saved": (_source(5, "run.save", "print"), "run.save"),
    "nothing claimed": (_source(6, "run.claim", "dict"), "run.claim"),
    "no provenance": (_source(7, "run.provenance()", "run"), "run.provenance()"),
    "provenance not last": (_cell_after_the_end, "run.provenance()"),
    "machine path": (
        _append(4, new_output("stream", name="stdout", text="saved to /ro" + "ot/x.nc")),
        "nothing of one machine",
    ),
    "too large": (_large, "below 300 kB"),
    "wide code": (_source(3, "assert", f"# {'x' * 87}\nassert"), "at most 88 characters, not 89"),
    "minus zero": (
        _append(3, new_output("stream", name="stdout", text="0.1 [-0.00, 0.2]")),
        "zero is",
    ),
    "wide output": (_wide_output, "line of output has at most 88 characters"),
    "power of ten": (
        _append(4, new_output("stream", name="stdout", text="4.45e+04 points")),
        "written out, not as 4.45e+04",
    ),
    "percent apart": (
        _append(4, new_output("stream", name="stdout", text="in 7 % of them")),
        "at its number, not as '7 %'",
    ),
    "percent apart in words": (
        _prose("It is 7.0.", "It is 7.0, or 5\u202f% of all."),
        "its number",
    ),
    "many visible cells": (_many_cells, "at most 8 code cells are visible"),
    "number not compared": (_ignored_number, "only a picture or the provenance"),
    "comment that hides": (_source(3, "assert", "# NBVAL_IGNORE_OUTPUT\nassert"), "look away"),
    "sentence without claim": (_meaning("**All is flat.**"), "names its claims"),
    "sentence of another verdict": (
        _meaning("**All is flat.** <!-- claims: J1.flat_share holds -->"),
        "is does not hold",
    ),
    "sentence of another model": (
        _meaning("**It gains.** <!-- claims: J4.slope_gain holds on nowhere -->"),
        "is no result",
    ),
    "sentence of no claim": (_meaning("**So.** <!-- claims: J99 holds -->"), "claims that exist"),
    "sentence of no criterion": (
        _meaning("**So.** <!-- claims: J4.gain holds -->"),
        "claims that exist",
    ),
    "misspelt verdict": (_meaning("**So.** <!-- claims: J4 hold -->"), "reads as in"),
    "no meaning": (_prose("## What it means", "## So"), "in one section"),
    "two meanings": (_prose("It is 7.0.", "\n\n## What it means\n\nNothing."), "in one section"),
    "doubled backslash": (_prose("7.0.", "7.0, as $\\\\rho$ says."), "single backslashes"),
    "doubled in a caption": (
        _figure("It ends at 7.00.", "$\\\\rho$ is 7.00."),
        "single backslashes",
    ),
    "no claim and no reason": (_meaning("**So.** <!-- claims: none -->"), "reads as in"),
    "number from nowhere": (_said("It is 7.3."), "a number in prose is one that a cell shows"),
    "interval from nowhere": (_said("7 [6.9, 7.1]"), "an interval in prose is one that a cell"),
}


def test_sentences_that_agree_pass(
    good: NotebookNode, written: Callable[[NotebookNode], Path]
) -> None:
    """Whatever today's verdicts are: the sentences are made from the committed rows."""
    rows = [r for r in committed.read(ROOT / "book") if r["id"] == "J4"]
    items = "; ".join(f"J4.{r['metric']} {r['verdict']} on {r['model']}" for r in rows)
    text = f"**So it is**. <!-- claims: {items} --> **A word.** <!-- claims: none, a name -->"
    _meaning(text)(good)
    assert items and problems(written(good), NAME) == []


def test_report_names_chapter_and_check(
    good: NotebookNode, written: Callable[[NotebookNode], Path], capsys: pytest.CaptureFixture
) -> None:
    assert report([written(good)]) == 0
    _wide_output(good)
    path = written(good)
    assert report([path]) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"{path}: a line of output") and "[output_fits_the_page]" in said


def test_cell_that_is_no_python_is_named(
    good: NotebookNode, written: Callable[[NotebookNode], Path]
) -> None:
    good.cells[2].source = "run = pl.open_chapter("
    (found,) = problems(written(good), NAME)
    assert found.startswith("every cell is Python, not 'run = pl.open_chapter('")


@pytest.mark.parametrize("twin", TWINS)
def test_wrong_twin_is_caught(
    twin: str, good: NotebookNode, written: Callable[[NotebookNode], Path]
) -> None:
    change, sentence = TWINS[twin]
    change(good)
    assert any(sentence in found for found in problems(written(good), NAME)), twin


def test_every_check_has_a_twin_of_its_own(good: NotebookNode) -> None:
    """Without any one of the checks some twin would pass."""
    alone = [_broken_checks(copy.deepcopy(good), change) for change, _ in TWINS.values()]
    for check in CHECKS:
        assert [check] in alone, check.__name__


def _broken_checks(
    notebook: NotebookNode, change: Callable[[NotebookNode], None]
) -> list[Callable]:
    change(notebook)
    return [check for check in CHECKS if list(check(notebook, NAME))]
