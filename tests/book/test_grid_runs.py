"""A grid of 3 x 4 small cells by Snakemake: killed and resumed, here and on SLURM."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from plateaus.book.collect import collect

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not find_spec("snakemake"), reason="Snakemake is not installed")
MODELS, SEEDS = ["a", "b", "c"], [0, 1, 2, 3]
CELL = """
import json, pathlib, time
time.sleep(1)
if (model, seed) == ("b", 2):
    raise ValueError("b has no seed 2: give another.")
row = {"id": "J4", "metric": "slope_gain", "model": model, "value": float(seed), "ci_low": 0,
       "ci_high": 1, "n": 1, "verdict": "holds", "control": {}, "reason": "", "chapter": "x/tiny"}
file = pathlib.Path(out) / model / "claims" / "tiny.json"
file.parent.mkdir(parents=True)
file.write_text(json.dumps([row]))
"""


@pytest.fixture
def checkout(tmp_path):
    """A repository with the book's Snakefile and profiles and one chapter that takes a second."""
    folder = tmp_path / "checkout"
    (folder / "chapters" / "x").mkdir(parents=True)
    (folder / "book").mkdir()
    shutil.copy(ROOT / "Snakefile", folder)
    for name in ("grid", "params"):
        shutil.copytree(ROOT / "book" / name, folder / "book" / name)
    given = new_code_cell('model, seed, out, device = "a", 0, "", "cpu"')
    given.metadata["tags"] = ["parameters"]
    about = {"language_info": {"name": "python"}}
    notebook = new_notebook(cells=[given, new_code_cell(CELL)], metadata=about)
    nbformat.write(notebook, folder / "chapters" / "x" / "tiny.ipynb")
    chosen = {"out": "grid", "chapters": ["x/tiny"], "models": MODELS, "seeds": SEEDS}
    (folder / "mine.yaml").write_text(yaml.safe_dump(chosen))
    return folder


def snakemake(folder, *options, profile="local"):
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", f"book/grid/{profile}"]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    with open(folder / "log.txt", "w") as log:
        return subprocess.Popen(
            [*command, "--configfile", "mine.yaml", *options], cwd=folder, env=environment,
            stdout=log, stderr=log,
        )  # fmt: skip


def finished(folder):
    """Cells that are whole, and when they were."""
    files = folder.glob("grid/*/seed-*/auto/x/tiny/chapter.ipynb")
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files}


def told(folder):
    return (folder / "log.txt").read_text()


def all_but_one(folder):
    """The end of a grid with one bad cell: 11 are whole, the other is named with its sentence."""
    assert len(finished(folder)) == len(MODELS) * len(SEEDS) - 1, told(folder)[-3000:]
    (failed,) = {line for line in told(folder).splitlines() if line.startswith("FAILED")}
    assert failed == "FAILED x/tiny on b, seed 2: ValueError: b has no seed 2: give another."


def killed_and_resumed(folder, *options, **profile):
    """Kill Snakemake when a few cells are whole; it goes on and runs none of them again."""
    run = snakemake(folder, *options, **profile)
    end = time.monotonic() + 600
    while len(finished(folder)) < 3:
        assert run.poll() is None and time.monotonic() < end, told(folder)[-3000:]
        time.sleep(0.2)
    run.send_signal(signal.SIGKILL)
    run.wait()
    before = finished(folder)
    assert 3 <= len(before) < 11
    assert snakemake(folder, "--unlock").wait() == 0, told(folder)[-3000:]
    assert snakemake(folder, *options, **profile).wait() != 0
    all_but_one(folder)
    after = finished(folder)
    assert before.items() <= after.items()
    return after


def test_a_grid_that_is_killed_goes_on_and_names_what_failed(checkout):
    after = killed_and_resumed(checkout)
    collect(checkout / "grid")  # by hand, of what there is: it hides no cell that is missing
    # The control: a chapter that changed is run again, and only the failed cell otherwise.
    assert snakemake(checkout).wait() != 0
    assert finished(checkout) == after
    notebook = nbformat.read(checkout / "chapters/x/tiny.ipynb", as_version=4)
    notebook.cells[1].source = CELL.replace('("b", 2)', '("b", 9)')
    nbformat.write(notebook, checkout / "chapters/x/tiny.ipynb")
    assert snakemake(checkout).wait() == 0, told(checkout)[-3000:]
    again = finished(checkout)
    assert len(again) == 12 and all(again[name] > made for name, made in after.items())
    rows = json.loads((checkout / "grid" / "scoreboard.json").read_text())
    assert [(r["model"], r["seeds"], r["value"]) for r in rows] == [(m, SEEDS, 1.5) for m in MODELS]


def answers(*command):
    try:
        return subprocess.run(command, capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@pytest.mark.skipif(not answers("sinfo"), reason="no SLURM answers here")
@pytest.mark.skipif(
    not find_spec("snakemake_executor_plugin_slurm"), reason="Snakemake's SLURM plugin is missing"
)
def test_the_same_grid_goes_through_slurm(checkout):
    options = ("--slurm-status-command", "squeue", "--latency-wait", "10")
    killed_and_resumed(checkout, *options, profile="slurm")
    assert "SLURM" in told(checkout)


@pytest.mark.skipif(
    not find_spec("snakemake_executor_plugin_kubernetes"),
    reason="Snakemake's Kubernetes plugin is missing",
)
def test_the_kubernetes_profile_plans_the_same_cells(checkout):
    volume = ("--default-storage-prefix", str(checkout))  # where pods would have it at /plateaus
    run = snakemake(checkout, "--dry-run", *volume, profile="kubernetes")
    assert run.wait() == 0, told(checkout)[-3000:]
    assert "cell" in told(checkout) and " 12\n" in told(checkout)
    assert not finished(checkout)
