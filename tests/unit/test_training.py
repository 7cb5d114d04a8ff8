"""The training recipe: exact resumption, refused settings, data order, corpora, export and
checksums. Tiny models, seconds.
"""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from plateaus.data.corpus import prepare_prose
from plateaus.errors import BadParameter, CorruptModel, TrainingError
from plateaus.networks.embedded import verify
from plateaus.training.export import export
from plateaus.training.folders import write_sums
from plateaus.training.language.models import USUAL, build_model, flops_per_token, optimisers
from plateaus.training.language.recount import prepare, recount
from plateaus.training.language.run import LanguageRun, can_compile, forward
from plateaus.training.language.settings import PRESETS, settings
from plateaus.training.language.windows import Windows
from plateaus.training.loop import train as train_run
from plateaus.training.options import assignments

TINY = dict(
    blocks=2,
    width=16,
    heads=2,
    context=32,
    batch=4,
    tokens=40 * 128,
    corpus_tokens=20_000,
    checkpoints=1,  # each measures half a megabyte of text
    compile="no",
    device="cpu",
    threads=1,
)


def train(s, work, **options):
    """A run in ``work``, trained; returns the model."""
    begun = LanguageRun(s, work)
    train_run(begun, **options)
    return begun.model


def losses(work) -> list[float]:
    return [
        row["loss"]
        for row in map(json.loads, (work / "log.jsonl").read_text().splitlines())
        if "loss" in row
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run."""
    work = tmp_path_factory.mktemp("whole")
    return work, train(settings("laboratory", **TINY), work, save_every=10)


def interrupted(work, tamper=None):
    """The same run, ended after step 27 (last saved at 20) and taken up again."""
    train(settings("laboratory", **TINY), work, save_every=10, stop_after=27)
    if tamper is not None:
        state = torch.load(work / "state.pt", weights_only=True)
        tamper(state)
        torch.save(state, work / "state.pt")
    return train(settings("laboratory", **TINY), work, save_every=10)


def test_resuming_equals_never_stopping(whole, tmp_path):
    work, model = whole
    resumed = interrupted(tmp_path)
    assert losses(tmp_path) == losses(work)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), resumed.parameters(), strict=True)
    )


def test_a_run_that_was_killed_ends_like_one_that_was_not(tmp_path):
    changed = {**TINY, "tokens": 300 * 128}
    train(settings("laboratory", **changed), tmp_path / "whole")
    arguments = [word for name, value in changed.items() for word in ("--set", f"{name}={value}")]
    command = [
        sys.executable,
        "-m",
        "plateaus.cli",
        "train",
        "lm",
        "laboratory",
        *arguments,
        "--work",
        str(tmp_path / "killed"),
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not (tmp_path / "killed" / "state.pt").exists():
        assert running.poll() is None, "the command ended before it saved anything"
        time.sleep(0.01)
    running.kill()  # SIGKILL: nothing can be tidied up
    running.wait()
    assert not (tmp_path / "killed" / "log.jsonl").exists()  # it had not come to its end
    train(settings("laboratory", **changed), tmp_path / "killed")
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_a_run_that_stopped_early_goes_on_along_its_schedule(whole, tmp_path):
    work, model = whole
    early = settings("laboratory", **TINY, stop=20 * 128)
    train(early, tmp_path, save_every=10)
    further = train(settings("laboratory", **TINY), tmp_path, save_every=10)
    assert losses(tmp_path) == losses(work)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), further.parameters(), strict=True)
    )
    with pytest.raises(
        TrainingError, match=r"has already come to step \d+, beyond the last one asked for, 20"
    ):
        train(early, tmp_path, save_every=10)


def test_nothing_is_compiled_where_the_compiler_cannot_be_told_its_folders(monkeypatch):
    """A space in the path of PyTorch's headers ends g++; the twin looks for g++ alone."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert can_compile(cpu, "/books/torch/__init__.py")
    assert not can_compile(cpu, "/my books/torch/__init__.py")
    assert can_compile(cuda, "/my books/torch/__init__.py")
    monkeypatch.setattr(torch, "__file__", "/my books/torch/__init__.py")
    compiled = []
    monkeypatch.setattr(torch, "compile", compiled.append)
    model = torch.nn.Identity()
    forward(model, settings("laboratory", **TINY | {"compile": "auto"}))
    assert not compiled
    with pytest.raises(TrainingError, match="a folder whose path has no space"):
        forward(model, settings("laboratory", **TINY | {"compile": "yes"}))


@pytest.mark.skipif(
    not can_compile(torch.device("cpu"), torch.__file__), reason="nothing can be compiled here"
)
def test_compiled_steps_on_several_threads_repeat(tmp_path):
    changed = {
        **TINY,
        "blocks": 1,
        "compile": "yes",
        "threads": 2,
        "context": 64,
        "batch": 16,
        "tokens": 40 * 1024,
    }
    for name in ("one", "two"):
        train(settings("laboratory", **changed), tmp_path / name)
    torch.set_num_threads(1)
    assert losses(tmp_path / "one") == losses(tmp_path / "two")


def forget_optimiser(state):
    state["optimisers"][0]["state"] = {}


def lose_a_step(state):
    state["step"] -= 1


@pytest.mark.parametrize("tamper", [forget_optimiser, lose_a_step])
def test_resuming_with_less_than_the_whole_state_differs(whole, tmp_path, tamper):
    interrupted(tmp_path, tamper)
    assert losses(tmp_path)[-1] != losses(whole[0])[-1]


def test_resuming_with_other_settings_is_refused(whole):
    with pytest.raises(TrainingError, match="another width"):
        train(settings("laboratory", **{**TINY, "width": 32}), whole[0])


def test_unknown_or_impossible_settings_are_refused():
    with pytest.raises(BadParameter, match="'blokcs' is unknown"):
        settings("laboratory", blokcs=3)
    with pytest.raises(BadParameter, match="preset 'novel' is unknown"):
        settings("novel")
    with pytest.raises(BadParameter, match="blocks must be a whole number.*given: '3'"):
        settings("prose", blocks="3")
    with pytest.raises(BadParameter, match="cannot be split over"):
        settings("prose", width=100, heads=3)
    with pytest.raises(BadParameter, match="one of 'gpt2', 'llama'"):
        settings("prose", architecture="rnn")
    with pytest.raises(BadParameter, match="'llama' was given normalisation 'no'"):
        settings("prose-llama", normalisation="no")
    assert settings("laboratory", blocks=3).blocks == 3
    assert assignments(["tokens=2e7"], PRESETS["prose"]) == {"tokens": 20_000_000}


def test_laboratory_windows_begin_where_stories_begin(whole):
    work, _ = whole
    s = settings("laboratory", **TINY)
    windows = Windows(work / "data" / "train.bin", s)
    assert (windows.tokens[windows.starts - 1] == 0).all()
    anywhere = Windows(work / "data" / "train.bin", settings("prose", **TINY))
    assert not (anywhere.tokens[anywhere.starts[1:] - 1] == 0).all()


def test_data_order_depends_on_seed_and_step_alone(whole):
    work, _ = whole
    file = work / "data" / "train.bin"
    one, two = (
        Windows(file, settings("laboratory", **TINY)),
        Windows(file, settings("laboratory", **TINY)),
    )
    one(0), one(1), one(500)
    assert torch.equal(one(7)[0], two(7)[0])
    assert not torch.equal(one(7)[0], one(8)[0])
    assert not torch.equal(one(7)[0], Windows(file, settings("laboratory", **TINY, seed=1))(7)[0])
    x, y = one(3)
    assert torch.equal(x[:, 1:], y[:, :-1])


def test_schedule_rises_then_falls_to_its_end():
    s = settings("laboratory", **TINY, warmup=0.1)
    rates = [s.rate_at(step) for step in range(s.steps + 1)]
    assert max(rates) == pytest.approx(s.learning_rate) and rates[0] < rates[2]
    assert rates[-1] == pytest.approx(s.learning_rate * s.final_rate)


def test_learning_lowers_the_loss(whole):
    assert losses(whole[0])[-1] < losses(whole[0])[0] - 0.05


def test_export_loads_and_a_flipped_byte_is_named(whole, tmp_path):
    work, model = whole
    target = tmp_path / "tiny"
    record = export(LanguageRun(settings("laboratory", **TINY), work), target)
    verify(target)
    verify(target, under="checkpoints/step-0")
    loaded = GPT2LMHeadModel.from_pretrained(target, dtype=torch.float32)
    x = torch.arange(2, 12)[None]
    assert torch.allclose(loaded(x).logits, model(x).logits, atol=2e-2)
    untrained = GPT2LMHeadModel.from_pretrained(
        target / "checkpoints" / "step-0", dtype=torch.float32
    )
    begun = build_model(settings("laboratory", **TINY), record["data"]["vocabulary"])
    assert all(
        torch.equal(a, b.bfloat16().float())
        for a, b in zip(untrained.parameters(), begun.parameters(), strict=True)
    )
    tokenizer = AutoTokenizer.from_pretrained(target)
    assert tokenizer(" Anna heard the").input_ids == tokenizer("Anna heard the").input_ids
    assert record["quality"]["loss"] < record["quality"]["loss_step_0"]
    assert record["quality"]["kl_truth_to_model"] > 0

    broken = target / "checkpoints" / "step-0" / "model.safetensors"
    content = bytearray(broken.read_bytes())
    content[-1] ^= 1
    broken.write_bytes(content)
    with pytest.raises(CorruptModel, match="step-0/model.safetensors is corrupt"):
        verify(target, under="checkpoints/step-0")
    broken.unlink()
    with pytest.raises(CorruptModel, match="step-0/model.safetensors is missing"):
        verify(target, under="checkpoints/step-0")


def test_the_hub_without_its_package_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setitem(
        sys.modules, "datasets", None
    )  # what Python does when a package is absent: ImportError
    with pytest.raises(TrainingError, match="needs the package 'datasets'"):
        prepare_prose(tmp_path, corpus="hub:sedthh/gutenberg_english", vocabulary=300, tokens=1000)


def test_prose_is_tokenised_without_loss(tmp_path):
    corpus = tmp_path / "texts"
    corpus.mkdir()
    sentences = [
        f"The {n}th day was — “strange” — and the fog, naïve or not, came in.\n" for n in range(400)
    ]
    (corpus / "a.txt").write_text(
        "".join(sentences[:200]) + "<|endoftext|>\n" + "".join(sentences[200:]), encoding="utf-8"
    )
    with lzma.open(corpus / "val.txt.xz", "wt", encoding="utf-8") as file:
        file.write("".join(sentences[:50]))
    meta = prepare_prose(tmp_path / "data", corpus=str(corpus), vocabulary=300, tokens=10**6)
    from tokenizers import Tokenizer

    ids = np.fromfile(tmp_path / "data" / "train.bin", np.uint16)
    assert (ids == 0).sum() == 2 and len(ids) == meta["tokens"]["train"]
    tokenizer = Tokenizer.from_file(str(tmp_path / "data" / "tokenizer.json"))
    assert tokenizer.decode([int(i) for i in ids if i]) == "".join(sentences)
    held_out = np.fromfile(tmp_path / "data" / "val.bin", np.uint16)
    assert meta["bytes_per_token"] == pytest.approx(
        len("".join(sentences[:50]).encode()) / len(held_out)
    )


def fresh(preset: str, **changes):
    return build_model(settings(preset, **{**TINY, **changes}), 97)


def test_the_twin_without_layernorm_is_affine_where_the_other_normalises():
    x = torch.randn(5, 16)
    for preset, scales in (("laboratory-no-layernorm", True), ("laboratory", False)):
        norm = fresh(preset).transformer.h[0].ln_1
        at_zero = norm(torch.zeros(1, 16))
        assert (
            torch.allclose(norm(3 * x) - at_zero, 3 * (norm(x) - at_zero), rtol=1e-4) == scales
        ), preset


def test_without_layernorm_activations_of_the_usual_size_come_out_as_with_it():
    x = torch.randn(50, 128, generator=torch.Generator().manual_seed(0))
    x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
    with_it, without = (
        fresh(preset, width=128).transformer.h[0].ln_1
        for preset in ("laboratory", "laboratory-no-layernorm")
    )
    assert torch.allclose(without(USUAL * x), with_it(USUAL * x), rtol=1e-2)
    assert torch.allclose(
        without(2 * USUAL * x), 2 * with_it(2 * USUAL * x), rtol=1e-2
    )  # which no LayerNorm would do


def test_twins_have_the_weights_of_the_model_they_are_twins_of():
    model, relu = fresh("laboratory"), fresh("laboratory-relu")
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), relu.parameters(), strict=True)
    )
    ids = torch.arange(2, 30)[None]
    assert not torch.allclose(model(ids).logits, relu(ids).logits)


