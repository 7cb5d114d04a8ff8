"""Loading: every way a model name can be wrong ends in one sentence; damaged files are named."""

from __future__ import annotations

import hashlib
import shutil

import pytest
import torch

import plateaus as pl
from plateaus.errors import CorruptModel, NoDevice, UnknownModel, UnsupportedModel
from plateaus.networks import embedded, source, weights


@pytest.fixture
def copied(gpt2_folder, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(gpt2_folder, folder)
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n"
        for p in sorted(folder.iterdir())
    ]
    (folder / embedded.CHECKSUMS).write_text("".join(lines))
    return folder


def test_unknown_names_list_what_there_is():
    with pytest.raises(UnknownModel, match='No model "nowhere".*directory.*hub id'):
        pl.load("nowhere")


def test_a_hub_model_without_a_network_says_so(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UnknownModel, match='No model "nobody/nothing-at-all".*The hub said'):
        pl.load("nobody/nothing-at-all")


def test_checksums_are_verified_and_the_damaged_file_named(copied):
    assert pl.load(copied).provenance["sha256"] == embedded.sha256(copied / "model.safetensors")
    weights = copied / "model.safetensors"
    intact = weights.read_bytes()
    flipped = bytearray(intact)
    flipped[len(flipped) // 2] ^= 1
    for damaged in (bytes(flipped), intact[:1000]):
        weights.write_bytes(damaged)
        with pytest.raises(CorruptModel, match="model.safetensors is corrupt"):
            pl.load(copied)
    weights.unlink()
    with pytest.raises(CorruptModel, match="model.safetensors is missing"):
        pl.load(copied)


def test_a_truncated_file_without_checksums_is_named(copied):
    (copied / embedded.CHECKSUMS).unlink()
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CorruptModel, match="copy"):
        pl.load(copied)


def test_a_directory_without_a_config_is_no_model(copied):
    (copied / "config.json").unlink()
    with pytest.raises(CorruptModel, match="no config.json"):
        pl.load(copied)


def test_checkpoints_are_sub_folders(copied):
    with pytest.raises(UnknownModel, match='no checkpoint "step-7": it has none'):
        pl.load(copied, checkpoint="step-7")
    (copied / embedded.CHECKSUMS).unlink()
    shutil.copytree(copied, copied / "checkpoints" / "step-7")
    for lm in (pl.load(copied, checkpoint="step-7"), pl.load(f"{copied}@step-7")):
        assert lm.name == "copy@step-7" and lm.ids("w3").tolist() == [3]
    for file in (copied / "checkpoints" / "step-7").glob("*token*"):
        file.unlink()
    by_path = pl.load(copied / "checkpoints" / "step-7")
    assert by_path.name == "copy@step-7" and by_path.ids("w3").tolist() == [3]
    again = pl.load(copied).checkpoint("step-7")
    assert again.provenance["checkpoint"] == "step-7"


def test_the_untrained_twin_is_fresh_and_repeatable(gpt2_lm):
    key = "transformer.h.0.mlp.c_fc.weight"
    weight = {
        name: _parameter(lm, key)
        for name, lm in {
            "trained": gpt2_lm,
            "0": gpt2_lm.untrained(0),
            "again": gpt2_lm.untrained(0),
            "1": gpt2_lm.untrained(1),
        }.items()
    }
    assert torch.equal(weight["0"], weight["again"])
    assert not torch.equal(weight["0"], weight["1"]) and not torch.equal(
        weight["0"], weight["trained"]
    )


def _parameter(lm, suffix):
    return next(
        p for n, p in lm.bridge.original_model.named_parameters() if "mlp" in n and p.ndim == 2
    )


def test_the_dtype_is_pinned(gpt2_folder):
    assert pl.load(gpt2_folder).dtype == torch.float32
    assert pl.load(gpt2_folder, dtype=torch.float64).dtype == torch.float64


def test_devices():
    assert pl.device("cpu").type == "cpu"
    for absent in (
        "cuda:99",
        "gpu",
        "hpu",
        "meta",
    ):  # a number too high, no device at all, one that needs a plug-in, one without numbers
        with pytest.raises(NoDevice, match="not available"):
            pl.device(absent)


def test_every_embedded_model_matches_its_checksums():
    folder = embedded.models_folder()
    names = embedded.embedded_names()
    assert folder is not None and names, "the book ships models"
    for name in names:
        listed = (folder / name / embedded.CHECKSUMS).read_text().splitlines()
        assert any("model.safetensors" in line for line in listed)
        for line in listed:
            digest, _, file = line.partition("  ")
            assert embedded.sha256(folder / name / file) == digest, f"{name}/{file}"


