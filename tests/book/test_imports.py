"""Imports run one way, as the contracts in pyproject.toml say; an import against them is caught."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TWINS = {
    "geometry draws": (
        "geometry/twin.py",
        "from plateaus import figures",
        "Layers of the design BROKEN",
    ),
    "measures train": (
        "measures/twin.py",
        "import plateaus.training",
        "Layers of the design BROKEN",
    ),
    "networks measure": (
        "networks/twin.py",
        "import plateaus.measures.curves",
        "Layers of the design BROKEN",
    ),
    "data measure": (
        "data/twin.py",
        "import plateaus.measures.curves",
        "Layers of the design BROKEN",
    ),
    "new module outside the layers": ("helpers.py", "", "Layers of the design BROKEN"),
    "geometry knows transformers": (
        "geometry/twin.py",
        "import transformers",
        "Geometry does not know what a language model is BROKEN",
    ),
    "geometry knows prompts": (
        "geometry/twin.py",
        "import plateaus.networks.prompt",
        "Geometry does not know what a language model is BROKEN",
    ),
    "a circle within a package": (
        "experiments/readouts.py",
        "import plateaus.experiments.sharpness",
        "No circles BROKEN",
    ),
    "measures experiment": (
        "measures/twin.py",
        "import plateaus.experiments.ends",
        "Layers of the design BROKEN",
    ),
    "experiments gather evidence": (
        "experiments/twin.py",
        "import plateaus.evidence",
        "Layers of the design BROKEN",
    ),
    "measures read prompts": (
        "measures/twin.py",
        "import plateaus.data.prompts",
        "Measures know no model BROKEN",
    ),
    "experiments train": (
        "experiments/twin.py",
        "import plateaus.training",
        "Experiments train nothing BROKEN",
    ),
    "figures experiment": (
        "figures/twin.py",
        "import plateaus.experiments",
        "Figures take nothing of the package but their style BROKEN",
    ),
    "figures measure": (
        "figures/twin.py",
        "import plateaus.measures.curves",
        "Figures take nothing of the package but their style BROKEN",
    ),
    "figures compute": (
        "figures/twin.py",
        "import torch",
        "Figures draw and compute nothing with models BROKEN",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    call = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", call, "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_imports_run_one_way(root: Path) -> None:
    done = lint(root)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("twin", TWINS)
def test_import_against_the_layers_is_caught(twin: str, root: Path, tmp_path: Path) -> None:
    file, line, broken = TWINS[twin]
    shutil.copytree(
        root / "src" / "plateaus",
        tmp_path / "src" / "plateaus",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(root / "pyproject.toml", tmp_path)
    (tmp_path / "src" / "plateaus" / file).write_text(line + "\n")
    done = lint(tmp_path)
    assert done.returncode != 0
    assert broken in done.stdout, done.stdout