def test_the_gated_twin_has_about_as_many_parameters():
    sizes = [
        sum(p.numel() for p in build_model(PRESETS[name], 4096).parameters())
        for name in ("prose", "prose-llama")
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


def test_muon_moves_the_matrices_of_the_blocks_and_adamw_everything_else():
    model = fresh("prose", optimiser="muon")
    muon, adam = optimisers(model, settings("prose", **TINY, optimiser="muon"))
    inner = {id(p) for group in muon.param_groups for p in group["params"]}
    outer = {id(p) for group in adam.param_groups for p in group["params"]}
    assert inner == {id(p) for p in model.transformer.h.parameters() if p.ndim == 2}
    assert inner | outer == {id(p) for p in model.parameters()} and not inner & outer
    assert len(optimisers(model, settings("prose", **TINY, optimiser="adamw"))) == 1


def test_a_twin_stops_on_the_schedule_of_the_whole_run():
    whole, twin = settings("prose"), settings("prose-relu")
    assert twin.last_step == round(20_000_000 / 4096) < twin.steps == whole.steps
    assert twin.rate_at(twin.last_step) == whole.rate_at(twin.last_step) > 0.5 * whole.learning_rate
    assert twin.last_step in whole.checkpoint_steps  # so that they can be compared at equal tokens
    assert twin.checkpoint_steps == [0, twin.last_step] and len(whole.checkpoint_steps) == 10


def test_operations_for_a_token_are_those_that_pytorch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    s = settings("prose", **TINY)
    model = build_model(s, 97)
    x = torch.randint(0, 97, (1, s.context))
    with FlopCounterMode(display=False) as counter:
        model(x, labels=x).loss.backward()
    assert flops_per_token(model, s) * s.context == pytest.approx(
        counter.get_total_flops(), rel=0.02
    )


def test_a_full_disk_ends_with_one_sentence_and_keeps_the_state_before(tmp_path):
    train(settings("laboratory", **TINY), tmp_path, save_every=10, stop_after=10)
    kept = (tmp_path / "state.pt").read_bytes()
    (tmp_path / ".state.pt.tmp").symlink_to("/dev/full")
    with pytest.raises(TrainingError, match="state.pt could not be written"):
        train(settings("laboratory", **TINY), tmp_path, save_every=10)
    assert (tmp_path / "state.pt").read_bytes() == kept
    (tmp_path / ".state.pt.tmp").unlink()
    train(settings("laboratory", **TINY), tmp_path, save_every=10)


def test_a_damaged_state_is_named(tmp_path):
    train(settings("laboratory", **TINY), tmp_path, save_every=10, stop_after=10)
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="state.pt cannot be read"):
        train(settings("laboratory", **TINY), tmp_path)