def test_a_checkpoint_of_a_shipped_model_names_the_model_and_no_folder():
    begun = pl.load("prose-12l", device="cpu").checkpoint("step-0")
    assert begun.provenance["source"] == "prose-12l"


def test_a_hub_id_takes_a_revision_behind_the_sign():
    found = source.find("owner/name@v1")
    assert (found.weights, found.home, found.revision) == (
        "owner/name",
        "owner/name",
        {"revision": "v1"},
    )
    assert source.find("owner/name", "v1") == found
    assert source.find("gpt2").revision == {} and source.find("gpt2").title == "gpt2"


def test_a_hub_model_of_a_known_kind_is_read_by_the_library_s_own_classes(monkeypatch):
    """Code that it brings stays where it is; what is quantised is refused as on disk."""
    import transformers

    described = {"model_type": "falcon", "auto_map": {"AutoConfig": "configuration_falcon.Mine"}}
    asked = {}

    def answer(name, **options):
        asked.update(options, name=name)
        return dict(described), {}

    monkeypatch.setattr(transformers.PretrainedConfig, "get_config_dict", answer)
    assert source.config(source.find("owner/name@v1"))["model_type"] == "falcon"
    assert asked == {"name": "owner/name", "revision": "v1"}
    described["quantization_config"] = {}
    with pytest.raises(UnsupportedModel, match="owner/name are quantised"):
        source.config(source.find("owner/name"))
    del described["model_type"]
    with pytest.raises(CorruptModel, match="model_type"):
        source.config(source.find("owner/name"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_are_held_to_what_they_can_tell_apart(gpt2_folder, dtype):
    lm = pl.load(gpt2_folder, dtype=dtype)
    assert lm.dtype == dtype and lm.side_by_side > 1
    assert lm.provenance["dtype"] == str(dtype).removeprefix("torch.")
    assert lm.untrained(0).dtype == dtype


def test_a_checkpoint_of_a_shipped_model_by_its_name():
    lm = pl.load("prose-12l@step-76")
    assert lm.name == "prose-12l@step-76" and lm.provenance["checkpoint"] == "step-76"
    assert lm.provenance["source"] == "prose-12l" and "step-0" in lm.checkpoints
    sums = (embedded.models_folder() / "prose-12l" / embedded.CHECKSUMS).read_text()
    assert f"{lm.provenance['sha256']}  checkpoints/step-76/model.safetensors" in sums


@pytest.mark.parametrize("asked", [{"device": "map"}, {"device_map": "auto"}])
def test_a_device_map_changes_nothing_but_the_place(gpt2_folder, gpt2_lm, asked, monkeypatch):
    handed, read = [], weights.read

    def watched(kind, source, **options):
        handed.append(options.get("device_map"))
        return read(kind, source, **options)

    monkeypatch.setattr(weights, "read", watched)
    mapped = pl.load(gpt2_folder, **asked)
    assert handed == ["auto"]
    ids = torch.tensor([[3, 4, 5, 6]])
    here, there = (
        lm.at(ids[:, :-1])[1:](lm.at(ids[:, :-1]).states(ids[0, -1:], block=1)).cpu()
        for lm in (gpt2_lm, mapped)
    )
    assert torch.allclose(here, there, atol=1e-5)


def test_networks_that_fit_take_the_same_word_for_the_device():
    assert str(pl.load("spiral", device="map").device) == str(pl.load("spiral").device)


def test_olmo_by_revision_is_a_checkpoint_of_a_directory(save_tiny, tmp_path):
    folder = tmp_path / "tiny-olmo"
    save_tiny("olmo", folder)
    step = folder / "checkpoints" / "step1000-tokens4B"
    save_tiny("olmo", step, scale=0.1)
    for file in step.glob("tokenizer*"):
        file.unlink()  # a checkpoint is read with its model's
    early, late = pl.load(f"{folder}@step1000-tokens4B"), pl.load(str(folder))
    assert early.name == "tiny-olmo@step1000-tokens4B" and late.name == "tiny-olmo"
    ids = torch.tensor([[3, 4, 5]])
    assert not torch.allclose(early.clean_run(ids)[1], late.clean_run(ids)[1], atol=1e-3)
    with pytest.raises(UnknownModel, match="no checkpoint"):
        pl.load(f"{folder}@step2000-tokens8B")
