"""The baseline of a model that ships already, counted anew on the text that it was trained on.

python -m plateaus.training.language.recount WORK FOLDER ... [--corpus DIR]

A record is changed only where the model's own loss on the held-out windows comes out as recorded,
so that both numbers are of the same windows; card and checksums follow.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from plateaus.data import corpus as texts
from plateaus.errors import TrainingError, answered
from plateaus.networks.embedded import verify
from plateaus.training.folders import RECORD, read_json, whole, write_sums
from plateaus.training.language import quality
from plateaus.training.language.card import card
from plateaus.training.language.ngrams import KneserNey
from plateaus.training.language.settings import LanguageSettings
from plateaus.training.language.windows import Windows

CLOSE = 1e-3
"""Nats per token by which the model's loss may differ from its record."""


def recount(folder: Path, data: Path, counts: dict[int, KneserNey] | None = None) -> dict[str, Any]:
    """Rewrite the baseline in the record and the card of an exported model; returns the record.

    Args:
        data: token files as ``prepare`` makes them.
        counts: of these files, by tokens; twins share them, and what is counted is added.

    Raises:
        TrainingError: the record cannot be read, or the token files are not the model's own.
        CorruptModel: the folder is not as it was exported.
    """
    counts = {} if counts is None else counts
    verify(folder)
    record, meta = read_json(folder / RECORD), read_json(data / "meta.json")
    s = LanguageSettings(**record["settings"])
    held_out = Windows(data / "val.bin", s)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        loss = quality._loss(model, quality._batches(held_out))
    if abs(loss - record["quality"]["loss"]) > CLOSE:
        raise TrainingError(
            f"{folder.name} has a loss of {loss:.4f} nats per token on these windows, and its "
            f"record says {record['quality']['loss']:.4f}: give the text that it was trained on."
        )
    counted = counts.get(s.tokens) or quality.trigram(Windows(data / "train.bin", s), meta)
    counts[s.tokens] = counted
    record["quality"] |= quality.baseline(counted, held_out, meta)
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(record), encoding="utf-8")
    write_sums(folder)
    return record


def prepare(work: Path, s: LanguageSettings, corpus: str | None) -> Path:
    """The folder of token files below ``work``, made once."""
    data = work / "data"
    if not data.exists():
        with whole(data) as new:
            if s.language == "laboratory":
                texts.prepare_laboratory(new, tokens=s.corpus_tokens, seed=s.seed, show=True)
            else:
                about = {"tokens": s.corpus_tokens, "vocabulary": s.vocabulary}
                texts.prepare_prose(new, corpus=corpus, **about, show=True)
    return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--corpus")
    given = parser.parse_args()
    counts: dict[int, KneserNey] = {}
    for folder in given.folders:
        s = LanguageSettings(**read_json(folder / RECORD)["settings"])
        q = recount(folder, prepare(given.work, s, given.corpus), counts)["quality"]
        print(f"{folder.name}: {q['loss']:.4f} against {q['loss_trigram']:.4f} nats", flush=True)


if __name__ == "__main__":
    sys.exit(answered(main))
