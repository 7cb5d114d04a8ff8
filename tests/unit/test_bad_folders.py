"""Folders of vision models and of toy networks, and options of ``load``, that are not as they
should be: each is refused in one sentence; nothing is filled in, left out or computed without end.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import plateaus as pl
from plateaus.errors import BadParameter, CorruptModel
from plateaus.networks import embedded

CONFIG, IMAGES, RECORD = "config.json", "preprocessor_config.json", "training.json"
WEIGHTS = {"vision-digits": "model.safetensors", "spiral": "seed-0/step-0.safetensors"}


def setting(file, **values):
    def apply(folder: Path) -> None:
        found = json.loads((folder / file).read_text())
        place = found["settings"] if file == RECORD else found
        place.update(values)
        (folder / file).write_text(json.dumps(found))

    return apply


def tensors(change):
    """``change`` edits the dictionary of the model's tensors in place."""

    def apply(folder: Path) -> None:
        file = folder / WEIGHTS[folder.name]
        found = load_file(file)
        change(found)
        save_file(found, file, metadata={"format": "pt"})

    return apply


def cast(name, dtype):
    return tensors(lambda w: w.__setitem__(name, w[name].to(dtype)))


LAST = "classifier.1.weight"
BAD = {
    "vision-digits": {
        # what is wrong: what is said
        "a negative size": (setting(CONFIG, image_size=-4), "would take images of"),
        "a size in a list": (setting(CONFIG, image_size=[32]), "would take images of"),
        "a size by name": (setting(CONFIG, image_size="x"), "would take images of"),
        "a size without bound": (setting(CONFIG, image_size=10**6), "from 1 to 4096"),
        "sides by name": (setting(IMAGES, size={"height": "x", "width": 3}), "would take images"),
        "a negative side": (setting(IMAGES, size={"height": -3, "width": 3}), "would take images"),
        "means of three": (setting(IMAGES, image_mean=[0.5] * 3), "for each of 1 channels"),
        "a mean by name": (setting(IMAGES, image_mean=["x"]), "has the image_mean ['x']"),
        "a mean of NaN": (setting(IMAGES, image_mean=[math.nan]), "has the image_mean"),
        "no deviation": (setting(IMAGES, image_std=[0.0]), "has the image_std"),
        "a negative deviation": (setting(IMAGES, image_std=[-1.0]), "above 0 for image_std"),
        "a deviation of NaN": (setting(IMAGES, image_std=[math.nan]), "has the image_std"),
        "deviations of three": (setting(IMAGES, image_std=[0.2] * 3), "has the image_std"),
        "labels without bound": (setting(CONFIG, num_labels=10**8), "num_labels = 100000000"),
        "complex weights": (cast(LAST, torch.complex64), f"hold {LAST} as C64, which are no real"),
        "codes for weights": (cast(LAST, torch.int8), f"hold {LAST} as I8"),
        "truths for weights": (cast(LAST, torch.bool), f"hold {LAST} as BOOL"),
        "settings without end": (
            lambda f: (f / CONFIG).write_text("[" * 99_999),
            "could not be read",
        ),
    },
    "spiral": {
        "blocks without bound": (setting(RECORD, blocks=10**7), "names 10000000 blocks, and 20"),
        "a block fewer": (setting(RECORD, blocks=19), "names 19 blocks, and 20 are stored"),
        "blocks below zero": (setting(RECORD, blocks=-20), "names -20 blocks"),
        "blocks by name": (setting(RECORD, blocks="20"), "names '20' blocks"),
        "tied without bound": (setting(RECORD, architecture="tied", blocks=10**7), "10000000"),
        "architectures": (setting(RECORD, architecture=["residual"]), "could not be read"),
    },
}
OPTIONS = {
    "a state dict at a checkpoint": ("x.th", {"checkpoint": "step-0"}, "without checkpoint"),
    "a state dict on many devices": ("x.th", {"device_map": "auto"}, "without device_map"),
    "toys of a size": ("spiral", {"size": 2}, "toy networks is read without size"),
    "toys on many devices": ("spiral", {"device_map": "auto"}, "without device_map"),
    "words of a size": ("laboratory-3l", {"size": 7}, "language model is read without size"),
    "images on many devices": ("vision-digits", {"device_map": "auto"}, "without device_map"),
    "two places": ("spiral", {"checkpoint": "a", "revision": "b"}, "give one of the two"),
    "eight bits": ("spiral", {"dtype": torch.float8_e4m3fn}, "or torch.float16"),
    "complex": ("laboratory-3l", {"dtype": torch.complex64}, "or torch.float16"),
}
SIZES = (-3, 0, "x", 10**6, [32], 2.5, True)


@pytest.fixture
def copy(tmp_path):
    """A shipped model as somebody's own, whose manifest nobody compares."""

    def made(name: str) -> Path:
        folder = Path(shutil.copytree(embedded.models_folder() / name, tmp_path / name))
        (folder / embedded.CHECKSUMS).unlink()
        return folder

    return made


def one_sentence(refused) -> str:
    said = str(refused.value)
    assert "\n" not in said and said.endswith(".") and 30 < len(said) < 600, said
    return said


@pytest.mark.parametrize("name, kind", [(name, kind) for name in BAD for kind in BAD[name]])
def test_a_bad_folder_is_refused_in_one_sentence(name, kind, copy):
    spoil, sentence = BAD[name][kind]
    folder = copy(name)
    spoil(folder)
    at = {"checkpoint": "seed-0/step-0"} if name == "spiral" else {}
    with pytest.raises(CorruptModel) as refused:
        pl.load(folder, device="cpu", **at)
    assert sentence in one_sentence(refused)


@pytest.mark.parametrize("name", BAD)
def test_the_folders_that_are_made_worse_are_good(name, copy):
    assert pl.load(copy(name), device="cpu").dims


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_option_that_would_change_nothing_is_refused(kind):
    name, options, sentence = OPTIONS[kind]
    with pytest.raises(BadParameter) as refused:
        pl.load(name, device=options.pop("device", "cpu"), **options)
    assert sentence in one_sentence(refused)


@pytest.mark.parametrize("size", SIZES, ids=repr)
def test_a_size_is_a_number_of_pixels(size):
    with pytest.raises(BadParameter) as refused:
        pl.load("vision-digits", device="cpu", size=size)
    assert re.search("would take images of", one_sentence(refused))


def test_a_tokeniser_that_panics_is_unreadable(gpt2_folder, tmp_path):
    folder = Path(shutil.copytree(gpt2_folder, tmp_path / "copy"))
    found = json.loads((folder / "tokenizer.json").read_text())
    found["post_processor"] = {
        "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "zz", "type_id": 0}}],
        "pair": [], "special_tokens": {},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(found))
    with pytest.raises(CorruptModel, match="tokeniser .* could not be read") as refused:
        pl.load(folder, device="cpu")
    one_sentence(refused)
