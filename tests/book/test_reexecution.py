"""The interpolation chapter on other people's models, and on input that cannot work: one sentence,
non-zero exit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import xarray as xr

from plateaus.book.places import folder_name

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "chapters" / "2-language-models" / "interpolation.ipynb"
SHARP = {"gpt2": 5.0, "gemma": 5.0}
"""Times its unembedding a tiny model finds some words likely, as a trained one does."""
ARCHITECTURES = ("gpt2", "pythia", "llama", "qwen2", "olmo", "gemma", "phi")


def papermill(tmp_path: Path, *parameters: str) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(CHAPTER),
        str(tmp_path / "copy.ipynb"),
        "--no-progress-bar",
    ]
    pairs = [("pairs", "8"), ("steps", "5"), ("out", str(tmp_path / "out"))]
    pairs += [tuple(parameters[i : i + 2]) for i in range(0, len(parameters), 2)]
    for name, value in dict(pairs).items():
        command += ["-p", name, value]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)


def printed(tmp_path: Path) -> str:
    cells = nbformat.read(tmp_path / "copy.ipynb", as_version=4).cells
    return "".join(o.get("text", "") for c in cells for o in c.get("outputs", []))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_runs_and_writes_result_and_claims(architecture, save_tiny, tmp_path):
    folder = save_tiny(architecture, tmp_path / "tiny", sharp=SHARP.get(architecture, 9.0))
    done = papermill(tmp_path, "model", folder)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "patched end points equal clean runs to 1e-5: True" in printed(tmp_path)
    assert "served:  none" in printed(tmp_path) and "D1: The " in printed(tmp_path)
    rows = json.loads(
        (tmp_path / "out" / folder_name(folder) / "claims" / "interpolation.json").read_text()
    )
    assert {row["id"] for row in rows} == {"J1", "J2", "J4", "J6", "S1", "S4"}
    own = [row for row in rows if row["model"] == "tiny"]
    assert own and all(row["verdict"] == "not testable on this model" for row in own), (
        "8 pairs settle nothing"
    )
    with xr.open_dataset(
        tmp_path / "out" / folder_name(folder) / "interpolation.nc", engine="h5netcdf"
    ) as result:
        assert result.sizes["pair"] == 8 and result.sizes["alpha"] == 5


@pytest.mark.parametrize(
    "parameters, sentence",
    [
        (("modle", "x"), "modle is not a parameter"),
        (("steps", "-3"), "steps must be"),
        (("seed", "1e-3"), "seed must be"),
        (("model", "nowhere"), 'No model "nowhere"'),
        (
            (
                "context",
                "The house was",
                "last_a",
                " big",
                "last_b",
                " antidisestablishmentarianism",
            ),
            "tokens for prose-12l, and one is needed",
        ),
        (
            ("context", "The house was", "last_a", " in", "last_b", " in"),
            "the two end points must differ",
        ),
    ],
    ids=[
        "unknown",
        "impossible",
        "mistyped",
        "no such model",
        "several tokens",
        "identical end points",
    ],
)
def test_bad_input_ends_in_one_sentence(parameters, sentence, tmp_path):
    done = papermill(tmp_path, *parameters)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert sentence in last, done.stderr[-1500:]


def guests():
    """Folders of models in $PLATEAUS_MODELS/lm; the nightly run fetches one from the hub."""
    if "PLATEAUS_MODELS" not in os.environ:
        skip = pytest.mark.skip(reason="PLATEAUS_MODELS names no folder with lm/<model>")
        return [pytest.param(None, marks=skip)]
    found = sorted((Path(os.environ["PLATEAUS_MODELS"]) / "lm").glob("*/config.json"))
    assert found, "PLATEAUS_MODELS is set and has no lm/<model>"
    return [pytest.param(file.parent, id=file.parent.name) for file in found]


@pytest.mark.parametrize("guest", guests())
def test_a_model_that_someone_else_trained(guest, tmp_path):
    done = papermill(tmp_path, "model", str(guest))
    assert done.returncode == 0, done.stderr[-2000:]
    if guest.name == "stories260K":  # its tokeniser has few whole words
        assert "skipped: D3, S1, S3, big-large" in printed(tmp_path)
    claims = tmp_path / "out" / folder_name(str(guest)) / "claims" / "interpolation.json"
    rows = json.loads(claims.read_text())
    assert any(row["model"] == guest.name for row in rows)
