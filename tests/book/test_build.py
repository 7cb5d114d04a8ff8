"""The build stops on a failing chapter and on every warning, and its parts do what they say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import NotebookNode

from plateaus.book import build, cost
from plateaus.book.places import chapters
from plateaus.errors import NoMark

PAGE = "# A page\n\nSee {cite:t}`janiak2024`, {prf:ref}`def-plateau` and [a claim](#claim-j1).\n\n"
PROOF = (
    "```{prf:definition} Plateau\n:label: def-plateau\nThe component of $\\{h_a < r\\}$.\n```\n\n"
    "(claim-j1)=\n## J1\n\n"
)
BIBLIOGRAPHY = "```{bibliography}\n:all:\n```\n"


@pytest.fixture
def staged(root: Path, tmp_path: Path) -> Path:
    """A staged book of one page with the book's own configuration."""
    stage = tmp_path / "stage"
    (stage / "book").mkdir(parents=True)
    shutil.copy(root / "_config.yml", stage)
    shutil.copy(root / "book" / "references.bib", stage / "book")
    shutil.copytree(root / "book" / "_static", stage / "book" / "_static")
    (stage / "_toc.yml").write_text("format: jb-book\nroot: book/page\n")
    return tmp_path


def rendered(folder: Path, page: str) -> Path:
    (folder / "stage" / "book" / "page.md").write_text(page)
    return build.render(folder, folder)


def test_page_without_warnings_is_built(staged: Path) -> None:
    first = rendered(staged, PAGE + PROOF + BIBLIOGRAPHY)
    assert first == staged / "html" / "index.html" and first.is_file()
    html = (staged / "html" / "book" / "page.html").read_text(encoding="utf-8")
    assert "Definition 1" in html and "plateaus.css" in html


@pytest.mark.parametrize(
    "page",
    [
        PAGE + PROOF + BIBLIOGRAPHY + "{doc}`nowhere`",
        PAGE + PROOF + BIBLIOGRAPHY + "### A level left out",
    ],
    ids=["a reference that leads nowhere", "a heading out of order"],
)
def test_warning_stops_the_build(page: str, staged: Path) -> None:
    if "level left out" in page:
        page = page.replace("## J1", "Text.")
    with pytest.raises(build.BuildFailed):
        rendered(staged, page)


def test_failing_chapter_stops_the_build_with_its_sentence(
    tmp_path: Path, good: NotebookNode
) -> None:
    root = tmp_path
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: x\nparts:\n- chapters:\n  - file: chapters/1-a/b\n"
    )
    path = root / "chapters" / "1-a" / "b.ipynb"
    path.parent.mkdir(parents=True)
    good.cells = good.cells[:2]
    good.cells[1].source = "raise ValueError('the third wheel is missing')"
    good.cells[1].outputs = []
    nbformat.write(good, path)
    with pytest.raises(
        build.BuildFailed, match="chapters/1-a/b.ipynb: ValueError: the third wheel is missing"
    ):
        build.execute(root, root / "_build")
    assert "outputs" in path.read_text() and "third wheel is missing')" in path.read_text(), (
        "never in place"
    )


def test_claims_are_merged_in_the_order_of_the_rules(root: Path, tmp_path: Path) -> None:
    def row(id: str, chapter: str) -> dict[str, str]:
        return {"id": id, "chapter": chapter, "model": "m", "metric": "x"}

    one, two = tmp_path / "a" / "claims", tmp_path / "b" / "claims"
    one.mkdir(parents=True)
    two.mkdir(parents=True)
    (one / "one.json").write_text(json.dumps([row("N5", "1-a/one")]))
    (two / "one.json").write_text(json.dumps([row("S1", "2-a/two"), row("J4", "2-a/two")]))
    assert [r["id"] for r in build.merge_claims(root, tmp_path)] == ["J4", "S1", "N5"]


def test_staged_book_has_executed_chapters_and_leads_back_to_the_repository(
    root: Path, tmp_path: Path, good: NotebookNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.metadata["papermill"] = {"start_time": "2026-01-01", "duration": 41.6}
    for path in chapters(root):
        copy = tmp_path / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(good, copy)
    monkeypatch.setenv("GITHUB_REPOSITORY", "somebody/fork")
    drawn = next(
        c for c in good.cells if any("image/png" in o.get("data", {}) for o in c.get("outputs", []))
    )
    drawn.metadata["tags"].append("cover")
    nbformat.write(good, tmp_path / chapters(root)[-1].relative_to(root))
    build.stage(root, tmp_path, [])
    stage = tmp_path / "stage"
    assert (
        yaml.safe_load((stage / "_config.yml").read_text())["repository"]["url"]
        == "https://github.com/somebody/fork"
    )
    for path in chapters(root):
        staged = nbformat.read(stage / path.relative_to(root), as_version=4)
        assert "papermill" not in staged.metadata
    introduction = (stage / "book" / "introduction.md").read_text(encoding="utf-8")
    assert "{figure} cover.png" in introduction and (stage / "book" / "cover.png").is_file()
    table = (stage / "book" / "re-execute.md").read_text(encoding="utf-8")
    assert "| {doc}`/chapters/1-definitions/plateaus` | 42 |" in table
    assert ":name: claim-n9" in (stage / "book" / "claims.md").read_text(encoding="utf-8")
    beside = {p.name for p in (stage / "book" / "models").iterdir() if p.suffix != ".png"}
    assert beside == {"README.md"}  # the page and its pictures, not the weights


def test_seconds_that_nobody_measured_are_not_told() -> None:
    assert "| 42 |" in cost.table({"1-a/one": 41.6}, 2)
    assert cost.table({"1-a/one": 0.0, "1-a/two": 0.0}, 2) == cost.UNTIMED
    assert not any(sign.isdigit() for sign in cost.UNTIMED)


@pytest.mark.parametrize("text", ["# Claims\n", "% mark\n% mark\n"], ids=["none", "two"])
def test_page_without_a_place_for_what_is_generated_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(NoMark, match="exactly once"):
        build.fill(tmp_path / "page.md", "% mark", "rows")


def test_committed_outputs_are_shown_without_executing(root: Path, tmp_path: Path) -> None:
    build.copy(root, tmp_path)
    for path in chapters(root):
        assert (tmp_path / path.relative_to(root)).read_bytes() == path.read_bytes()
    rows = build.merge_claims(root, root / "book")
    assert {row["chapter"] for row in rows} >= {"2-language-models/interpolation"}
    assert build.merge_claims(root, tmp_path) == []  # a copied chapter says nothing by itself


def test_a_page_does_not_show_the_name_of_a_saved_file() -> None:
    def shown(text: str) -> int:
        output = nbformat.v4.new_output("execute_result", data={"text/plain": text})
        cell = nbformat.v4.new_code_cell("run.save(x)", outputs=[output])
        build.tables.for_pages(notebook := nbformat.v4.new_notebook(cells=[cell]))
        return len(notebook.cells[0].outputs)

    assert shown("'regions-meaning.nc'") == 0
    assert shown("'it is saved'") == shown("regions.nc holds 3") == 1


def test_a_page_folds_the_parameters_and_keeps_their_tag() -> None:
    cell = nbformat.v4.new_code_cell("seed = 0", metadata={"tags": ["parameters"]})
    other = nbformat.v4.new_code_cell("seed", metadata={"tags": ["claims"]})
    build.fold_parameters(cell)
    build.fold_parameters(other)
    assert cell.metadata.tags == ["parameters", "hide-input"] and other.metadata.tags == ["claims"]