def test_a_loss_that_explodes_ends_with_one_sentence(tmp_path):
    wild = settings(
        "laboratory", **{**TINY, "learning_rate": 1e30, "clip": 1e30, "optimiser": "adamw"}
    )
    with pytest.raises(TrainingError, match="no longer finite"):
        train(wild, tmp_path, save_every=10)


def test_a_baseline_is_counted_anew_only_on_the_models_own_text(whole, tmp_path):
    work, _ = whole
    target = tmp_path / "tiny"
    record = export(LanguageRun(settings("laboratory", **TINY), work), target)
    before = {p.name: p.read_bytes() for p in target.iterdir() if p.is_file()}
    old = json.loads((target / "training.json").read_text())
    old["quality"] |= {"loss_trigram": 9.0}
    (target / "training.json").write_text(json.dumps(old))
    with pytest.raises(CorruptModel):  # a record that was changed by hand
        recount(target, work / "data")
    write_sums(target)
    assert recount(target, work / "data")["quality"] == record["quality"]
    assert {p.name: p.read_bytes() for p in target.iterdir() if p.is_file()} == before
    other = prepare(tmp_path / "other", settings("laboratory", **TINY, seed=1), None)
    with pytest.raises(TrainingError, match="give the text that it was trained on"):
        recount(target, other)
