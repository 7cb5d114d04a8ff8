"""The pages around the chapters: sources, addresses, commands, and nothing of anybody's machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from plateaus.book.machine import machine_words
from plateaus.book.page_rules import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
TEXT = {
    ".py",
    ".md",
    ".ipynb",
    ".yml",
    ".yaml",
    ".toml",
    ".txt",
    ".cff",
    ".bib",
    ".css",
    ".json",
    ".cfg",
    ".js",
    "",
}


def tracked() -> list[Path]:
    """Files that git tracks, or all but the generated ones where there is no git."""
    if shutil.which("git"):
        command = ["git", "-C", str(ROOT), "ls-files", "-z"]
        listed = subprocess.run(command, capture_output=True, text=True).stdout.split("\0")
        if found := [ROOT / name for name in listed if name and (ROOT / name).is_file()]:
            return found
    generated = {"_build", ".venv", "__pycache__", ".git"}
    return [p for p in ROOT.rglob("*") if p.is_file() and not generated & set(p.parts)]


def wide_code(text: str) -> list[str]:
    """Lines of code of a page that are longer than a page of 1,280 pixels shows."""
    blocks = re.findall(r"(?ms)^```(?:\{code-block\} )?\w+\n(.*?)^```", text)
    return [line for block in blocks for line in block.splitlines() if len(line) > COLUMNS]


def test_code_on_a_page_fits_it() -> None:
    pages = sorted((ROOT / "book").glob("*.md"))
    found = {p.name: wide for p in pages if (wide := wide_code(p.read_text(encoding="utf-8")))}
    assert found == {}


def test_a_long_line_of_code_is_found() -> None:
    assert wide_code(f"# A\n\n```bash\nls\n{'x' * 89}\n```\n") == ["x" * 89]
    assert wide_code(f"{'x' * 89}\n\n```{{table}} a\n{'x' * 89}\n```\n") == []


def test_the_same_files_are_looked_at_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    known = set(tracked())
    monkeypatch.setenv("PATH", "")
    assert known and known <= set(tracked())


def test_no_file_names_a_machine() -> None:
    found = []
    for path in tracked():
        if path.suffix in TEXT and path.stat().st_size < 5_000_000:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {words}" for words in machine_words(text)]
    assert found == []


# Written in two parts, so that this file does not contain what the test above looks for.
@pytest.mark.parametrize(
    "line",
    [
        'open("/ro' + 'ot/data/x.txt")',
        "see /ho" + "me/me/plateaus",
        "pip install --extra-index-" + "url https://packages.example.org/simple",
        "torch @ file:" + "///wheels/torch.whl",
        "models in ../sha" + "red/models",
    ],
)
def test_words_of_a_machine_are_caught(line: str) -> None:
    assert list(machine_words(line))


@pytest.mark.parametrize(
    "line",
    [
        "https://example.org/home/x",
        "chapters/work/x",
        "a/root/b",
        "/dev/null",
        "#!/usr/bin/env bash",
    ],
)
def test_ordinary_words_are_not(line: str) -> None:
    assert not list(machine_words(line))


def entries() -> dict[str, str]:
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    return {m[1]: m[0] for m in re.finditer(r"(?ms)^@\w+\{(\w+),.*?^\}", text)}


def test_every_reference_is_whole_and_found_by_its_readers() -> None:
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    assert len(entries()) == text.count("\n@"), "every key is unique and every entry closes"
    for key, entry in entries().items():
        for field in ("author", "title", "year"):
            assert re.search(rf"(?m)^  {field} = \{{.+\}},?$", entry), f"{key} lacks {field}"
        year = re.search(r"year = \{(\d{4})\}", entry)[1]
        assert year in key, f"{key} is of {year}"
        if eprint := re.search(r"eprint = \{(.+?)\}", entry):
            assert (
                re.fullmatch(r"\d{4}\.\d{4,5}", eprint[1]) and "archiveprefix = {arXiv}" in entry
            ), key


def test_every_citation_is_in_the_bibliography() -> None:
    pages = [*ROOT.glob("book/*.md"), *ROOT.glob("chapters/*/*.ipynb")]
    cited = {
        key.strip()
        for page in pages
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", page.read_text(encoding="utf-8"))
        for key in keys.split(",")
    }
    assert cited and cited <= set(entries())


def test_the_address_of_the_repository_is_the_same_everywhere() -> None:
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    place = settings["repository"]["url"].removeprefix("https://github.com/")
    for name in ("README.md", "CITATION.cff", "book/re-execute.md", "book/claims.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        named = re.findall(r"github(?:\.com)?/([\w-]+/[\w-]+)", text) + re.findall(
            r"/gh/([\w-]+/[\w-]+)", text
        )
        assert named and set(named) == {place}, name


def test_the_introduction_cites_as_the_citation_file_does() -> None:
    known = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    text = (ROOT / "book" / "introduction.md").read_text(encoding="utf-8")
    entry = re.search(r"@software\{(.*?)\n\}", text, re.DOTALL)[1]
    given = dict(re.findall(r"(\w+)\s+= \{+(.*?)\}+", entry))
    assert given == {
        "title": known["title"],
        "author": known["authors"][0]["name"],
        "version": known["version"],
        "license": known["license"],
        "url": known["repository-code"],
    }


def test_readme_names_the_commands_and_make_has_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("book", "pages", "test", "test-browser", "bench", "notebooks"):
        assert f"`make {target}`" in readme and re.search(rf"(?m)^{target}: ", makefile)


@pytest.mark.parametrize("page", ["README.md", "book/introduction.md"])
def test_the_first_example_runs_as_printed_and_shows_what_it_says(page: str) -> None:
    """Flat, jump, flat; and with the weights before training neither end is flat."""
    code = re.search(r"(?s)```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"))[1]
    names: dict = {}
    exec(code, names)
    before: dict = {}
    exec(code.replace('pl.load("laboratory-12l")', 'pl.load("laboratory-12l").step_zero()'), before)
    trained, untrained = names["rho"].tolist(), before["rho"].tolist()
    assert trained[14] < 0.15 and trained[35] > 0.85
    assert untrained[14] > 0.2 and untrained[35] < 0.8


def test_two_prompts_of_a_reader_become_a_curve_and_training_bent_it() -> None:
    page = (ROOT / "book" / "re-execute.md").read_text(encoding="utf-8")
    code = re.search(r"(?s)```python\n(.*?)```", page)[1]
    assert len([line for line in code.splitlines()[3:] if line]) <= 6
    steepest = []
    for weights in ('"prose-12l")', '"prose-12l").step_zero()'):
        names: dict = {}
        exec(code.replace('"prose-12l")', weights), names)
        rho = names["rho"].isel(pair=0)
        assert abs(float(rho[0])) < 1e-6 and abs(float(rho[-1]) - 1) < 0.5
        steepest.append(float(rho.diff("alpha").max()) * 49)
    assert steepest[0] > 1.3 > 1.15 > steepest[1]


def test_the_published_pairs_stand_in_the_chapter_as_they_are_used() -> None:
    from plateaus.data.published import NAMED

    chapter = ROOT / "chapters" / "2-language-models" / "interpolation.ipynb"
    text = chapter.read_text(encoding="utf-8")
    for name, words in NAMED.items():
        assert f"| {' | '.join([name, *(w.strip() for w in words)])} |" in text


def test_the_page_names_the_architectures_that_the_tests_run() -> None:
    page = (ROOT / "book" / "re-execute.md").read_text(encoding="utf-8")
    said = re.search(r"these classes: (.*?)\.", page)[1]
    tests = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    run = {re.sub(r"(Text)?$", "", name) for name in re.findall(r'"(\w+)Config"', tests)}
    assert set(re.findall(r"`(\w+)`", said)) == run


def test_configuration_keeps_stray_files_out_of_the_book() -> None:
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert settings["only_build_toc_files"] is True
    assert settings["execute"]["execute_notebooks"] == "off"
    assert {"_build", ".venv", ".pytest_cache"} <= set(settings["exclude_patterns"])
