"""What an export may replace: an earlier export as it was written, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from plateaus.cli import main
from plateaus.errors import TrainingError
from plateaus.networks.embedded import verify
from plateaus.training import folders
from plateaus.training.folders import write_sums

TOY = ["toy", *("--set blocks=1 --set width=4 --set samples=80 --set epochs=1".split())]
KINDS = {
    "language": ["lm", "laboratory"],
    "images": ["vision", "vision-resnet", "--data", "images"],
    "toy": TOY,
    "dictionary": ["dictionary"],
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with what must survive: a folder of notes, a file, images."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "notes.txt").write_text("years of work")
    (tmp_path / "letter").write_text("a file")
    (tmp_path / "images").mkdir()
    x, y = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 2
    np.savez(tmp_path / "images" / "fashion.npz", X=x, Y=y)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder: Path) -> dict[str, bytes | None]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None
        for p in folder.rglob("*")
    }


def exported(folder: Path, text: str = "weights") -> Path:
    """The smallest folder that passes for an export."""
    (folder / "checkpoints" / "step-0").mkdir(parents=True)
    (folder / "training.json").write_text("{}")
    (folder / "model.safetensors").write_text(text)
    (folder / "checkpoints" / "step-0" / "model.safetensors").write_text("first")
    write_sums(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "target, reason",
    [
        ("precious", "is not an export"),
        (".", "is the working directory or holds it"),
        ("", "is the working directory or holds it"),
        ("..", "is the working directory or holds it"),
        ("/", "is the working directory or holds it"),
        ("letter", "is a file"),
        ("letter/within", "lies under letter, which is a file"),
        ("runs", "holds the run that is to be exported"),
        ("runs/run", "holds the run that is to be exported"),
        ("runs/run/checkpoints", "is where the run keeps its own files"),
        ("runs/run/data/model", "is where the run keeps its own files"),
    ],
)
def test_what_no_export_made_is_refused_before_any_training(kind, target, reason, here, capsys):
    before = content(here)
    command = ["train", *KINDS[kind], "--work", "runs/run", "--export", target]
    assert main(command) == 2
    said = capsys.readouterr().err.strip()
    assert reason in said and "an earlier export" in said and "\n" not in said
    assert content(here) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["../../escape", "/escape", "", ".", "..", "a/b", "a b", "ä"])
def test_names_are_plain(kind, name, here, capsys):
    before = content(here)
    assert main(["train", *KINDS[kind], "--set", f"name={name}"]) == 2
    said = capsys.readouterr().err.strip()
    assert "must be a plain name" in said and "\n" not in said
    assert content(here) == before and not (here.parent / "escape").exists()


def test_an_export_takes_the_place_of_an_earlier_one(here, capsys):
    command = ["train", *TOY, "--work", "run", "--export", "new/model"]
    assert main(command) == 0
    verify(here / "new" / "model")
    first = content(here / "new")
    assert main(command) == 0  # trained to its end: exported again
    assert content(here / "new") == first
    assert main([*command, "--set", "seed=1", "--work", "other"]) == 0
    assert json.loads((here / "new/model/training.json").read_text())["settings"]["seed"] == 1
    assert not (here / "new" / "model" / "seed-0").exists()  # nothing of the earlier one is left


@pytest.mark.parametrize(
    "spoil, reason",
    [
        (lambda f: (f / "notes.txt").write_text("mine"), "holds notes.txt, which no export wrote"),
        (
            lambda f: (f / "model.safetensors").write_text("mine"),
            "holds model.safetensors, which was changed after its export",
        ),
        (lambda f: (f / "sha256sums.txt").unlink(), "is not an export"),
        (lambda f: (f / "training.json").unlink(), "is not an export"),
        (lambda f: (f / "sha256sums.txt").write_bytes(b"\xff\xfe"), "which no export wrote"),
        (
            lambda f: (f / "checkpoints" / "link").symlink_to(f.parent / "precious"),
            "holds checkpoints/link, which no export wrote",
        ),
    ],
)
def test_an_export_that_holds_something_else_is_not_replaced(spoil, reason, here):
    target = exported(here / "model")
    assert folders.check_target(target, here / "run") == target
    spoil(target)
    before = content(here)
    with pytest.raises(TrainingError, match=reason):
        with folders.replaced(target, here / "run") as folder:
            (folder / "training.json").write_text("{}")
    assert content(here) == before


def test_until_it_is_whole_the_earlier_export_stays(here):
    target = exported(here / "model", "old")
    before = content(here)
    with pytest.raises(KeyboardInterrupt), folders.replaced(target, here / "run") as folder:
        (folder / "model.safetensors").write_text("half")
        assert content(target) == {
            k.removeprefix("model/"): v for k, v in before.items() if k.startswith("model/")
        }
        raise KeyboardInterrupt
    assert content(here) == before
    with folders.replaced(target, here / "run") as folder:
        shutil.copytree(target, folder, dirs_exist_ok=True)
        (folder / "model.safetensors").write_text("new")
        write_sums(folder)
    assert (target / "model.safetensors").read_text() == "new"
    assert set(content(here)) == set(before)  # nothing is left beside it


def test_what_came_while_training_is_kept(here):
    target = here / "model"
    with pytest.raises(TrainingError, match="is not an export"):
        with folders.replaced(target, here / "run") as folder:
            (folder / "training.json").write_text("{}")
            target.mkdir()
            (target / "notes.txt").write_text("written meanwhile")
    assert content(target) == {"notes.txt": b"written meanwhile"}


def test_a_full_disk_keeps_the_earlier_export(here):
    target = exported(here / "model")
    before = content(here)
    with pytest.raises(TrainingError, match="model could not be written .*No space left"):
        with folders.replaced(target, here / "run") as folder:
            os.symlink("/dev/full", folder / "model.safetensors")
            (folder / "model.safetensors").write_text("too much")
    assert content(here) == before
