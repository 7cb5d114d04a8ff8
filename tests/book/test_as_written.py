"""What a chapter's text says is asserted of the parameters that it was written about; with others
the chapter goes on to its end, or is refused at once.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from transformers import AutoModelForCausalLM

from plateaus.book.cells import code_cells
from plateaus.book.places import chapters
from plateaus.errors import BadParameter

ROOT = Path(__file__).resolve().parents[2]
ASKED = re.compile(r"""assert .*\bmodel [!=]= ["']|\bif .*model == ["'].*else \[""")
"""An assertion that asks which model it is."""


def sources(path: Path) -> list[str]:
    return [cell.source for cell in code_cells(nbformat.read(path, as_version=4))]


@pytest.mark.parametrize("path", chapters(ROOT), ids=lambda p: p.stem)
def test_no_assertion_asks_for_its_model_alone(path: Path) -> None:
    """It would stop a reader who gives that model and changes another parameter."""
    assert not [line for cell in sources(path) for line in cell.splitlines() if ASKED.search(line)]


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ('assert model != "prose-12l" or gained > 0', "assert not run.as_written or gained > 0"),
        ('for n in s if model == "laboratory-12l" else ["toy"]:', "for n in s if run.as_written:"),
    ],
)
def test_an_assertion_that_asks_is_seen(line: str, mended: str) -> None:
    assert ASKED.search(line) and not ASKED.search(mended)


def test_other_parameters_of_the_same_model_bring_a_chapter_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a toy that is not trained the text is not true."""
    monkeypatch.setenv("PLATEAUS_OUT", str(tmp_path))
    path = next(p for p in chapters(ROOT) if p.stem == "trajectories")
    names: dict[str, Any] = {"__name__": "__main__"}
    for k, source in enumerate(sources(path)):
        exec(source, names)
        if k == 0:
            names |= {"model": "laboratory-3l", "pairs": 8, "steps": 11, "seeds": 1, "epochs": 0}
    assert names["run"].rows and not names["run"].as_written
    assert (names["run"].out / "claims" / "trajectories.json").is_file()


def test_certificates_refuse_a_model_of_one_block_in_the_third_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATEAUS_OUT", str(tmp_path / "out"))
    whole, one = ROOT / "book" / "models" / "laboratory-3l", tmp_path / "one-block"
    model = AutoModelForCausalLM.from_pretrained(whole)
    model.config.n_layer, model.transformer.h = 1, model.transformer.h[:1]
    model.save_pretrained(one)
    for file in whole.glob("*token*.json"):
        shutil.copy(file, one)
    path = next(p for p in chapters(ROOT) if p.stem == "certificates")
    names: dict[str, Any] = {"__name__": "__main__"}
    first, second, third, *_ = sources(path)
    exec(first, names)
    names |= {"model": str(one), "words": 10, "prompts": 2}
    exec(second, names)
    with pytest.raises(BadParameter, match="has blocks 0 to 0, got block=1"):
        exec(third, names)
