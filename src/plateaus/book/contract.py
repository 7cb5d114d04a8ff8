"""What every chapter keeps to; `python -m plateaus.book.contract [chapter.ipynb …]` lists what one
does not.

Each check takes a notebook and the chapter's name ("1-definitions/plateaus") and returns sentences,
none if all is well.
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from plateaus.book import figure_rules
from plateaus.book.figure import MIME
from plateaus.book.parameters import COMMON
from plateaus.book.places import chapter_name, chapters, repository

LARGEST_FILE = 300_000  # bytes
LONGEST_FUNCTION = 6  # lines
MEDIAN_CELL = 9  # lines; the median stays below
KEPT_TAGS = {
    "parameters", "hide-input", "hide-output", "remove-input", "remove-cell", "nbval-ignore-output", "headline", "provenance",
    "cover",
}  # fmt: skip
# What belongs to somebody's machine. Single letters stand in brackets so that no pattern finds
# itself.
MACHINE_WORDS = {
    "a folder of one machine": r"(?<![\w.~/:-])/(?:[r]oot|[w]ork|[h]ome|[U]sers|[o]pt|[m]nt|[p]rivate|[t]mp)/\w",
    "a local file address": r"[f]ile://",
    "an index other than the public ones": r"(?:-index-url|PIP_\w*INDEX_URL)[ =:]+\S*//(?!pypi\.org|download\.pytorch\.org)",
    "a folder beside the repository": r"\.\./[s]hared",
}


def parameters_cell(notebook: NotebookNode, name: str) -> Iterator[str]:
    code = code_cells(notebook)
    tagged = [cell for cell in code if "parameters" in tags(cell)]
    if not code or tagged != code[:1]:
        yield "the first code cell, and no other, is tagged 'parameters'"
        return
    if code[0].source.startswith("# Parameters"):
        yield "the parameters cell does not begin with '# Parameters': papermill marks its own cell so"
    for statement in ast.parse(code[0].source).body:
        if not _is_literal_assignment(statement):
            yield f"the parameters cell holds literals only, one name each: {ast.unparse(statement)}"
    missing = sorted(set(COMMON) - set(_parameters(notebook)))
    if missing:
        yield f"the parameters cell gives defaults for model, device, seed and out; it lacks {', '.join(missing)}"


def opening_cell(notebook: NotebookNode, name: str) -> Iterator[str]:
    code = code_cells(notebook)
    calls = _calls(code[1].source, "open_chapter") if len(code) > 1 else []
    if len(calls) != 1:
        yield "the second code cell opens the chapter: run = pl.open_chapter(globals(), …)"
        return
    call = calls[0]
    if (
        len(call.args) != 2
        or ast.unparse(call.args[0]) != "globals()"
        or ast.unparse(call.args[1]) != repr(name)
    ):
        yield f"open_chapter is given globals() and the chapter's own name {name!r}"
    ruled = {keyword.arg for keyword in call.keywords} | set(COMMON)
    if ruled != set(_parameters(notebook)):
        odd = sorted(ruled ^ set(_parameters(notebook)))
        yield f"parameters and rules name the same things; they differ in {', '.join(map(str, odd))}"


def cells_are_short(notebook: NotebookNode, name: str) -> Iterator[str]:
    lengths = [
        len([line for line in c.source.splitlines() if line.strip()]) for c in code_cells(notebook)
    ]
    if lengths and statistics.median(lengths) >= MEDIAN_CELL:
        yield f"the median code cell is below {MEDIAN_CELL} lines; it is {statistics.median(lengths):g}"
    for cell in code_cells(notebook):
        for node in ast.walk(_tree(cell.source)):
            if isinstance(node, ast.ClassDef):
                yield f"no class is defined in a chapter: {node.name}"
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if node.end_lineno - node.lineno >= LONGEST_FUNCTION:
                    yield f"no function is longer than {LONGEST_FUNCTION} lines: {node.name}"


def prose_outweighs_code(notebook: NotebookNode, name: str) -> Iterator[str]:
    prose = sum(
        len(re.sub(r"\s", "", c.source)) for c in notebook.cells if c.cell_type == "markdown"
    )
    code = sum(len(re.sub(r"\s", "", c.source)) for c in code_cells(notebook))
    if prose <= code:
        yield f"prose outweighs code; {prose} characters of prose stand against {code} of code"
    first = notebook.cells[0] if notebook.cells else None
    titles = [
        c
        for c in notebook.cells
        if c.cell_type == "markdown" and re.search(r"(?m)^# ", _unfenced(c.source))
    ]
    if first is None or titles != [first]:
        yield "the first cell is markdown with the only '# Title'"


def all_cells_ran(notebook: NotebookNode, name: str) -> Iterator[str]:
    code = [c for c in code_cells(notebook) if c.source.strip()]
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        yield "all cells were executed from top to bottom in one go"
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"no error is saved in the outputs: {output.ename}"
            if output.output_type == "stream" and output.name == "stderr":
                yield f"nothing is written to stderr, it differs between runs: {output.text.strip()[:60]}"


def metadata_is_clean(notebook: NotebookNode, name: str) -> Iterator[str]:
    if "papermill" in notebook.metadata or any("papermill" in c.metadata for c in notebook.cells):
        yield "no papermill metadata is saved: execute with `make notebooks`"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is python3"
    unknown = sorted({t for c in notebook.cells for t in tags(c)} - KEPT_TAGS)
    if unknown:
        yield f"no tag is misspelt; unknown: {', '.join(unknown)}"


def headline_numbers(notebook: NotebookNode, name: str) -> Iterator[str]:
    code = code_cells(notebook)
    found = [i for i, c in enumerate(code) if "headline" in tags(c)]
    if not found:
        yield "at least one cell tagged 'headline' shows rounded numbers"
    for i in found:
        shown = text_of(code[i])
        if not re.search(r"\d", shown) or "nbval-ignore-output" in tags(code[i]):
            yield f"a headline cell shows its numbers as text, and nbval compares it: {code[i].source[:40]!r}"
        if re.search(r"\d\.\d{7,}", shown):
            yield f"a headline number is rounded: {shown.strip()[:60]!r}"
        if not any(
            isinstance(n, ast.Assert) for c in code[i : i + 2] for n in ast.walk(_tree(c.source))
        ):
            yield f"a headline cell or the next one asserts its numbers: {code[i].source[:40]!r}"


def figures_are_marked(notebook: NotebookNode, name: str) -> Iterator[str]:
    for cell in code_cells(notebook):
        outputs = [o.get("data", {}) for o in cell.outputs]
        images = any(k.startswith("image/") for data in outputs for k in data if MIME not in data)
        if images and not {"hide-input", "nbval-ignore-output"} <= set(tags(cell)):
            yield f"a cell that draws is tagged hide-input and nbval-ignore-output: {cell.source[:40]!r}"


def results_and_provenance(notebook: NotebookNode, name: str) -> Iterator[str]:
    code = code_cells(notebook)
    for method in ("save", "claim"):
        if not any(_calls(c.source, method) for c in code):
            yield f"the chapter calls run.{method}(…)"
    last = code[-1] if code else None
    if (
        last is None
        or not _calls(last.source, "provenance")
        or not {"provenance", "nbval-ignore-output"} <= set(tags(last))
    ):
        yield "the last code cell is run.provenance(), tagged provenance and nbval-ignore-output"


def no_machine_words(notebook: NotebookNode, name: str) -> Iterator[str]:
    yield from (
        f"nothing of one machine appears; {found}"
        for found in machine_words(nbformat.writes(notebook))
    )


CHECKS: tuple[Callable[[NotebookNode, str], Iterator[str]], ...] = (
    parameters_cell, opening_cell, cells_are_short, prose_outweighs_code, all_cells_ran, metadata_is_clean,
    headline_numbers, figures_are_marked, figure_rules.figures_are_numbered,
    figure_rules.captions_are_computed, results_and_provenance, no_machine_words,
)  # fmt: skip


def problems(path: Path, name: str | None = None) -> list[str]:
    """Every sentence of the contract that the notebook at `path` breaks."""
    notebook = nbformat.read(path, as_version=4)
    name = name or chapter_name(path)
    found = [sentence for check in CHECKS for sentence in check(notebook, name)]
    if path.stat().st_size >= LARGEST_FILE:
        found.append(
            f"the file is below {LARGEST_FILE // 1000} kB; it has {path.stat().st_size // 1000}"
        )
    return found


def machine_words(text: str) -> Iterator[str]:
    """What in `text` belongs to one machine: its folders, local addresses, private indexes."""
    for what, pattern in MACHINE_WORDS.items():
        yield from (f"{what}: {found[0]}" for found in re.finditer(pattern, text))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def text_of(cell: NotebookNode) -> str:
    """What a reader sees as text below the cell."""
    parts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        parts.append(
            output.get("text") or data.get("text/markdown") or data.get("text/plain") or ""
        )
    return "\n".join(parts)


def _parameters(notebook: NotebookNode) -> list[str]:
    statements = ast.parse(code_cells(notebook)[0].source).body
    return [
        t.id
        for s in statements
        if isinstance(s, ast.Assign)
        for t in s.targets
        if isinstance(t, ast.Name)
    ]


def _is_literal_assignment(statement: ast.stmt) -> bool:
    if (
        not isinstance(statement, ast.Assign)
        or len(statement.targets) != 1
        or not isinstance(statement.targets[0], ast.Name)
    ):
        return False
    try:
        ast.literal_eval(statement.value)
    except ValueError:
        return False
    return True


def _calls(source: str, method: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(_tree(source)) if isinstance(node, ast.Call)]
    return [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == method]


def _tree(source: str) -> ast.Module:
    """The cell's syntax, without lines that only IPython understands."""
    return ast.parse(
        "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    )


def _unfenced(source: str) -> str:
    return re.sub(r"(?ms)^(```+|:::+).*?^\1", "", source)


def main(arguments: list[str] | None = None) -> int:
    """List what the chapters named on the command line, or all of them, do not keep to."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="default: every chapter in _toc.yml"
    )
    found = 0
    for path in parser.parse_args(arguments).notebooks or chapters(repository()):
        for sentence in problems(path):
            print(f"{path}: {sentence}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
