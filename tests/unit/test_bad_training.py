"""Everything that the command line of training can be given and cannot use ends in one sentence,
exit status 2, with nothing written outside the run's own folder.
"""

from __future__ import annotations

import lzma
import os
import shutil

import numpy as np
import pytest
import torch

from plateaus.cli import main

LM = "lm laboratory"
PROSE = "lm prose --set blocks=1 --set width=8 --set context=8 --set vocabulary=300 --corpus"
VISION = "vision vision-resnet --data npz --set images"
GOOD = "--data npz --set images=good"
SMALL = "--set blocks=1 --set width=4 --set samples=80 --set epochs=1"

SETTINGS = {
    # what is given: what the sentence says
    f"{LM} --set blokcs=3": "'blokcs' is unknown: choose among name",
    f"{LM} --set blocks": "write NAME=VALUE",
    f"{LM} --set =3": "setting '' is unknown",
    f"{LM} --set steps=3": "setting 'steps' is unknown",
    f"{LM} --set unit=words": "setting 'unit' is unknown",
    f"{LM} --set __class__=int": "setting '__class__' is unknown",
    f"{LM} --set blocks=many": "must be a whole number",
    f"{LM} --set blocks=": "must be a whole number",
    f"{LM} --set blocks=2.5": "must be a whole number from 1 to 1000; given: '2.5'.",
    f"{LM} --set blocks=2.5e0": "must be a whole number from 1 to 1000; given: '2.5e0'.",
    f"{LM} --set blocks=1e400": "must be a whole number from 1 to 1000; given: '1e400'.",
    f"{LM} --set blocks=nan": "must be a whole number from 1 to 1000; given: 'nan'.",
    f"{LM} --set blocks=0": "must be a whole number from 1 to 1000; given",
    f"{LM} --set blocks=-3": "must be a whole number from 1 to 1000; given",
    f"{LM} --set blocks=1000000000": "must be a whole number from 1 to 1000; given",
    f"{LM} --set width=100 --set heads=3": "cannot be split over 3 heads",
    f"{LM} --set width=1000000000": "to 65536; given",
    f"{LM} --set blocks=1000 --set width=65536": "have about 5e+13 parameters: choose fewer",
    f"{LM} --set context=0": "must be a whole number",
    f"{LM} --set vocabulary=70000": "to 65536; given",
    f"{LM} --set vocabulary=10": "from 257 to",
    f"{LM} --set tokens=0": "must be a whole number",
    f"{LM} --set tokens=1{'0' * 40}": "to 1000000000000000; given",
    f"{LM} --set corpus_tokens=1{'0' * 20}": "to 100000000000; given",
    f"{LM} --set seed=12345678901234567890123": "from 0 to 4294967295; given",
    f"{LM} --set seed=-1": "a whole number from 0 to",
    f"{LM} --set seed={'9' * 5000}": "must be a whole number",
    f"{LM} --set seed={'9' * 400}": "from 0 to 4294967295; given",
    f"{LM} --set learning_rate=nan": "learning_rate must be a number above 0; given: nan",
    f"{LM} --set learning_rate=inf": "learning_rate must be a number above 0; given: inf",
    f"{LM} --set learning_rate=0": "learning_rate must be a number above 0; given: 0.0",
    f"{LM} --set learning_rate=-1e-3": "learning_rate must be a number above 0; given: -0.001",
    f"{LM} --set learning_rate=fast": "learning_rate must be a number above 0",
    f"{LM} --set warmup=1.5": "a number from 0 to 1; given",
    f"{LM} --set final_rate=-0.1": "a number from 0 to 1; given",
    f"{LM} --set spacing=1": "a number from 1.01 to 1000",
    f"{LM} --set spacing=1e300": "a number from 1.01 to 1000",
    f"{LM} --set checkpoints=-1": "a whole number from 0 to",
    f"{LM} --set checkpoints=100000": "a whole number from 0 to 100;",
    f"{LM} --set threads=0": "must be a whole number",
    f"{LM} --set stop=-5": "a whole number from 0 to",
    f"{LM} --set activation=nosuch": "one of 'gelu_new', 'gelu', 'relu', 'silu', 'tanh'; given",
    f"{LM} --set architecture=rnn": "one of 'gpt2', 'llama'",
    f"{LM} --set language=klingon": "one of 'laboratory', 'prose'",
    f"{LM} --set optimiser=sgd": "one of 'muon', 'adamw'",
    f"{LM} --set compile=maybe": "one of 'auto', 'yes', 'no'",
    "dictionary --set device=cpu --set model=spiral": "Prompts are made for a language model",
    "dictionary --set model=laboratory-3l --set block=99": "from 1 to 2 (laboratory-3l has 3 blo",
    f"{LM} --set normalisation=": "one of 'yes', 'no'",
    f"{LM} --set device=nosuch": 'The device "nosuch" is not available',
    f"{LM} --set device=meta": 'The device "meta" is not available',
    f"{LM} --set device=": "device must be a text that is not empty",
    f"{LM} --set device=cpu:7x": 'The device "cpu:7x" is not available',
    "lm novel": "preset 'novel' is unknown: choose one of laboratory",
    "lm": "preset",
    "lm prose-llama --set normalisation=no": "'llama' was given normalisation 'no'",
    "lm prose": "give --corpus",
    f"{LM} --corpus precious": "which is generated, got --corpus precious: leave it out",
    f"{LM} --revision main": "--revision main is that of a hub data set",
    "vision vision-digits --revision main": "--revision main is that of a hub data set",
    f"{LM} --keep -1": "--keep must be a whole number, 0 or more; given: -1",
    f"{LM} --keep many": "--keep",
    f"{LM} --nosuch 1": "--nosuch",
    "nosuch": "nosuch",
    "vision vision-resnet": "give --data",
    "vision contrastive-vit --data npz": "preset 'contrastive-vit' is unknown",
    "contrastive vision-vit --data npz": "preset 'vision-vit' is unknown",
    f"{VISION}=good --set batch=1": "from 2 to",
    f"{VISION}=good --set batch=500": "a batch of 500 does not fit 32 training images",
    f"{VISION}=good --set batch=8 --set examples=4000": "examples was given 4000",
    f"{VISION}=good --set depths=2": "do not name the same number of stages",
    f"{VISION}=good --set depths=2,x": "each a whole number from 1 to 1000",
    f"{VISION}=good --set depths=": "each a whole number from 1 to 1000",
    f"{VISION}=good --set depths=0,1,1,1": "each a whole number from 1 to 1000",
    f"{VISION}=good --set widths=1,1,1,99999999": "each a whole number from 1 to 16384",
    f"{VISION}=good --set shift=-1": "a whole number from 0 to",
    f"{VISION}=good --set batch=8 --set shift=16": "out of sight: give a smaller shift",
    f"{VISION}=good --set precision=half": "one of 'float32', 'bfloat16'",
    f"{VISION}=good --set labels=wrong": "one of 'true', 'shuffled'",
    f"{VISION}=../npz/good": "must be a plain name",
    f"{VISION}=good --set device=nosuch": 'The device "nosuch" is not available',
    f"vision vision-vit {GOOD} --set batch=8 --set patch=3": "cut into patches of 3",
    f"vision vision-vit {GOOD} --set heads=3": "split over 3 heads",
    "vision vision-vit --data npz --set depths=2,2": "give one number each",
    "contrastive contrastive-vit --data npz --set crop=2": "a number from 0.01 to 1",
    "contrastive contrastive-vit --data npz --set temperature=0": "a number above 0",
    "toy --set task=ring": "one of 'spiral', 'wave'",
    "toy --set architecture=resnet": "one of 'residual'",
    "toy --set classes=1": "from 2 to",
    "toy --set noise=2": "a number, 0 or more",
    "toy --set samples=10": "A batch of 64 does not fit 10 samples",
    "toy --set samples=1000000000000": "to 100000000;",
    "toy --set rate=1e30": "a number above 0 and below 1; given: 1e+30",
    "toy --set networks=0": "must be a whole number",
    "toy --set seed=12345678901234567890123": "from 0 to 4294967295; given",
    "toy --set device=nosuch": 'The device "nosuch" is not available',
    "toy --keep -2": "--keep must be a whole number, 0 or more",
}
FOLDERS = {
    f"toy {SMALL} --work letter": "--work letter is a file",
    f"toy {SMALL} --work letter/within": "lies under letter, which is a file",
    f"toy {SMALL} --work precious": "holds notes.txt and no run.json",
    f"toy {SMALL} --work .": "and no run.json: it is not the folder of a run",
    f"toy {SMALL} --work /dev/null": "--work /dev/null is a file",
    f"toy {SMALL} --work loop": "loop names no folder (Symlink loop",
    f"toy {SMALL} --export loop": "loop names no folder (Symlink loop",
    f"toy {SMALL} --work a\0b": "names no folder (embedded null byte)",
    f"toy {SMALL} --work {'x' * 300}": "is no folder that can be made (File name too long)",
    f"{LM} --work letter": "--work letter is a file",
    f"{LM} --work precious": "holds notes.txt and no run.json",
    f"{VISION}=good --set batch=8 --work precious": "holds notes.txt and no run.json",
    f"{VISION}=good --set batch=8 --export letter": "--export letter is a file",
}
DATA = {
    f"{PROSE} nowhere": "corpus 'nowhere' must be a folder",
    f"{PROSE} letter": "corpus 'letter' must be a folder",
    f"{PROSE} precious": "found 1 files, 0 of them named val*",
    f"{PROSE} texts/latin": "a.txt could not be read ('utf-8' codec can't decode byte",
    f"{PROSE} texts/latin_val": "val.txt could not be read ('utf-8' codec can't decode byte",
    f"{PROSE} texts/empty": "holds no text for train",
    f"{PROSE} texts/empty_val": "holds no text for val",
    f"{PROSE} texts/cut": "a.txt.xz could not be read (Compressed file ended",
    f"{PROSE} texts/no_xz": "a.txt.xz could not be read (Input format not supported",
    f"{PROSE} texts/folder": "found 1 files, 1 of them named val*",
    f"{PROSE} texts/short": "fewer than one window of 9: give more text",
    f"{VISION}=nothing": "has no nothing.npz: choose images=bare or",
    f"{VISION}=odd": "has no array Xtrain",
    f"{VISION}=none": "has no array Xtrain (it has none)",
    f"{VISION}=bare": "could not be read as images",
    f"{VISION}=cut": "could not be read as images",
    f"{VISION}=text": "could not be read as images",
    f"{VISION}=objects": "could not be read as images",
    f"{VISION}=floats": "images are uint8",
    f"{VISION}=flat": "images are uint8",
    f"{VISION}=number": "images are uint8",
    f"{VISION}=oblong": "images are uint8",
    f"{VISION}=no_images": "at least one",
    f"{VISION}=fewer_labels": "one for each image",
    f"{VISION}=negative": "labels are whole numbers from 0",
    f"{VISION}=halves": "labels are whole numbers from 0",
    f"{VISION}=billion": "has labels up to 1000000000 for 32 training images",
    f"{VISION}=huge": "has labels up to 18446744073709551615",
    f"{VISION}=one_class": "the same classes, at least 2",
    f"{VISION}=other_sizes": "both must have one shape",
    f"{VISION}=new_class": "the same classes",
    "vision vision-resnet --data nowhere": "could not be read as images",
    "vision vision-resnet --data letter": "could not be read as images",
    "vision vision-resnet --data hub:nobody/nothing": "the hub data set 'nobody/nothing'",
    "lm prose --corpus hub:nobody/nothing": "the hub data set 'nobody/nothing'",
    "lm prose --corpus hub:": "the hub data set ''",
    "vision vision-resnet --data hub:": "the hub data set ''",
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """Corpora and images of every unusable kind, beside things that must not be touched."""
    where = tmp_path_factory.mktemp("bad")
    (where / "precious").mkdir()
    (where / "precious" / "notes.txt").write_text("years of work")
    (where / "letter").write_text("a file")
    (where / "loop").symlink_to("loop")
    good, latin = "The fog came in on little cat feet.\n" * 40, "na\xefve".encode("latin-1")
    xz = lzma.compress(good.encode())
    for name, train, held_out in (
        ("latin", {"a.txt": latin}, good.encode()),
        ("latin_val", {"a.txt": good.encode()}, latin),
        ("empty", {"a.txt": b""}, good.encode()),
        ("empty_val", {"a.txt": good.encode()}, b""),
        ("cut", {"a.txt.xz": xz[: len(xz) // 2]}, good.encode()),
        ("no_xz", {"a.txt.xz": good.encode()}, good.encode()),
        ("folder", {}, good.encode()),
        ("short", {"a.txt": b"Fog."}, good.encode()),
    ):
        folder = where / "texts" / name
        folder.mkdir(parents=True)
        for file, content in {**train, "val.txt": held_out}.items():
            (folder / file).write_bytes(content)
    (where / "texts" / "folder" / "a.txt").mkdir()

    (where / "npz").mkdir()
    x, y = np.zeros((40, 16, 16), np.uint8), np.arange(40) % 2
    halves = {"Xtrain": x[:20], "Ytrain": y[:20], "Xtest": x[20:], "Ytest": y[20:]}
    for name, arrays in {
        "good": {"X": x, "Y": y},
        "odd": {"pictures": x},
        "none": {},
        "objects": {"X": np.array([{}] * 40), "Y": y},
        "floats": {"X": x / 255, "Y": y},
        "flat": {"X": x.reshape(40, 256), "Y": y},
        "number": {"X": np.uint8(3), "Y": y},
        "oblong": {"X": x[:, :8], "Y": y},
        "no_images": {"X": x[:0], "Y": y[:0]},
        "fewer_labels": {"X": x, "Y": y[:10]},
        "negative": {"X": x, "Y": y - 1},
        "halves": {"X": x, "Y": y / 2},
        "billion": {"X": x, "Y": y * 10**9},
        "huge": {"X": x, "Y": np.where(y, np.uint64(2**64 - 1), np.uint64(0))},
        "one_class": {"X": x, "Y": y * 0},
        "other_sizes": {**halves, "Xtest": x[20:, :8, :8]},
        "new_class": {**halves, "Ytest": y[20:] + 5},
    }.items():
        np.savez(where / "npz" / f"{name}.npz", **arrays)
    np.save(where / "npz" / "bare.npy", x)
    (where / "npz" / "bare.npy").rename(where / "npz" / "bare.npz")
    (where / "npz" / "cut.npz").write_bytes((where / "npz" / "good.npz").read_bytes()[:300])
    (where / "npz" / "text.npz").write_text("no archive")
    return where


@pytest.mark.parametrize("given", [*SETTINGS, *FOLDERS, *DATA])
def test_one_sentence_and_nothing_written_elsewhere(given, bad, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    here = shutil.copytree(bad, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(here)
    before = {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*") if p != here}
    try:
        status = main(["train", *given.split(" ")])
    except SystemExit as ended:  # argparse's own refusals
        status = ended.code
    said = capsys.readouterr().err.strip()
    assert status == 2
    sentence = {**SETTINGS, **FOLDERS, **DATA}[given]
    last = said.splitlines()[-1]
    assert sentence in last, said
    assert "Traceback" not in said and len(last) < 600
    if not said.startswith("usage: "):  # which argparse puts before its own sentences
        assert said == last
    after = {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*") if p != here}
    elsewhere = {p: t for p, t in after.items() if here / "runs" not in (p, *p.parents)}
    assert elsewhere == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_before_anything_is_written(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for kind in ("lm laboratory", "vision vision-resnet --data .", "toy"):
        assert main(["train", *kind.split(), "--set", "device=cuda"]) == 2
        assert 'The device "cuda" is not available' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o500)
    try:
        assert main(["train", "toy"]) == 2
        assert "is read-only" in capsys.readouterr().err
    finally:
        tmp_path.chmod(0o700)


def test_good_input_is_taken(bad, tmp_path, monkeypatch, capsys):
    """The same commands without their fault do train."""
    monkeypatch.chdir(bad)
    for kind in (
        f"toy {SMALL}",
        f"{VISION}=good --set batch=8 --set samples=16 --set depths=1 --set widths=4",
    ):
        command = [*kind.split(), "--set", "threads=1"] if kind.startswith("vis") else kind.split()
        assert main(["train", *command, "--work", str(tmp_path / kind[:3])]) == 0
        assert (tmp_path / kind[:3] / "model" / "README.md").is_file()
    capsys.readouterr()
