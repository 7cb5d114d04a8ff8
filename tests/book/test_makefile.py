"""The Makefile in a folder whose name has a space and an umlaut, and after a kill on the way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

UNSET = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PLATEAUS_OUT", "PYTEST_ADDOPTS")
HERE = """
import os
from pathlib import Path


def test_results_go_to_the_folder_itself():
    assert os.environ["PLATEAUS_OUT"] == str(Path.cwd() / "_build" / "test")
"""


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in UNSET}
    command = ["make", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """Small tests and a chapter of one cell, with the book's Makefile and this environment."""
    folder = tmp_path / "ein Ordner für Übungen"
    (folder / "tests").mkdir(parents=True)
    (folder / "chapters").mkdir()
    (folder / ".ci").mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "requirements.txt", ".ci/run"):
        shutil.copy(root / name, folder / name)
    (folder / "tests" / "test_here.py").write_text(HERE.lstrip())
    shown = new_output("execute_result", data={"text/plain": "2"}, execution_count=1)
    cell = new_code_cell("1 + 1", outputs=[shown], execution_count=1)
    nbformat.write(new_notebook(cells=[cell]), folder / "chapters" / "sum.ipynb")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".ready").touch()
    return folder


def files(folder: Path) -> set[Path]:
    """Those outside of `_build`; bytecode is written where it can be, and else left out."""
    found = (p.relative_to(folder) for p in folder.rglob("*") if ".venv" not in p.parts)
    return {p for p in found if p.parts[0] != "_build" and "__pycache__" not in p.parts}


def test_tests_run_in_a_folder_with_a_space_and_an_umlaut(checkout: Path) -> None:
    before = files(checkout)
    done = make(checkout, "test", "READY=.ready")
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
    assert files(checkout) == before, "the sources may be read-only"


def test_continuous_integration_does_too(checkout: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in UNSET} | {"READY": ".ready"}
    command = [str(checkout / ".ci" / "run")]
    environment["MAKEFLAGS"] = "-e"  # READY from the environment wins
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


def test_wrong_number_fails_there(checkout: Path) -> None:
    notebook = checkout / "chapters" / "sum.ipynb"
    notebook.write_text(notebook.read_text().replace('"2"', '"3"'))
    done = make(checkout, "test", "READY=.ready")
    assert done.returncode != 0 and "1 failed" in done.stdout


def test_another_processor_is_asked_for(checkout: Path) -> None:
    file = checkout / "chapters" / "test_here.py"
    file.write_text(
        "import os\n\n\ndef test_plain():\n"
        "    assert os.environ['ATEN_CPU_CAPABILITY'] == 'default'\n"
        "    assert os.environ['MKL_ENABLE_INSTRUCTIONS'] == 'SSE4_2'\n"
        "    assert os.environ['ONEDNN_MAX_CPU_ISA'] == 'SSE41'\n"
    )
    done = make(checkout, "test-plain", "READY=.ready")
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("line", ["x = 1  # " + "-" * 100, "x   = 1", "import os"])
def test_style_is_part_of_the_test(line: str, checkout: Path) -> None:
    (checkout / "tests" / "conftest.py").write_text(line + "\n")
    done = make(checkout, "test", "READY=.ready")
    assert done.returncode != 0 and "passed" not in done.stdout


@pytest.fixture
def bare(root: Path, tmp_path: Path) -> Path:
    shutil.copy(root / "Makefile", tmp_path)
    return tmp_path


def works(folder: Path) -> bool:
    command = [str(folder / ".venv" / "bin" / "python"), "-m", "pip", "--version"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def test_environment_is_made_again_after_a_kill(bare: Path) -> None:
    started = subprocess.Popen(
        ["make", "venv", f"PYTHON={sys.executable}"], cwd=bare, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (bare / ".venv" / "bin" / "python").exists():
        time.sleep(0.01)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    assert not works(bare), "killed before pip was there"
    done = make(bare, "venv", f"PYTHON={sys.executable}")
    assert done.returncode == 0 and works(bare), done.stderr


def test_finished_environment_is_kept_and_an_unfinished_one_is_not(bare: Path) -> None:
    assert make(bare, "venv", f"PYTHON={sys.executable}").returncode == 0
    (bare / ".venv.unfinished").unlink()
    kept = bare / ".venv" / "installed"
    kept.touch()
    assert make(bare, "venv", f"PYTHON={sys.executable}").returncode == 0 and kept.exists()
    # now the mark stands there, as after a kill while pip was installing
    assert make(bare, "venv", f"PYTHON={sys.executable}").returncode == 0 and not kept.exists()
