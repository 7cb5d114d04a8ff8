"""The table of the models that ship with the book: what they cost, how good they are, how sharp
their boundaries.

``plateaus models`` measures what has changed and writes ``book/models/slopes.json`` and
``book/models/README.md``.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from plateaus.book import equal_tokens
from plateaus.book.numbers import signed
from plateaus.data import prompts
from plateaus.experiments import Ends, interpolate, maximum_slope, read
from plateaus.measures import statistics
from plateaus.networks.embedded import CHECKSUMS
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.progress import bar, say
from plateaus.training.folders import write_sums
from plateaus.training.language.models import build_model
from plateaus.training.language.settings import LanguageSettings
from plateaus.training.loop import cost
from plateaus.training.run import save_rounded

PAIRS, STEPS, TOKENS, SEED = 500, 50, 10, 0
READOUTS = ("stream", "logits", "probabilities")
SPEAKER = "prose-12l"
"""The prose models are all measured on text of this one, so that their slopes differ by the model
alone.
"""
LIMIT = 100_000_000
"""Bytes that all models together may take."""
NARROW = "\u202f"  # a space at which a cell of a table is not broken


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """``training.json`` of every shipped language model, the laboratory's first, each family by its
    number of parameters.
    """
    found = [json.loads(file.read_text()) for file in folder.glob("*/training.json")]
    found = [r for r in found if "language" in r["settings"]]
    order = sorted(
        found,
        key=lambda r: (
            r["settings"]["language"],
            -r["tokens"],
            r["settings"]["blocks"],
            r["settings"]["width"],
            r["name"],
        ),
    )
    return {r["name"]: r for r in order}


def measure(folder: Path, report: Callable[[str], None] = say) -> dict[str, Any]:
    """Median maximum slopes of d(α)/d(1) of every model and checkpoint whose weights have changed;
    returns all of them.
    """
    file = folder / "slopes.json"
    known = json.loads(file.read_text()) if file.is_file() else {}
    about, out = records(folder), {}
    for name, record in bar(about.items(), "models", at_once=True):
        for step, digest in _weights(folder / name, record):
            row = known.get(name, {}).get(str(step), {})
            if row.get("sha256") != digest:
                lm = stage(folder / name, record, step)
                row = {"sha256": digest, **slopes(lm, pairs_for(folder, record))}
                slope, low, high = row["stream"]
                report(f"{name}, step {step}: {slope:.2f} [{low:.2f}, {high:.2f}]")
            out.setdefault(name, {})[str(step)] = row
            file.write_text(
                json.dumps({**known, **out}, indent=1) + "\n"
            )  # each is kept as soon as it is known
    file.write_text(json.dumps(out, indent=1) + "\n")
    return out


def pairs_for(folder: Path, record: dict[str, Any]) -> prompts.Pairs:
    """The pairs of unrelated prompts on which a model is measured: stories of the grammar, or text
    of one prose model.
    """
    speaker = record["name"] if record["settings"]["language"] == "laboratory" else SPEAKER
    return prompts.unrelated(load(str(folder / speaker)), PAIRS, tokens=TOKENS, seed=SEED)


def slopes(lm: LanguageModel, pairs: prompts.Pairs) -> dict[str, tuple[float, float, float]]:
    """Median over pairs of the maximum slope of d(α)/d(1), with its 95% interval, patched after
    block 0, read three ways.
    """
    curves = interpolate(Ends.of_prompts(lm, pairs), steps=STEPS).distance
    steepest = {name: maximum_slope(read(curves, name)).values for name in READOUTS}
    return {
        name: tuple(round(v, 4) for v in statistics.interval(values))
        for name, values in steepest.items()
    }


def stage(folder: Path, record: dict[str, Any], step: int) -> LanguageModel:
    """A model at one step of its training; step 0 is built again by the recipe where it does not
    ship.
    """
    if step in record["checkpoints"]:
        return load(
            str(folder), checkpoint=None if step == record["checkpoints"][-1] else f"step-{step}"
        )
    with tempfile.TemporaryDirectory() as scratch:
        begun = Path(scratch) / record["name"]
        shutil.copytree(
            folder, begun, ignore=shutil.ignore_patterns("*.safetensors", "checkpoints")
        )
        settings = LanguageSettings(**record["settings"])
        save_rounded(build_model(settings, record["data"]["vocabulary"]), begun)
        write_sums(begun)
        return load(str(begun))


def _weights(folder: Path, record: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Each step with the checksum of its weights; the last step is the model itself. A step 0 that
    does not ship follows from it.
    """
    sums = dict(
        reversed(line.split("  ")) for line in (folder / CHECKSUMS).read_text().splitlines()
    )
    if record["checkpoints"][0] != 0:
        yield 0, sums["model.safetensors"]
    for step in record["checkpoints"]:
        last = step == record["checkpoints"][-1]
        yield (
            step,
            sums["model.safetensors" if last else f"checkpoints/step-{step}/model.safetensors"],
        )


