"""Ship a trained language model: a Hugging Face folder with its tokenizer, checkpoints,
measurements, card and checksums.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from plateaus.data.facts import END, UNKNOWN
from plateaus.errors import TrainingError
from plateaus.training.files import write_sums
from plateaus.training.folders import replaced
from plateaus.training.lm import Windows
from plateaus.training.lm_card import card
from plateaus.training.lm_quality import quality
from plateaus.training.lm_settings import Settings
from plateaus.training.loop import cost


def export(s: Settings, work: Path, target: Path, *, keep: int = 99) -> dict:
    """Copy the last checkpoint to ``target`` and measure it; earlier ones go to
    ``target/checkpoints/step-<n>``.

    ``keep`` limits the earlier ones: step 0 is kept first, then the latest. Returns what
    ``training.json`` says.

    Raises:
        TrainingError: ``work`` has no finished checkpoint, or ``target`` is not to be replaced.
    """
    steps = sorted(int(p.name.removeprefix("step-")) for p in (work / "checkpoints").glob("step-*"))
    if not steps or steps[-1] == 0:
        raise TrainingError(
            f"{work.name} has no trained checkpoint: run `plateaus train lm` with the same --work first."
        )
    last, earlier = steps[-1], steps[1:-1]
    shipped = [0, *earlier[max(0, len(earlier) + 1 - keep) :]] if keep else []
    with replaced(target, work) as folder:
        return _fill(folder, s, work, shipped, last)


def _fill(target: Path, s: Settings, work: Path, shipped: list[int], last: int) -> dict:
    shutil.copytree(work / "checkpoints" / f"step-{last}", target, dirs_exist_ok=True)
    for n in shipped:
        shutil.copytree(work / "checkpoints" / f"step-{n}", target / "checkpoints" / f"step-{n}")
    tokenizer = Tokenizer.from_file(str(work / "data" / "tokenizer.json"))
    tokenizer.save(str(target / "tokenizer.json"), pretty=False)
    special = {"eos_token": END, "bos_token": END} | (
        {"unk_token": UNKNOWN} if s.language == "laboratory" else {}
    )
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": s.context,
        "clean_up_tokenization_spaces": False,
        **special,
    }
    (target / "tokenizer_config.json").write_text(json.dumps(described, indent=1) + "\n")

    meta = json.loads((work / "data" / "meta.json").read_text())
    log = [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]
    held_out = Windows(work / "data" / "val.bin", s)
    models = {
        n: AutoModelForCausalLM.from_pretrained(
            work / "checkpoints" / f"step-{n}", dtype=torch.float32
        ).eval()
        for n in (0, last)
    }
    record = {
        "name": s.name,
        "settings": asdict(s),
        "data": meta,
        "steps": last,
        "tokens": last * s.per_step,
        "parameters": sum(p.numel() for p in models[last].parameters()),
        "checkpoints": [*shipped, last],
        "quality": quality(
            s, models[last], models[0], held_out, work / "data" / "train.bin", tokenizer, meta
        ),
        **cost(log, s.unit),
        "versions": {"torch": torch.__version__},
        "log": log,
    }
    (target / "training.json").write_text(json.dumps(record, indent=1) + "\n")
    (target / "README.md").write_text(card(record))
    write_sums(target)
    return record
