"""Many small trainings of the laboratory language, one factor at a time: what makes plateaus?

``python -m plateaus.book.trainings WORK RESULT`` trains every cell with every seed that stands
neither in ``RESULT`` nor finished under ``WORK``, measures it, and writes ``RESULT`` after each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from plateaus import disk, results
from plateaus.data import prompts
from plateaus.errors import NotSaved, answered
from plateaus.experiments import Ends, interpolate, read, sharpness
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.training.language.run import LanguageRun
from plateaus.training.language.settings import LanguageSettings, settings
from plateaus.training.loop import begin, train

SHORT = {"tokens": 500_000, "corpus_tokens": 500_000, "checkpoints": 0, "threads": 1}
CLOSE = {"checkpoints": 6, "spacing": 1.25}
"""Checkpoints among which one is at another training's loss."""
LONG = {"threads": 1}
PAIRS, TOKENS, STEPS = 200, 10, 50
READINGS = ("stream", "logits", "probabilities")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One way to train: a preset with changes, of which ``factor`` and ``level`` tell in words."""

    factor: str
    level: str
    changes: Mapping[str, Any]
    preset: str = "laboratory-3l"
    seeds: Sequence[int] = range(3)

    def settings(self, name: str, seed: int) -> LanguageSettings:
        return settings(self.preset, **{"name": name, "seed": seed, **self.changes})


def _short(factor: str, level: str, **changes: Any) -> Cell:
    return Cell(factor=factor, level=level, changes=SHORT | changes)


CELLS: dict[str, Cell] = {
    "reference": _short("reference", "3 × 128, Muon, LayerNorm, GELU, 0.5 M tokens", **CLOSE),
    "no-cooldown": _short("cooldown", "none: constant rate", final_rate=1.0),
    "deep": _short("size", "6 × 128", blocks=6, **CLOSE),
    "bending": _short("bending", "penalty of weight 10", bending=10.0),
    "shuffled": replace(_short("text", "words shuffled", words="shuffled"), seeds=range(4)),
    "wide": _short("size", "3 × 180", width=180, heads=3, **CLOSE),
    "adamw": _short("optimiser", "AdamW", optimiser="adamw", learning_rate=1.2e-3),
    "no-decay": _short("weight decay", "none", weight_decay=0.0),
    "no-layernorm": _short("normalisation", "none", normalisation="no"),
    "relu": _short("activation", "ReLU", activation="relu"),
    "llama": _short("architecture", "Llama's: RMSNorm, gated MLP", architecture="llama"),
    "laboratory-6l": Cell(
        factor="through training",
        level="6 × 128, 5 M tokens",
        changes=LONG,
        preset="laboratory-6l",
        seeds=range(1, 5),
    ),
}
"""``wide`` and ``deep`` have equally many weights. Words are shuffled four times: where none of
three has grown, Wilson's interval still reaches beyond a half.
"""


def carry_out(
    work: Path,
    out: Path,
    *,
    cells: Mapping[str, Cell] = CELLS,
    pairs: int = PAIRS,
) -> xr.Dataset:
    """Train, seed by seed, what is neither in ``out`` nor finished under ``work``; measure; save to
    ``out``.

    Returns:
        Dim ``state``, a moment of one training, with the coordinates ``cell``, ``seed``, ``step``
        and ``tokens``, and the settings as an attribute; ``slope``, dims ``state, reading, pair``,
        the maximum slope of d(alpha)/d(1) patched after block 0; ``half_exit``, the half-exit
        index of the stream, dims ``state, pair``; ``loss``, on held-out stories [nats per word],
        which are the same for all trainings of one seed; ``parameters``. The pairs are the same
        throughout.
    """
    order = [
        (name, seed)
        for seed in sorted({seed for cell in cells.values() for seed in cell.seeds})
        for name, cell in cells.items()
        if seed in cell.seeds
    ]
    asked = {(name, seed): cells[name].settings(f"{name}-seed{seed}", seed) for name, seed in order}
    said = {n: {"factor": c.factor, "level": c.level} for n, c in cells.items()}
    said = {name: said[name] | asdict(s) for (name, _), s in asked.items()}
    # Without the lengths of texts as they were stored, to which longer names would be cut.
    before = results.load(out).drop_encoding() if out.is_file() else None
    kept = {each: _kept(before, *each, said[each[0]], pairs) for each in order}
    states = {each: state for each, state in kept.items() if state is not None}
    for each in (each for each in order if each not in states):
        (name, seed), s = each, asked[each]
        state = finished(s, work / f"{name}-{seed}", pairs)
        states[each] = state.assign_coords(cell=("state", [name] * state.sizes["state"]))
        facts = {name: said[name] for name, _ in states}
        results.save(_packed(_joined(states, order)), out, cells=facts, pairs=pairs, steps=STEPS)
        print(f"{s.name}: {_told(states[each])}", flush=True)
    return _joined(states, order)


def _joined(states: Mapping[tuple, xr.Dataset], order: Sequence[tuple]) -> xr.Dataset:
    """In the order of the recipe, whatever was made first."""
    return xr.concat([states[each] for each in order if each in states], "state")


def _kept(
    before: xr.Dataset | None, name: str, seed: int, said: dict[str, Any], pairs: int
) -> xr.Dataset | None:
    """What an earlier result holds of this cell and seed, if it was made with the same settings."""
    if before is None:
        return None
    told = results.provenance_of(before)
    each = {"name": "", "seed": 0}  # a cell's settings are told once, those of its last seed
    if (told["pairs"], told["steps"]) != (pairs, STEPS):
        return None
    if told["cells"].get(name, {}) | each != said | each:
        return None
    chosen = np.flatnonzero((before.cell == name) & (before.seed == seed))
    return before.isel(state=chosen) if len(chosen) else None


def finished(s: LanguageSettings, work: Path, pairs: int = PAIRS) -> xr.Dataset:
    """One training, gone on with until its end, and what was measured of it, once."""

    def made() -> xr.Dataset:
        return xr.concat(measure(trained(s, work), pairs), "state", coords="all")

    facts = {"settings": asdict(s), "pairs": pairs, "steps": STEPS}
    return results.kept(work / "measured.nc", made, **facts)


def trained(
    s: LanguageSettings, work: Path, corpus: str | None = None, *, show: bool = False
) -> LanguageRun:
    """A run that has been gone on with until its end."""
    torch._dynamo.reset()
    run = LanguageRun(s, work, corpus=corpus)
    if begin(run)[0] < run.s.last_step:
        train(run, show=show)
    return run


def measure(run: LanguageRun, pairs: int = PAIRS) -> Iterator[xr.Dataset]:
    """Slopes, half-exit indices and divergence of every checkpoint of a finished run."""
    for step, lm in stages(run):
        chosen = prompts.unrelated(lm, pairs, tokens=TOKENS)
        curves = interpolate(Ends.of_prompts(lm, chosen), steps=STEPS)
        yield _state(run, step, sharpness(curves))


def stages(run: LanguageRun) -> Iterator[tuple[int, LanguageModel]]:
    """Every checkpoint of a finished run with its step, loaded as readers load it."""
    steps = run.s.checkpoint_steps
    with run.exported() as folder:
        for step in steps:
            yield step, load(str(folder), checkpoint=None if step == steps[-1] else f"step-{step}")


def _state(run: LanguageRun, step: int, sharp: xr.Dataset) -> xr.Dataset:
    slope = np.stack([read(sharp.slope, name).values for name in READINGS])
    losses = {row["step"]: row["validation"] for row in begin(run)[1] if "validation" in row}
    weights = sum(p.numel() for p in run.shipped.parameters())
    return xr.Dataset(
        {
            "slope": (("reading", "pair"), slope.astype("float32")),
            "half_exit": ("pair", read(sharp.half_exit).values.astype("float32")),
            "loss": ((), losses[step], {"units": "nats per word"}),
            "parameters": ((), weights),
        },
        coords={
            "reading": list(READINGS),
            "seed": run.s.seed,
            "step": step,
            "tokens": step * run.s.per_step,
        },
    )


def _packed(found: xr.Dataset) -> xr.Dataset:
    """Three decimals, compressed."""
    found = found.copy()
    for name in ("slope", "half_exit"):
        found[name] = found[name].round(3)
        found[name].encoding = {"zlib": True, "complevel": 9}
    return found


def _told(state: xr.Dataset) -> str:
    slope = state.slope.sel(reading="stream").isel(state=-1).median().item()
    return f"held-out loss {state.loss[-1].item():.4f}, median maximum slope {slope:.2f}"


def arguments(about: str | None) -> argparse.ArgumentParser:
    """What every command that trains and measures takes."""
    given = argparse.ArgumentParser(description=about)
    given.add_argument("work", type=Path, help="where the trainings are kept, to go on later")
    given.add_argument("result", type=Path, help="the netCDF file to write")
    return given


def parsed(given: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments, once the result is known to be a file that can be written."""
    a = given.parse_args()
    if a.result.is_dir():
        raise NotSaved(f"{a.result} is a folder: give the name of a file for the result.")
    disk.check_writable(a.result.parent)
    return a


def main() -> None:
    a = parsed(arguments(__doc__))
    carry_out(a.work, a.result)


if __name__ == "__main__":
    sys.exit(answered(main))