def table(folder: Path, measured: dict[str, Any]) -> str:
    """Markdown of ``book/models/README.md``; every number comes from the training records and
    ``measured``.
    """
    about = records(folder)
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    lines = ["# The models that ship with this book", "", _words(size), ""]
    for language, unit in (
        ("laboratory", "KL (nats)"),
        ("prose", "bits per byte (against a 3-gram)"),
    ):
        lines += [
            f"## {language.capitalize()}",
            "",
            f"| model | blocks × width | weights (M) | tokens (M) | {unit} | maximum slope "
            "| at step 0 | min |",
            "|---|---|---|---|---|---|---|---|",
        ]
        lines += [
            _row(r, measured[name])
            for name, r in about.items()
            if r["settings"]["language"] == language
        ]
        lines += [""]
    for name, record in about.items():
        if len(record["checkpoints"]) > 2:
            lines += _history(record, measured[name])
    lines += equal_tokens.section(folder.parent / "results")
    return "\n".join(lines)


def _words(size: int) -> str:
    return (
        f"All of them together take {size / 1e6:.0f} MB. Each folder is in the Hugging Face format "
        "with a card (`README.md`), the whole training record (`training.json`) and checksums that "
        'are compared at every load. `plateaus.load("NAME")` reads one, '
        '`plateaus.load("NAME", checkpoint="step-N")` an earlier state of it, '
        "`plateaus train lm PRESET` makes it again.\n\n"
        f"*Maximum slope* is the median over {PAIRS} pairs of unrelated {TOKENS}-token prompts "
        "(stories; passages of English prose) of the maximum slope of d(α)/d(1), patched after "
        "block 0 and read from the raw stream after the last block, with its 95% bootstrap "
        "interval; a straight line has 1. KL(truth ‖ model) is the mean over the prefixes of "
        "held-out stories, of one next word. `laboratory-6l-seed1` to `-seed4` differ from "
        "`laboratory-6l` in the seed alone, which decides the first weights and the stories. Twins "
        "and smaller sizes of the prose model stop in the middle of the same schedule, where the "
        "slope of the main model is still low, and some are no better than a 3-gram: they are "
        "there to be looked at, and nothing about normalisation, activation, architecture or size "
        "is decided on them; the row of the main model's checkpoint at as many tokens, further "
        "down, is the one to stand beside them. The last column is the time of training on two CPU "
        "cores, in minutes. `plateaus models` writes this page."
    )


def _row(record: dict[str, Any], measured: dict[str, Any]) -> str:
    s, q = record["settings"], record["quality"]
    steps = list(measured)
    if s["language"] == "laboratory":
        loss = f"{q['kl_truth_to_model']:.3f}"
    else:
        beyond = _signed(100 * (q["bits_per_byte"] / q["bits_per_byte_trigram"] - 1))
        loss = f"{q['bits_per_byte']:.3f} ({beyond}%)"
    cells = [
        record["name"],
        f"{s['blocks']}{NARROW}×{NARROW}{s['width']}",
        f"{record['parameters'] / 1e6:.2f}",
        f"{record['tokens'] / 1e6:.1f}",
        loss,
        _interval(measured[steps[-1]]),
        _interval(measured[steps[0]]),
        f"{cost(record['log'], 'tokens')['minutes']:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _history(record: dict[str, Any], measured: dict[str, Any]) -> list[str]:
    losses = {row["step"]: row["validation"] for row in record["log"] if "validation" in row}
    batch = record["settings"]["batch"] * record["settings"]["context"]
    lines = [
        f"## {record['name']} through training",
        "",
        "| step | tokens (M) | validation loss (nats per token) | maximum slope: stream | logits "
        "| probabilities |",
        "|---|---|---|---|---|---|",
    ]
    for step, row in measured.items():
        lines.append(
            f"| {step} | {int(step) * batch / 1e6:.2f} | {losses[int(step)]:.3f} | "
            + " | ".join(_interval(row, readout) for readout in READOUTS)
            + " |"
        )
    return [*lines, ""]


def _interval(row: dict[str, Any], readout: str = "stream") -> str:
    value, low, high = row[readout]
    return f"{value:.2f} [{low:.2f},{NARROW}{high:.2f}]"


def _signed(value: float) -> str:
    return signed(value).replace("-", "−")
