"""Folders that are no whole model: each is refused in one sentence that names what is wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import plateaus as pl
from plateaus.errors import CorruptModel, UnknownModel, UnsupportedModel
from plateaus.networks import embedded

CONFIG, WEIGHTS, TOKENS = "config.json", "model.safetensors", "tokenizer.json"
C_FC = "transformer.h.1.mlp.c_fc.weight"


def edit(file, change):
    """A mutation of one JSON file: ``change`` gets the mapping and returns what is written."""

    def apply(folder: Path) -> None:
        path = folder / file
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return apply


def setting(**values):
    return edit(CONFIG, lambda found: {**found, **values})


def without(*names):
    return edit(CONFIG, lambda found: {k: v for k, v in found.items() if k not in names})


def text(file, content):
    return lambda folder: (folder / file).write_bytes(content)


def removed(*files):
    return lambda folder: [(folder / file).unlink() for file in files]


def tensors(change):
    """A mutation of the weights: ``change`` edits the dictionary of tensors in place."""

    def apply(folder: Path) -> None:
        found = load_file(folder / WEIGHTS)
        change(found)
        save_file(found, folder / WEIGHTS, metadata={"format": "pt"})

    return apply


def put(name, value):
    return tensors(lambda w: w[name].view(-1).__setitem__(3, value))


def cut(file, keep):
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:keep])


def as_folder(file):
    return lambda folder: ((folder / file).unlink(), (folder / file).mkdir())


def another(architecture, **settings):
    """The folder of some other kind of model, as the library saves it."""

    def apply(folder: Path) -> None:
        import transformers

        kind, auto = architecture
        config = getattr(transformers, kind)(**settings)
        model = getattr(transformers, auto)(config)
        (folder / WEIGHTS).unlink()
        model.save_pretrained(folder)

    return apply


def pickled(folder: Path) -> None:
    """Old weights that would run a command when they are unpickled."""

    class Attack:
        def __reduce__(self):
            return (Path.touch, (folder / "ran",))

    (folder / WEIGHTS).unlink()
    torch.save({C_FC: Attack()}, folder / "pytorch_model.bin")


def code(folder: Path) -> None:
    setting(auto_map={"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Mine"})(folder)
    (folder / "mine.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")


def code_for_tokens(folder: Path) -> None:
    described = {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(described))
    (folder / "mine.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")


def code_of_a_new_kind(folder: Path) -> None:
    code(folder)
    setting(model_type="mine")(folder)


def sharded(folder: Path) -> None:
    index = {"metadata": {}, "weight_map": {C_FC: "model-00001-of-00002.safetensors"}}
    (folder / WEIGHTS).rename(folder / "model-00002-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 60}
WIDE = {**SMALL, "intermediate_size": 16}
T5 = {"d_model": 16, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": 60}
UNREAD = "could not be read"
BAD = {
    # What config.json can be instead of a configuration.
    "config empty": (text(CONFIG, b""), CorruptModel, UNREAD),
    "config cut": (cut(CONFIG, 40), CorruptModel, UNREAD),
    "config not text": (text(CONFIG, b"\xff\xfe\x00"), CorruptModel, UNREAD),
    "config a list": (text(CONFIG, b"[]"), CorruptModel, "holds a list"),
    "config a number": (text(CONFIG, b"5"), CorruptModel, "holds a int"),
    "config null": (text(CONFIG, b"null"), CorruptModel, "holds a NoneType"),
    "config a word": (text(CONFIG, b'"gpt2"'), CorruptModel, "holds a str"),
    "config of no kind": (text(CONFIG, b"{}"), CorruptModel, "model_type"),
    "kind a number": (setting(model_type=5), CorruptModel, "model_type"),
    "kind unknown": (setting(model_type="nosuch"), CorruptModel, "nosuch"),
    "config a folder": (as_folder(CONFIG), CorruptModel, "no config.json"),
    "config missing": (removed(CONFIG), CorruptModel, "no config.json"),
    "n_layer a word": (setting(n_layer="three"), CorruptModel, "n_layer"),
    "n_layer negative": (setting(n_layer=-1), CorruptModel, "transformer.h.0"),
    "n_layer zero": (setting(n_layer=0), CorruptModel, "transformer.h.0"),
    "n_layer fewer": (setting(n_layer=2), CorruptModel, "transformer.h.2"),
    "n_layer more": (setting(n_layer=7), CorruptModel, "lack transformer.h.3"),
    "n_head null": (setting(n_head=None), CorruptModel, UNREAD),
    "n_head zero": (setting(n_head=0), CorruptModel, UNREAD),
    "n_head no divisor": (setting(n_head=5), CorruptModel, "divisible"),
    "n_embd other": (setting(n_embd=36), CorruptModel, "of shape"),
    "n_positions other": (setting(n_positions=32), CorruptModel, "wpe.*of shape"),
    "vocabulary other": (setting(vocab_size=100), CorruptModel, "wte.*of shape"),
    "activation unknown": (setting(activation_function="nosuch"), CorruptModel, "nosuch"),
    "untied without a head": (setting(tie_word_embeddings=False), CorruptModel, "lm_head"),
    "another kind": (setting(model_type="gpt_neox"), CorruptModel, "gpt_neox"),
    "quantised": (
        setting(quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True}),
        UnsupportedModel,
        "quantised",
    ),
    "quantised to 4 bits": (
        setting(quantization_config={"quant_method": "gptq", "bits": 4}),
        UnsupportedModel,
        "quantised",
    ),
    # Code of the folder's own.
    "code": (code, UnsupportedModel, "program code"),
    "code for tokens": (code_for_tokens, UnsupportedModel, "program code"),
    "code of a new kind": (code_of_a_new_kind, UnsupportedModel, "program code"),
    # Weights.
    "weights missing": (removed(WEIGHTS), CorruptModel, UNREAD),
    "weights empty": (text(WEIGHTS, b""), CorruptModel, UNREAD),
    "weights cut": (cut(WEIGHTS, 1000), CorruptModel, UNREAD),
    "weights cut at the end": (cut(WEIGHTS, -10), CorruptModel, UNREAD),
    "weights not weights": (text(WEIGHTS, b"hello" * 99), CorruptModel, UNREAD),
    "weights a folder": (as_folder(WEIGHTS), CorruptModel, UNREAD),
    "header too long": (
        text(WEIGHTS, (2**62).to_bytes(8, "little") + b"{}"),
        CorruptModel,
        UNREAD,
    ),
    "no tensors": (tensors(dict.clear), CorruptModel, "lack .* and 40 more"),
    "one tensor missing": (tensors(lambda w: w.pop(C_FC)), CorruptModel, f"lack {C_FC}:"),
    "the embedding missing": (
        tensors(lambda w: (w.pop("transformer.wte.weight"), w.pop("lm_head.weight", None))),
        CorruptModel,
        "lack .*(wte|lm_head)",
    ),
    "the last norm missing": (
        tensors(lambda w: w.pop("transformer.ln_f.bias")),
        CorruptModel,
        "lack transformer.ln_f.bias:",
    ),
    "a surplus tensor": (
        tensors(lambda w: w.__setitem__("extra", torch.zeros(2))),
        CorruptModel,
        "hold extra, which its configuration has no place for",
    ),
    "a misnamed tensor": (
        tensors(lambda w: w.__setitem__("transformer.ln_F.bias", w.pop("transformer.ln_f.bias"))),
        CorruptModel,
        "lack transformer.ln_f.bias",
    ),
    "a transposed tensor": (
        tensors(lambda w: w.__setitem__(C_FC, w[C_FC].T.contiguous())),
        CorruptModel,
        rf"{C_FC} of shape \(128, 32\) instead of \(32, 128\)",
    ),
    "an empty tensor": (
        tensors(lambda w: w.__setitem__(C_FC, torch.zeros(0))),
        CorruptModel,
        "of shape",
    ),
    "NaN": (put(C_FC, torch.nan), CorruptModel, f"hold {C_FC}, with numbers that are NaN"),
    "infinity": (put(C_FC, torch.inf), CorruptModel, "NaN or infinite"),
    "NaN in the embedding": (put("transformer.wpe.weight", torch.nan), CorruptModel, "wpe"),
    "a shard missing": (sharded, CorruptModel, UNREAD),
    "an index of nothing": (
        lambda folder: (
            (folder / WEIGHTS).unlink(),
            (folder / "model.safetensors.index.json").write_text("[]"),
        ),
        CorruptModel,
        UNREAD,
    ),
    "a pickle that attacks": (pickled, CorruptModel, UNREAD),
    # Tokenisers.
    "no tokeniser": (
        removed(TOKENS, "tokenizer_config.json"),
        CorruptModel,
        "holds no tokeniser: add its tokenizer.json",
    ),
    "half a tokeniser": (removed(TOKENS), CorruptModel, "tokeniser"),
    "tokeniser empty": (text(TOKENS, b""), CorruptModel, "tokeniser.*" + UNREAD),
    "tokeniser cut": (cut(TOKENS, 200), CorruptModel, "tokeniser.*" + UNREAD),
    "tokeniser a list": (text(TOKENS, b"[]"), CorruptModel, "tokeniser.*" + UNREAD),
    "tokeniser of no model": (text(TOKENS, b"{}"), CorruptModel, "tokeniser.*" + UNREAD),
    "tokeniser settings cut": (cut("tokenizer_config.json", 20), CorruptModel, UNREAD),
    "tokeniser settings a list": (
        text("tokenizer_config.json", b"[]"),
        CorruptModel,
        "holds a list",
    ),
    # Models of other kinds.
    "BERT": (another(("BertConfig", "BertForMaskedLM"), **WIDE), UnsupportedModel, "BertForMasked"),
    "BERT without a head": (
        another(("BertConfig", "BertModel"), **WIDE),
        UnsupportedModel,
        "BertModel",
    ),
    "RoBERTa": (
        another(("RobertaConfig", "RobertaForMaskedLM"), **WIDE),
        UnsupportedModel,
        "Roberta",
    ),
    "T5": (another(("T5Config", "T5ForConditionalGeneration"), **T5), UnsupportedModel, "T5"),
    "a classifier of text": (
        another(("GPT2Config", "GPT2ForSequenceClassification"), n_embd=16, n_layer=1, n_head=2),
        UnsupportedModel,
        "GPT2ForSequenceClassification",
    ),
    "speech": (
        another(
            ("WhisperConfig", "WhisperForConditionalGeneration"),
            d_model=12,
            encoder_layers=1,
            decoder_layers=1,
        ),
        UnsupportedModel,
        "Whisper",
    ),
}


@pytest.fixture
def folder(gpt2_folder, tmp_path):
    return Path(shutil.copytree(gpt2_folder, tmp_path / "copy"))


def one_sentence(error) -> str:
    said = str(error.value)
    assert "\n" not in said and said.endswith(".") and 40 < len(said) < 600, said
    return said


def test_the_folder_that_is_made_worse_is_good(folder):
    assert len(pl.load(folder)) == 3
    assert len(BAD) >= 60


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_folder_is_refused_in_one_sentence(folder, kind, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # a reader who would agree to anything
    spoil, error, sentence = BAD[kind]
    spoil(folder)
    with pytest.raises(error) as refused:
        pl.load(folder, device="cpu")
    assert re.search(sentence, one_sentence(refused)), refused.value
    assert not (folder / "ran").exists(), "code of the folder ran"


NAMES = {
    "nothing": (None, "got None"),
    "a number": (5, "got 5"),
    "empty": ("", "got ''"),
    "blank": (" ", "got ' '"),
    "unknown": ("nowhere", 'No model "nowhere"'),
    "no such directory": ("./nowhere/at-all", "No model"),
    "no such absolute directory": ("/nowhere/at/all", "No model"),
    "no such home": ("~nobody/model", "No model"),
    "three parts": ("a/b/c", "No model"),
    "half a hub id": ("owner/", "No model"),
    "no such checkpoint": ("laboratory-3l@step-7", 'no checkpoint "step-7": it has none'),
    "an empty checkpoint": ("laboratory-3l@", 'no checkpoint ""'),
    "a checkpoint of nothing": ("@step-7", "No model"),
    "a checkpoint of the unknown": ("nowhere@step-7", 'No model "nowhere"'),
    "another model": ("prose-12l@../../prose-4l", "no checkpoint.*step-0, step-76"),
    "an absolute checkpoint": ("prose-12l@/tmp", "no checkpoint"),
    "the model itself": ("prose-12l@.", "no checkpoint"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_bad_name_is_refused_in_one_sentence(kind):
    name, sentence = NAMES[kind]
    with pytest.raises(UnknownModel) as refused:
        pl.load(name)
    assert re.search(sentence, one_sentence(refused)), refused.value


def test_a_checkpoint_that_leads_elsewhere_is_refused():
    for elsewhere in ("../../prose-4l", "/tmp", "..", "step-0/../step-76", ""):
        with pytest.raises(UnknownModel, match="no checkpoint"):
            pl.load("prose-12l", checkpoint=elsewhere)
    with pytest.raises(UnknownModel, match="give one of the two"):
        pl.load("prose-12l@step-0", checkpoint="step-76")


@pytest.mark.parametrize("name", ["empty", "notes"])
def test_a_directory_without_a_model_says_so(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read.me").write_text("no model")
    with pytest.raises(CorruptModel, match="holds no config.json"):
        pl.load(tmp_path / name)
    with pytest.raises(CorruptModel, match="is a file"):
        pl.load(tmp_path / "notes" / "read.me")


def test_weights_that_are_whole_load_tied_or_untied_with_old_masks(folder):
    """The other side: nothing that belongs is refused."""
    tied = pl.load(folder).bridge.original_model
    assert tied.lm_head.weight is tied.transformer.wte.weight
    tensors(lambda w: w.__setitem__("transformer.h.0.attn.bias", torch.ones(1, 1, 4, 4)))(folder)
    pl.load(folder)
    setting(tie_word_embeddings=False)(folder)
    tensors(lambda w: w.__setitem__("lm_head.weight", 2 * w["transformer.wte.weight"]))(folder)
    model = pl.load(folder).bridge.original_model
    assert torch.equal(model.lm_head.weight, 2 * model.transformer.wte.weight)


@pytest.fixture
def shipped(folder, monkeypatch):
    """A shipped model with a checkpoint, under its manifest."""
    monkeypatch.setattr(embedded, "models_folder", lambda: folder.parent)
    monkeypatch.setattr("plateaus.networks.source.models_folder", lambda: folder.parent)
    later = shutil.copytree(folder, folder / "checkpoints" / "step-7")
    for file in later.glob("*token*"):
        file.unlink()
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    lines = [f"{embedded.sha256(p)}  {p.relative_to(folder).as_posix()}" for p in files]
    (folder / embedded.CHECKSUMS).write_text("\n".join(lines) + "\n")
    return folder


def unlist(file):
    def apply(folder):
        listing = folder / embedded.CHECKSUMS
        lines = listing.read_text().splitlines()
        kept = [line for line in lines if not line.endswith(f"  {file}")]
        assert len(kept) == len(lines) - 1
        listing.write_text("\n".join(kept) + "\n")

    return apply


LATER = f"checkpoints/step-7/{WEIGHTS}"
DOCTORED = {
    "no manifest": ("", removed(embedded.CHECKSUMS), "has no sha256sums.txt"),
    "no manifest for a checkpoint": ("@step-7", removed(embedded.CHECKSUMS), "has no sha256"),
    "an empty manifest": ("", text(embedded.CHECKSUMS, b""), "config.json is not listed"),
    "weights not listed": ("", unlist(WEIGHTS), "model.safetensors is not listed"),
    "configuration not listed": ("", unlist(CONFIG), "config.json is not listed"),
    "tokeniser not listed": ("", unlist(TOKENS), "tokenizer.json is not listed"),
    "a file too many": ("", text("merges.txt", b"a b"), "merges.txt is not listed"),
    "weights changed": ("", put(C_FC, 0.5), "model.safetensors is corrupt"),
    "tokeniser changed": ("", edit(TOKENS, lambda t: {**t, "version": "2"}), "tokenizer.json is c"),
    "tokeniser of a checkpoint changed": (
        "@step-7",
        edit(TOKENS, lambda t: {**t, "version": "2"}),
        "tokenizer.json is corrupt",
    ),
    "tokeniser of a checkpoint not listed": ("@step-7", unlist(TOKENS), "tokenizer.json is not"),
    "tokeniser missing": ("", removed(TOKENS), "tokenizer.json is missing"),
    "checkpoint not listed": ("@step-7", unlist(LATER), f"{LATER} is not listed"),
    "checkpoint changed": ("@step-7", cut(LATER, 500), f"{LATER} is corrupt"),
    "checkpoint missing": ("@step-7", removed(LATER), f"{LATER} is missing"),
}


@pytest.mark.parametrize("kind", DOCTORED)
def test_a_doctored_model_of_the_book_is_refused(shipped, kind):
    at, spoil, sentence = DOCTORED[kind]
    weights = shipped / at.replace("@", "checkpoints/") / WEIGHTS
    assert pl.load(f"{shipped}{at}").provenance["sha256"] == embedded.sha256(weights)
    spoil(shipped)
    with pytest.raises(CorruptModel) as refused:
        pl.load(f"{shipped}{at}")
    assert sentence in one_sentence(refused)


def test_a_checkpoint_does_not_wait_for_the_weights_of_its_model(shipped):
    removed(WEIGHTS)(shipped)
    assert pl.load(f"{shipped}@step-7").name == "copy@step-7"
