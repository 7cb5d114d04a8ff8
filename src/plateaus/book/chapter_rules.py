"""What the contract asks of a chapter's parameters, cells, headlines and end.

Each check takes a notebook and the chapter's name ("1-definitions/plateaus") and returns sentences,
none if all is well.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator

import nbformat
from nbformat import NotebookNode

from plateaus.book.cells import IGNORED, calls, code_cells, start, tags, text_of, tree, unfenced
from plateaus.book.figure import MIME
from plateaus.book.machine import machine_words
from plateaus.book.parameters import COMMON

LONGEST_FUNCTION = 6  # lines
MEDIAN_CELL = 9  # lines; the median stays below
KEPT_TAGS = {
    "parameters", "hide-input", "hide-output", "remove-input", "remove-cell", IGNORED, "headline",
    "provenance", "cover",
}  # fmt: skip


def parameters_cell(notebook: NotebookNode, name: str) -> Iterator[str]:
    code = code_cells(notebook)
    tagged = [cell for cell in code if "parameters" in tags(cell)]
    if not code or tagged != code[:1]:
        yield "the first code cell, and no other, is tagged 'parameters'"
        return
    if code[0].source.startswith("# Parameters"):
        yield "the parameters cell does not begin with '# Parameters', as papermill's own does"
    for statement in ast.parse(code[0].source).body:
        if not _is_literal_assignment(statement):
            wrong = ast.unparse(statement)
            yield f"the parameters cell holds literals only, one name each: {wrong}"
    if missing := sorted(set(COMMON) - set(_parameters(notebook))):
        wanted = "defaults for model, device, seed and out"
        yield f"the parameters cell gives {wanted}; it lacks {', '.join(missing)}"


def opening_cell(notebook: NotebookNode, name: str) -> Iterator[str]:
    code = code_cells(notebook)
    opened = calls(code[1].source, "open_chapter") if len(code) > 1 else []
    if len(opened) != 1:
        yield "the second code cell opens the chapter: run = pl.open_chapter(globals(), …)"
        return
    call = opened[0]
    if (
        len(call.args) != 2
        or ast.unparse(call.args[0]) != "globals()"
        or ast.unparse(call.args[1]) != repr(name)
    ):
        yield f"open_chapter is given globals() and the chapter's own name {name!r}"
    ruled = {keyword.arg for keyword in call.keywords} | set(COMMON)
    if ruled != set(_parameters(notebook)):
        odd = ", ".join(sorted(map(str, ruled ^ set(_parameters(notebook)))))
        yield f"parameters and rules name the same things; they differ in {odd}"


def refusals_are_early(notebook: NotebookNode, name: str) -> Iterator[str]:
    """A wrong parameter is refused before anything is computed: bounds, model, what both allow."""
    code = code_cells(notebook)
    for call in calls(code[1].source, "whole") if len(code) > 1 else []:
        if len(call.args) + len(call.keywords) < 2:
            yield f"a size has a lower and an upper bound: {ast.unparse(call)}"
    for cell in code[3:]:
        made = {ast.unparse(c.func) for m in ("load", "require") for c in calls(cell.source, m)}
        if made & {"pl.load", "run.require"}:
            yield f"a model is loaded, and required of, in the third cell: {start(cell)}"


def cells_are_short(notebook: NotebookNode, name: str) -> Iterator[str]:
    sources = [cell.source.splitlines() for cell in code_cells(notebook)]
    middle = statistics.median([len([s for s in lines if s.strip()]) for lines in sources] or [0])
    if middle >= MEDIAN_CELL:
        yield f"the median code cell is below {MEDIAN_CELL} lines; it is {middle:g}"
    for cell in code_cells(notebook):
        for node in ast.walk(tree(cell.source)):
            if isinstance(node, ast.ClassDef):
                yield f"no class is defined in a chapter: {node.name}"
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if node.end_lineno - node.lineno >= LONGEST_FUNCTION:
                    yield f"no function is longer than {LONGEST_FUNCTION} lines: {node.name}"


def prose_outweighs_code(notebook: NotebookNode, name: str) -> Iterator[str]:
    """What a figure says in its caption and to whoever does not see it counts as prose."""
    prose = sum(_weight(c.source) for c in notebook.cells if c.cell_type == "markdown")
    code = sum(_weight(c.source) for c in code_cells(notebook))
    said = sum(_weight(ast.unparse(k.value)) for k in _words_of_figures(notebook))
    prose, code = prose + said, code - said
    if prose <= code:
        yield f"prose outweighs code; {prose} characters of prose stand against {code} of code"
    first = notebook.cells[0] if notebook.cells else None
    titles = [
        c
        for c in notebook.cells
        if c.cell_type == "markdown" and re.search(r"(?m)^# ", unfenced(c.source))
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
                wrong = output.text.strip()[:60]
                yield f"nothing is written to stderr, it differs between runs: {wrong}"


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
        if not re.search(r"\d", shown) or IGNORED in tags(code[i]):
            yield f"a headline cell shows its numbers and nbval compares them: {start(code[i])}"
        if re.search(r"\d\.\d{7,}", shown):
            yield f"a headline number is rounded: {shown.strip()[:60]!r}"
        if not any(
            isinstance(n, ast.Assert) for c in code[i : i + 2] for n in ast.walk(tree(c.source))
        ):
            yield f"a headline cell or the next one asserts its numbers: {start(code[i])}"


def figures_are_marked(notebook: NotebookNode, name: str) -> Iterator[str]:
    for cell in code_cells(notebook):
        outputs = [o.get("data", {}) for o in cell.outputs]
        images = any(k.startswith("image/") for data in outputs for k in data if MIME not in data)
        if images and not {"hide-input", IGNORED} <= set(tags(cell)):
            yield f"a cell that draws is tagged hide-input and {IGNORED}: {start(cell)}"


def results_and_provenance(notebook: NotebookNode, name: str) -> Iterator[str]:
    code = code_cells(notebook)
    for method in ("save", "claim"):
        if not any(calls(c.source, method) for c in code):
            yield f"the chapter calls run.{method}(…)"
    last = code[-1] if code else None
    if (
        last is None
        or not calls(last.source, "provenance")
        or not {"provenance", IGNORED} <= set(tags(last))
    ):
        yield f"the last code cell is run.provenance(), tagged provenance and {IGNORED}"


def no_machine_words(notebook: NotebookNode, name: str) -> Iterator[str]:
    yield from (
        f"nothing of one machine appears; {found}"
        for found in machine_words(nbformat.writes(notebook))
    )


def _weight(source: str) -> int:
    return len(re.sub(r"\s", "", source))


def _words_of_figures(notebook: NotebookNode) -> Iterator[ast.keyword]:
    for cell in code_cells(notebook):
        for call in calls(cell.source, "figure"):
            yield from (k for k in call.keywords if k.arg in ("caption", "alt"))


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
