"""What every chapter keeps to; `plateaus contract [chapter.ipynb …]` lists what one does not.

The rules stand in the modules imported here, each a check of one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from nbformat import NotebookNode

from plateaus.book import chapter_rules, computed, figure_rules, page_rules, sentences, typed
from plateaus.book.cells import code_cells, notebook_at, start, tree
from plateaus.book.places import chapter_name, chapters, repository

LARGEST_FILE = 300_000  # bytes

CHECKS: tuple[Callable[[NotebookNode, str], Iterator[str]], ...] = (
    chapter_rules.parameters_cell,
    chapter_rules.opening_cell,
    chapter_rules.refusals_are_early,
    chapter_rules.cells_are_short,
    chapter_rules.prose_outweighs_code,
    chapter_rules.all_cells_ran,
    chapter_rules.metadata_is_clean,
    chapter_rules.headline_numbers,
    chapter_rules.figures_are_marked,
    chapter_rules.results_and_provenance,
    chapter_rules.no_machine_words,
    figure_rules.figures_are_numbered,
    figure_rules.captions_are_computed,
    page_rules.code_fits_the_page,
    page_rules.output_fits_the_page,
    page_rules.zero_has_no_minus,
    page_rules.numbers_are_written_out,
    page_rules.percent_stands_at_its_number,
    page_rules.few_cells_are_visible,
    page_rules.findings_are_compared,
    sentences.findings_have_a_section,
    sentences.sentences_agree_with_verdicts,
    typed.formulas_are_whole,
    computed.numbers_are_computed,
)


def faults(path: Path, name: str | None = None) -> dict[str, list[str]]:
    """By check, every sentence of the contract that the notebook at `path` breaks."""
    notebook = notebook_at(path)
    name = name or chapter_name(path)
    for cell in code_cells(notebook):
        try:
            tree(cell.source)
        except (SyntaxError, ValueError) as error:  # a zero byte is a ValueError
            return {"syntax": [f"every cell is Python, not {start(cell)}: {error}"]}
    found = {check.__name__: list(check(notebook, name)) for check in CHECKS}
    size = path.stat().st_size
    if size >= LARGEST_FILE:
        limit = LARGEST_FILE // 1000
        found["size"] = [f"the file is below {limit} kB; it has {size // 1000}"]
    return {check: sentences for check, sentences in found.items() if sentences}


def problems(path: Path, name: str | None = None) -> list[str]:
    """All of `faults` in one list."""
    return [sentence for found in faults(path, name).values() for sentence in found]


def report(paths: list[Path]) -> int:
    """Print what the chapters, or all of them, do not keep to; 1 if there is any."""
    late = 0
    for path in paths or chapters(repository()):
        for check, found in faults(path).items():
            print(*(f"{path}: {sentence} [{check}]" for sentence in found), sep="\n")
            late += len(found)
    return 1 if late else 0
