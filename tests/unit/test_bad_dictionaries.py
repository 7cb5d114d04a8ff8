"""Dictionaries that are not whole, or not of what is asked: each refused in one sentence."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from plateaus.errors import (
    CorruptModel,
    PlateauError,
    UnknownModel,
    UnsupportedModel,
)
from plateaus.networks import dictionary_files as dictionaries
from plateaus.networks import embedded
from plateaus.networks.dictionary_files import CONFIG, WEIGHTS

D, F = 6, 9
SETTINGS = {"architecture": "topk", "k": 3, "hook_name": "blocks.1.hook_resid_pre", "d_in": D}


def setting(**values):
    """A mutation of the settings; without what is None."""

    def apply(folder: Path) -> None:
        found = json.loads((folder / CONFIG).read_text()) | values
        (folder / CONFIG).write_text(json.dumps({k: v for k, v in found.items() if v is not None}))

    return apply


def tensors(**values):
    """A mutation of the weights, each a function of the whole one."""

    def apply(folder: Path) -> None:
        found = load_file(folder / WEIGHTS)
        ones = torch.ones(1)
        save_file({**found, **{k: f(found.get(k, ones)) for k, f in values.items()}},
                  folder / WEIGHTS)  # fmt: skip

    return apply


def written(file, content):
    return lambda folder: (folder / file).write_bytes(content)


ONCE = {"center_writing_weights": "no"}
BAD = {
    "no settings": (lambda f: (f / CONFIG).unlink(), UnknownModel, "No dictionary"),
    "settings empty": (written(CONFIG, b""), CorruptModel, "could not be read"),
    "settings a list": (written(CONFIG, b"[]"), CorruptModel, "holds a list"),
    "settings not text": (written(CONFIG, b"\xff\x00"), CorruptModel, "could not be read"),
    "settings without end": (written(CONFIG, b"[" * 99_999), CorruptModel, "could not be read"),
    "another architecture": (setting(architecture="jumprelu"), UnsupportedModel, "jumprelu"),
    "architectures": (setting(architecture=["topk"]), UnsupportedModel, "standard, topk"),
    "normalised": (setting(normalize_activations="layer_norm"), UnsupportedModel, "layer_norm"),
    "no k": (setting(k=None), CorruptModel, "gives k = None"),
    "k true": (setting(k=True), CorruptModel, "gives k = True"),
    "k too large": (setting(k=F + 1), CorruptModel, "from 1 to 9"),
    "k in a list": (setting(k=None, activation_fn_kwargs=[3]), CorruptModel, "gives k"),
    "no block": (setting(hook_name="blocks"), UnsupportedModel, "at 'blocks'"),
    "a block by name": (setting(hook_name="blocks.x.hook_resid_pre"), UnsupportedModel, "stream"),
    "a block below zero": (setting(hook_name="blocks.-1.hook_resid_pre"), UnsupportedModel, "-1"),
    "of a sublayer": (setting(hook_name="blocks.1.hook_mlp_out"), UnsupportedModel, "hook_mlp_out"),
    "a number for a place": (setting(hook_name=5), UnsupportedModel, "at 5"),
    "shifted by a word": (setting(apply_b_dec_to_input="false"), CorruptModel, "true or false"),
    "centred by a word": (setting(model_from_pretrained_kwargs=ONCE), CorruptModel, "= 'no'"),
    "options a word": (setting(model_from_pretrained_kwargs="x"), CorruptModel, "true or false"),
    "another width": (setting(d_in=D + 1), CorruptModel, "gives d_in = 7, and its weights 6"),
    "more features": (setting(d_sae=F + 1), CorruptModel, "gives d_sae = 10, and its weights 9"),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), CorruptModel, "cannot be read"),
    "weights empty": (written(WEIGHTS, b""), CorruptModel, "cannot be read"),
    "weights a folder": (
        lambda f: ((f / WEIGHTS).unlink(), (f / WEIGHTS).mkdir()), CorruptModel, "cannot be read",
    ),
    "weights flat": (tensors(W_enc=lambda w: w.flatten()), CorruptModel, "W_enc of .* the shape"),
    "weights a number": (tensors(W_enc=lambda w: w[0, 0]), CorruptModel, "W_enc of .* the shape"),
    "weights a cube": (tensors(W_enc=lambda w: w[None]), CorruptModel, "W_enc of .* the shape"),
    "weights turned": (tensors(W_enc=lambda w: w.T.contiguous()), CorruptModel, "the shape"),
    "no features": (
        tensors(W_enc=lambda w: w[:, :0].clone(), W_dec=lambda w: w[:0], b_enc=lambda w: w[:0]),
        CorruptModel, "nothing can be read",
    ),
    "NaN": (tensors(W_dec=lambda w: w * torch.nan), CorruptModel, "W_dec of .* NaN"),
    "infinite": (tensors(b_dec=lambda w: w + torch.inf), CorruptModel, "b_dec of .* NaN"),
    "beyond single precision": (
        tensors(b_enc=lambda w: w.double() + 1e300), CorruptModel, "b_enc of .* infinite",
    ),
    "whole numbers": (tensors(W_enc=lambda w: w.to(torch.int8)), CorruptModel, "torch.int8"),
    "complex": (tensors(W_enc=lambda w: w + 0j), CorruptModel, "torch.complex64"),
    "a threshold": (tensors(threshold=lambda w: w), UnsupportedModel, "holds threshold"),
    "rescaled": (tensors(scaling_factor=lambda w: 2 * w), UnsupportedModel, "scaling_factor"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    generator = torch.Generator().manual_seed(0)
    shapes = {"W_enc": (D, F), "b_enc": (F,), "W_dec": (F, D), "b_dec": (D,)}
    where = tmp_path / "good"
    where.mkdir()
    save_file({n: torch.randn(*s, generator=generator) for n, s in shapes.items()}, where / WEIGHTS)
    (where / CONFIG).write_text(json.dumps(SETTINGS))
    return where


def one_sentence(error) -> str:
    said = str(error.value)
    assert "\n" not in said and said.endswith(".") and 40 < len(said) < 400, said
    return said


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_folder_is_refused_in_one_sentence(kind, folder):
    dictionaries.load(folder, like=torch.zeros(1, D))
    spoil, error, sentence = BAD[kind]
    spoil(folder)
    with pytest.raises(error) as refused:
        dictionaries.load(folder, like=torch.zeros(1, D))
    assert re.search(sentence, one_sentence(refused)), refused.value


@pytest.mark.parametrize("name", [None, 5, "", "a\0b", "x" * 5000, "~nobody"])
def test_what_is_no_folder_is_refused(name):
    with pytest.raises(UnknownModel, match="No dictionary") as refused:
        dictionaries.load(name, like=torch.zeros(1, D))
    one_sentence(refused)


@pytest.mark.parametrize(
    "good, found",
    [
        (setting(hook_name="blocks.1.hook_resid_post"), {"block": 2}),
        (setting(hook_name=None), {"block": None}),
        (setting(apply_b_dec_to_input=False), {"shifted": False}),
        (tensors(scaling_factor=lambda w: w), {"block": 1}),
    ],
    ids=["after a block", "of no recorded place", "not shifted", "a scale of one"],
)
def test_what_belongs_is_taken(good, found, folder):
    good(folder)
    read = dictionaries.load(folder, like=torch.zeros(1, D))
    assert {name: getattr(read, name) for name in found} == found


def test_a_shipped_dictionary_is_the_published_one(tmp_path, monkeypatch):
    """One number altered, or its manifest gone."""
    models = embedded.models_folder()
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(dictionaries, "models_folder", lambda: tmp_path / "models")
    for name in ("prose-12l", "laboratory-12l"):
        copy = tmp_path / "dictionaries" / name
        shutil.copytree(models.parent / "dictionaries" / name, copy)
        like = torch.zeros(1, json.loads((copy / CONFIG).read_text())["d_in"])
        whole = dictionaries.load(copy, like=like)
        assert dictionaries.shipped(name) == copy and len(whole.provenance["sha256"]) == 64
        before = (copy / WEIGHTS).read_bytes()
        (copy / WEIGHTS).write_bytes(before[:-2] + b"\0\0")
        with pytest.raises(CorruptModel, match="sae_weights.safetensors is corrupt"):
            dictionaries.load(copy, like=like)
        (copy / WEIGHTS).write_bytes(before)
        (copy / embedded.CHECKSUMS).unlink()
        with pytest.raises(CorruptModel, match="has no sha256sums.txt"):
            dictionaries.load(copy, like=like)


def test_every_error_of_the_table_is_one_a_reader_can_act_on():
    assert all(issubclass(error, PlateauError) for _, error, _ in BAD.values()) and len(BAD) >= 35
