"""Dictionaries on activations whose features are known, in files and in training; wrong twins."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from plateaus.data import sources
from plateaus.errors import BadParameter, CorruptModel, UnknownModel, UnsupportedModel
from plateaus.networks import dictionary_files as dictionaries
from plateaus.networks.dictionary import Dictionary
from plateaus.networks.dictionary_files import CONFIG, WEIGHTS
from plateaus.training import dictionary as training
from plateaus.training.dictionary import text
from plateaus.training.dictionary.run import DictionaryRun
from plateaus.training.dictionary.settings import DictionarySettings
from plateaus.training.dictionary.text import Activations
from plateaus.training.loop import train

D, F = 6, 9


@pytest.fixture
def folder(tmp_path):
    """A tiny published dictionary: ReLU, b_dec taken off first."""
    generator = torch.Generator().manual_seed(0)
    shapes = {"W_enc": (D, F), "b_enc": (F,), "W_dec": (F, D), "b_dec": (D,)}
    weights = {name: torch.randn(*s, generator=generator) for name, s in shapes.items()}
    save_file(weights, tmp_path / WEIGHTS)
    config = {"architecture": "standard", "hook_name": "blocks.1.hook_resid_pre", "d_in": D}
    (tmp_path / CONFIG).write_text(json.dumps(config))
    return tmp_path


def settings(folder, **changes):
    found = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(found | changes))


def test_a_published_folder_is_read_as_its_format_says(folder):
    x = torch.randn(4, D, generator=torch.Generator().manual_seed(1))
    found, w = dictionaries.load(folder, like=x), load_file(folder / WEIGHTS)
    z = torch.relu((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    torch.testing.assert_close(found.encode(x), z)
    torch.testing.assert_close(found.decode(z), z @ w["W_dec"] + w["b_dec"])
    assert found.block == 1 and found.features == F and len(found.provenance["sha256"]) == 64
    settings(folder, apply_b_dec_to_input=False)
    unshifted = dictionaries.load(folder, like=x).encode(x)
    torch.testing.assert_close(unshifted, torch.relu(x @ w["W_enc"] + w["b_enc"]))
    assert not torch.allclose(unshifted, z)


def test_the_k_largest_are_kept_and_no_other(folder):
    x = torch.randn(20, D, generator=torch.Generator().manual_seed(1))
    every = dictionaries.load(folder, like=x).encode(x)
    settings(folder, architecture="topk", activation_fn_kwargs={"k": 2})
    few = dictionaries.load(folder, like=x).encode(x)
    assert (few > 0).sum(-1).max() == 2 < (every > 0).sum(-1).max()
    torch.testing.assert_close(few.amax(-1), every.amax(-1))


def test_a_dictionary_of_a_centred_stream_does_not_see_the_mean(folder):
    x = torch.randn(4, D, generator=torch.Generator().manual_seed(1))
    plain = dictionaries.load(folder, like=x)
    settings(folder, model_from_pretrained_kwargs={"center_writing_weights": True})
    centred = dictionaries.load(folder, like=x)
    torch.testing.assert_close(centred.encode(x + 3), centred.encode(x))
    assert not torch.allclose(plain.encode(x + 3), plain.encode(x))


def test_what_cannot_be_read_is_refused_in_one_sentence(folder, tmp_path):
    x = torch.zeros(1, D)
    with pytest.raises(UnknownModel, match="No dictionary"):
        dictionaries.load(tmp_path / "none", like=x)
    with pytest.raises(UnsupportedModel, match=rf"in R\^{D}, and those of this model"):
        dictionaries.load(folder, like=torch.zeros(1, D + 1))
    settings(folder, architecture="gated")
    with pytest.raises(UnsupportedModel, match="standard, topk"):
        dictionaries.load(folder, like=x)
    settings(folder, architecture="topk", k=0)
    with pytest.raises(CorruptModel, match="k = 0"):
        dictionaries.load(folder, like=x)
    save_file({"W_enc": torch.zeros(D, F)}, folder / WEIGHTS)
    with pytest.raises(CorruptModel, match="has no b_enc"):
        dictionaries.load(folder, like=x)
    (folder / WEIGHTS).write_bytes(b"half")
    with pytest.raises(CorruptModel, match="cannot be read"):
        dictionaries.load(folder, like=x)
    (folder / CONFIG).write_text("[]")
    with pytest.raises(CorruptModel, match="holds a list"):
        dictionaries.load(folder, like=x)


def of_features(count, *, seed):
    """Sums of two of ten fixed directions, off the origin."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(10, 16, generator=torch.Generator().manual_seed(7))
    which = torch.rand(count, 10, generator=generator).topk(2, dim=-1).indices
    z = torch.zeros(count, 10).scatter(-1, which, 1 + torch.rand(count, 2, generator=generator))
    return z @ features + 5


