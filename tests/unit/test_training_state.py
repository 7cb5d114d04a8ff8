"""What a run leaves behind: after a kill at any write it goes on to the same end; what was begun
with something else is refused; a full disk spoils nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from plateaus.cli import main
from plateaus.errors import TrainingError
from plateaus.training.export import export
from plateaus.training.language.run import LanguageRun
from plateaus.training.language.settings import settings
from plateaus.training.loop import train

SIZES = {
    "lm": "blocks=1 width=8 heads=1 context=16 batch=2 tokens=960 corpus_tokens=6000 compile=no "
    "device=cpu threads=1 checkpoints=1",
    "toy": "blocks=1 width=4 samples=80 epochs=3 networks=2 checkpoints=2",
    "vision": "images=shapes samples=48 batch=16 depths=1 widths=4 threads=1 device=cpu "
    "checkpoints=1",
    "dictionary": "model=laboratory-3l features=20 active=2 windows=40 tokens=8 activations=960 "
    "batch=32 threads=1 device=cpu checkpoints=1",
}
LANGUAGE = {
    "vocabulary": 300,
    **{
        name: int(value) if value.isdigit() else value
        for name, value in (pair.split("=") for pair in SIZES["lm"].split())
    },
}


def command(kind: str, work: str, *more: str) -> list[str]:
    sets = [word for pair in (*SIZES[kind].split(), *more) for word in ("--set", pair)]
    first = {"lm": ["lm", "laboratory"], "vision": ["vision", "vision-resnet", "--data", "."]}
    return ["train", *first.get(kind, [kind]), "--work", work, *sets]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with images and two corpora."""
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "shapes.npz", X=x, Y=np.arange(60) % 3)
    for name, words in (
        ("fog", "The fog came in on little cat feet. "),
        ("sea", "The sea is big. "),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(words * 400)
        (tmp_path / name / "val.txt").write_text(words * 100)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def weights(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    return {f.relative_to(folder).as_posix(): load_file(f) for f in folder.rglob("*.safetensors")}


def same(one: Path, two: Path) -> bool:
    a, b = weights(one), weights(two)
    return a.keys() == b.keys() and all(
        torch.equal(tensor, b[file][name]) for file in a for name, tensor in a[file].items()
    )


def killed(arguments: list[str], after: int) -> bool:
    """The command in a process of its own, killed as it is about to write for the ``after``-th
    time; whether it came so far.
    """
    child = os.fork()
    if not child:
        left = iter(range(after))

        def counted(write):
            def writes(*given, **options):
                if next(left, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)  # nothing can be tidied up
                return write(*given, **options)

            return writes

        os.replace, os.fsync, os.mkdir = map(counted, (os.replace, os.fsync, os.mkdir))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(main(arguments))
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize(
    "kind, stride", [("toy", 3), ("lm", 16), ("vision", 12), ("dictionary", 6)]
)
def test_a_kill_at_any_write_changes_nothing(kind, stride, here):
    assert main(command(kind, "whole")) == 0
    kills = 0
    while killed(command(kind, "cut"), stride * kills):
        kills += 1
        assert main(command(kind, "cut")) == 0
        assert same(here / "whole", here / "cut"), f"killed at write {stride * kills}"
        assert not list((here / "cut").rglob("*.tmp"))
        shutil.rmtree("cut")
    assert kills > 5, "the writes must be those that were counted"


def test_a_run_survives_many_kills_in_a_row(here):
    assert main(command("toy", "whole")) == 0
    for after in range(0, 60, 3):
        killed(command("toy", "cut"), after)
    assert main(command("toy", "cut")) == 0 and same(here / "whole", here / "cut")


def test_a_finished_run_is_exported_again_and_not_trained(here, monkeypatch, capsys):
    assert main(command("toy", "run")) == 0
    before = weights(here / "run")
    shutil.rmtree(here / "run" / "model")  # as a kill before the export leaves it
    from plateaus.training import loop

    monkeypatch.setattr(loop, "advance", None)  # any step would fail
    assert main(command("toy", "run")) == 0
    assert weights(here / "run").keys() == before.keys()
    with pytest.raises(TypeError):  # and a fresh one needs it
        main(command("toy", "other"))


def test_two_processes_do_not_share_a_folder(here, capsys):
    from plateaus.training.command import held

    with held(here / "run"):
        assert main(command("toy", "run")) == 2
        assert "is in use by another process" in capsys.readouterr().err
    assert main(command("toy", "run")) == 0


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("lost", ["", "state.pt"])
def test_other_settings_in_the_same_folder_are_refused(kind, lost, here, capsys):
    """Also when the state was deleted: else the old checkpoints would ship under the new record."""
    assert main(command(kind, "run")) == 0
    if lost:
        (here / "run" / lost).unlink()
    before = weights(here)
    assert main(command(kind, "run", "seed=1")) == 2
    said = capsys.readouterr().err.strip()
    assert "was begun with another seed (0, now 1)" in said and "\n" not in said
    assert weights(here).keys() == before.keys()
    assert main(command(kind, "run")) == 0  # the same go on
    assert json.loads((here / "run/model/training.json").read_text())["settings"]["seed"] == 0


def test_without_its_state_a_run_begins_anew_to_the_same_end(here):
    assert main(command("lm", "run")) == 0
    shutil.copytree("run", "kept")
    (here / "run" / "state.pt").unlink()
    for step in (here / "run" / "checkpoints").iterdir():
        (step / "model.safetensors").write_bytes(b"stale")
    assert main(command("lm", "run")) == 0 and same(here / "run", here / "kept")


def test_a_state_of_another_run_is_refused(here, capsys):
    assert main(command("toy", "one")) == 0 and main(command("toy", "two", "rate=0.002")) == 0
    shutil.copy("two/state.pt", "one/state.pt")
    assert main(command("toy", "one")) == 2
    assert "was begun with another rate (0.002, now 0.001)" in capsys.readouterr().err


def test_other_images_are_refused(here, capsys):
    assert main(command("vision", "run")) == 0
    with np.load("shapes.npz") as file:
        x, y = file["X"], file["Y"]
    x[0, 0, 0] ^= 1
    np.savez("shapes.npz", X=x, Y=y)
    assert main(command("vision", "run")) == 2
    assert "was begun with another data: checksum" in capsys.readouterr().err


def prose(work: Path, corpus: str | None = "fog", **changes) -> LanguageRun:
    return LanguageRun(settings("prose", **{**LANGUAGE, **changes}), work, corpus=corpus)


def truncate(work: Path) -> None:
    file = work / "data" / "train.bin"
    file.write_bytes(file.read_bytes()[:-2])


@pytest.mark.parametrize(
    "change, options, sentence",
    [
        (lambda work: None, {"corpus": "sea"}, "made from another corpus"),
        (lambda work: None, {"corpus_tokens": 5000}, "another corpus_tokens"),
        (lambda work: None, {"vocabulary": 301}, "another vocabulary"),
        (truncate, {}, "train.bin is missing or differs from what was prepared"),
        (lambda work: (work / "data" / "val.bin").unlink(), {}, "val.bin is missing or differs"),
        (
            lambda work: (work / "data" / "tokenizer.json").write_text("{}"),
            {},
            "tokenizer.json is missing or differs",
        ),
        (lambda work: (work / "data" / "meta.json").write_text(""), {}, "meta.json cannot be read"),
        (lambda work: (work / "run.json").write_text("{"), {}, "run.json cannot be read"),
        (lambda work: (work / "run.json").write_text("[1]"), {}, "run.json .*holds a list, and a"),
        (lambda work: (work / "data/meta.json").write_text("[]"), {}, "meta.json .*holds a list"),
        (lambda work: (work / "run.json").unlink(), {}, "and no run.json"),
        (
            lambda work: shutil.copytree("other/data", work / "data", dirs_exist_ok=True),
            {"corpus": None},
            "begun with another data: ",
        ),
    ],
)
def test_another_text_or_a_damaged_one_is_refused(change, options, sentence, here):
    train(prose(here / "run"), stop_after=10, save_every=5)
    prose(here / "other", "sea")
    change(here / "run")
    with pytest.raises(TrainingError, match=sentence) as caught:
        train(prose(here / "run", **options))
    assert "\n" not in str(caught.value)


def test_the_same_text_goes_on_wherever_it_lies(here):
    train(prose(here / "run"), stop_after=10, save_every=5)
    (here / "fog").rename("mist")
    with pytest.raises(TrainingError, match="must be a folder"):
        prose(here / "run", "fog")
    for corpus in ("mist", None):
        log = train(prose(here / "run", corpus))
    assert log[-1]["step"] == 30


def test_a_full_disk_while_the_text_is_prepared_leaves_nothing(here, monkeypatch):
    from plateaus.data import corpus

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(corpus, "json", SimpleNamespace(dumps=full))  # of the last file, metadata
        with pytest.raises(TrainingError, match=r"data could not be written \(.*No space left"):
            prose(here / "run")
    assert [p.name for p in (here / "run").iterdir()] == ["run.json"]
    train(prose(here / "run"))


def test_an_unfinished_run_is_not_exported(here):
    begun = prose(here / "run")
    train(begun, stop_after=10, save_every=5)
    with pytest.raises(TrainingError, match="has no finished run"):
        export(prose(here / "run"), here / "model")
    assert not (here / "model").exists()


def test_a_loss_that_the_last_step_makes_infinite_is_said_and_nothing_exported(here, capsys):
    assert main(command("lm", "run", "tokens=32", "learning_rate=1e30")) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "no longer finite at step 1" in said and "step 0 is" in said
    assert not (here / "run/model").exists() and not (here / "run/checkpoints/step-1").exists()


@pytest.mark.parametrize("kind", SIZES)
def test_a_damaged_state_is_refused_before_anything_is_written_or_read(kind, here, capsys):
    (here / "run").mkdir()
    (here / "run/run.json").write_text("{}")
    (here / "run/state.pt").write_bytes(b"damaged")
    (here / "shapes.npz").unlink()
    before = {p: p.lstat().st_mtime_ns for p in here.rglob("*")}
    unread = ["model=nowhere"] if kind == "dictionary" else []
    assert main(command(kind, "run", *unread)) == 2
    said = capsys.readouterr().err.strip()
    assert "run/state.pt cannot be read" in said and "\n" not in said
    assert {p: p.lstat().st_mtime_ns for p in here.rglob("*")} == before


def test_settings_that_were_refused_do_not_bind_the_folder(here, capsys):
    """What comes to light only with the data may be mended with the next command."""
    assert main(command("vision", "run", "batch=500")) == 2
    assert main(command("vision", "run", "batch=12")) == 0