def learnt(x, held_out):
    s = DictionarySettings(features=20, active=2, activations=1500 * 256, batch=256, threads=1)
    run = DictionaryRun(s, Activations("known", "made", x, held_out))
    train(run)
    return run


def test_training_finds_sparse_features_and_not_those_of_noise(tmp_path):
    run = learnt(of_features(4000, seed=0), held_out := of_features(500, seed=1))
    quality = run.quality(0, 1500)
    assert quality["explained_variance"] > 0.9 and quality["active"] <= 2
    found = run.found
    assert torch.allclose(found.W_dec.norm(dim=-1), torch.ones(20), atol=1e-5)
    noise = torch.randn(4500, 16, generator=torch.Generator().manual_seed(2))
    other = learnt(noise[500:], noise[:500]).measure()["explained_variance"]
    assert other < 0.6, "two features cannot explain what has none"
    dictionaries.save(found, tmp_path, "known")
    again = dictionaries.load(tmp_path, like=held_out)
    torch.testing.assert_close(again.encode(held_out), found.encode(held_out), rtol=0.02, atol=0.02)
    assert again.k == 2 and again.block == 1


def test_more_active_features_than_features_are_refused():
    with pytest.raises(BadParameter, match="17 of 16 features cannot be active"):
        DictionarySettings(features=16, active=17)


def test_activations_enter_the_block_that_is_asked_for_at_every_position_but_the_first(gpt2_lm):
    s = DictionarySettings(windows=20, tokens=5, block=2)
    found = text.activations(gpt2_lm, s)
    windows = sources.windows(gpt2_lm, 5, source="samples", seed=text.STREAM + s.seed, most=20)
    ids = torch.stack(list(windows))
    assert (len(found.x), len(found.held_out)) == (4 * (len(ids) - 2), 4 * 2)
    for row, kept in ((ids[0], found.held_out[:4]), (ids[2], found.x[:4])):
        streams = [gpt2_lm.clean_run(row[None, :length])[0][2] for length in range(2, 6)]
        torch.testing.assert_close(torch.cat(streams), kept, rtol=1e-4, atol=1e-5)


def test_explained_variance_is_zero_for_the_mean_alone():
    x = of_features(500, seed=0)
    parts = {"W_enc": torch.zeros(16, 3), "b_enc": torch.zeros(3), "W_dec": torch.zeros(3, 16)}
    assert abs(Dictionary(**parts, b_dec=x.mean(0)).explained(x)) < 1e-5


def test_a_model_of_the_book_brings_its_dictionary_and_another_block_is_refused(gpt2_lm, folder):
    shipped = {name: dictionaries.shipped(name) for name in ("prose-12l", "laboratory-12l", "none")}
    assert shipped["prose-12l"] and shipped["laboratory-12l"] and shipped["none"] is None
    settings(folder, hook_name="blocks.2.hook_resid_pre", d_in=gpt2_lm.d)
    weights = load_file(folder / WEIGHTS)
    wide = gpt2_lm.d
    weights |= {"W_enc": torch.zeros(wide, F), "W_dec": torch.zeros(F, wide)}
    save_file(weights | {"b_dec": torch.zeros(wide)}, folder / WEIGHTS)
    with pytest.raises(UnsupportedModel, match="enters block 2"):
        training.of(gpt2_lm, str(folder))
