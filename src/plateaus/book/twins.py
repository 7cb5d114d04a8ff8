"""The prose model and its twins at equal tokens: with schedules of their own, and in the middle of
a longer one.

``python -m plateaus.book.twins WORK RESULT --corpus DIRECTORY`` trains what of ``WHOLE`` stands
neither in ``RESULT`` nor finished under ``WORK`` (``--only TWIN`` one of it), measures it beside
the models that ship, and writes ``RESULT`` after each.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from plateaus import results
from plateaus.book import models
from plateaus.book.trainings import arguments, parsed, stages, trained
from plateaus.data.pairs import Pairs
from plateaus.errors import answered
from plateaus.experiments import Ends, interpolate, maximum_slope, read
from plateaus.networks.embedded import models_folder, sha256
from plateaus.networks.language_model import LanguageModel
from plateaus.training.language.run import LanguageRun
from plateaus.training.language.settings import PRESETS, LanguageSettings, settings
from plateaus.training.loop import begin
from plateaus.training.state import tie

SCHEDULE = {"tokens": 2_500_000, "stop": 0, "checkpoints": 5, "threads": 1}
"""Changes of a preset: the first tokens that its model has read, in the same order, with the
warm-up and the fall of the rate within them."""
WHOLE: dict[str, tuple[str, dict[str, Any]]] = {
    "prose": ("prose", {}),
    "prose-4l": ("prose-4l", {}),
    "prose-4l-steady": ("prose-4l", {"final_rate": 1.0}),
    "prose-steady": ("prose", {"final_rate": 1.0}),
}
"""Twins that get a schedule of their own: the preset and what else is changed. A longer schedule
has a longer warm-up too; only against the steady twin, whose rate never falls, does the fall
stand alone.
"""
SHIPPED = tuple(PRESETS[name].name for name in ("prose", "prose-4l", "prose-w60", "prose-llama"))
"""What ships was stopped after ``STOPPED`` tokens of a longer schedule, or has a checkpoint there.
"""
STOPPED = 20_000_000
PACKED = {
    "dtype": "uint32",
    "scale_factor": 1e-4,
    "_FillValue": 2**32 - 1,
    "zlib": True,
    "complevel": 9,
}
"""How slopes are stored."""


def of_its_own(twin: str, **changes: Any) -> LanguageSettings:
    """What a twin with its own schedule is trained by."""
    preset, own = WHOLE[twin]
    changes = SCHEDULE | own | changes
    name = f"{PRESETS[preset].name}-{changes['tokens'] / 1e6:g}m{twin.removeprefix(preset)}"
    return settings(preset, **{"name": name, **changes})


def carry_out(
    work: Path,
    out: Path,
    corpus: str | None = None,
    *,
    own: Sequence[str] = tuple(WHOLE),
    shipped: Sequence[str] = SHIPPED,
    pairs: int = models.PAIRS,
    **changes: Any,
) -> xr.Dataset:
    """Train and measure what is not yet in ``out``; save to ``out`` after each.

    Args:
        corpus: as for ``plateaus train lm``; not needed where the token files are under ``work``.
        changes: further settings of the trainings.

    Returns:
        Dim ``state``, a moment of one training, with the coordinates ``model``, ``schedule`` (the
        tokens that it is made for), ``step`` and ``tokens``; ``slope``, dims ``state, reading,
        pair``, the maximum slope of d(alpha)/d(1) of the same pairs throughout, patched after block
        0, where models are compared, and ``middle``, dims ``state, reading``, its median
        everywhere; ``loss`` [nats per token] and ``bits`` [bits per byte] on held-out books;
        ``parameters``. The first state of each model is step 0.
    """
    folder = models_folder() or Path("book/models")
    about = models.records(folder)
    runs = {s.name: s for s in (of_its_own(twin, **changes) for twin in own)}
    told = {name: {"sha256": sha256(folder / name / "model.safetensors")} for name in shipped}
    told |= {name: asdict(s) for name, s in runs.items()}
    found = _before(out, told, pairs)
    prompts = models.pairs_for(folder, about[models.SPEAKER])[:pairs]
    for name in (name for name in told if name not in found):
        if name in runs:
            states = finished(runs[name], work, corpus, prompts)
        else:
            states = _as_shipped(folder / name, about[name], prompts)
        found[name] = states.assign_coords(model=("state", [name] * states.sizes["state"]))
        every = xr.concat(list(found.values()), "state")
        facts = {name: told[name] for name in found}
        results.save(_packed(every), out, models=facts, pairs=pairs, steps=models.STEPS)
        print(f"{name}: held-out loss {states.loss[-1].item():.4f}", flush=True)
    return _packed(xr.concat(list(found.values()), "state"))


def _before(out: Path, told: dict[str, Any], pairs: int) -> dict[str, xr.Dataset]:
    """What an earlier result holds, by model, of what would be done again in the same way; and of
    what is not asked for now.
    """
    if not out.is_file():
        return {}
    result = results.load(out).drop_encoding()  # else longer names are cut at the next save
    facts = results.provenance_of(result)
    if (facts["pairs"], facts["steps"]) != (pairs, models.STEPS):
        return {}
    same = [name for name, said in facts["models"].items() if told.get(name, said) == said]
    told |= {name: facts["models"][name] for name in same}
    return {name: result.isel(state=np.flatnonzero(result.model == name)) for name in same}


def finished(s: LanguageSettings, work: Path, corpus: str | None, pairs: Pairs) -> xr.Dataset:
    """One training, gone on with until its end, and what was measured of it, once."""
    place = work / s.name

    def made() -> xr.Dataset:
        share_tokens(work, place)
        run = trained(s, place, corpus, show=True)
        return xr.concat(_measured(run, pairs), "state", coords="all")

    facts = {"settings": asdict(s), "pairs": len(pairs), "steps": models.STEPS}
    return results.kept(place / "measured.nc", made, **facts)


def share_tokens(work: Path, place: Path) -> None:
    """Let a run that is about to begin have the token files of another that stands beside it."""
    made = sorted(work.glob("*/data/meta.json"))
    if made and not (place / "data").exists():
        place.mkdir(parents=True, exist_ok=True)
        tie(place, {}, begin=False)
        shutil.copytree(made[0].parent, place / "data", copy_function=os.link)


def _measured(run: LanguageRun, pairs: Pairs) -> Iterator[xr.Dataset]:
    losses = {row["step"]: row["validation"] for row in begin(run)[1] if "validation" in row}
    for step, lm in stages(run):
        yield _state(run.s, run.data, step, losses[step], lm, pairs)


def _as_shipped(folder: Path, record: dict[str, Any], pairs: Pairs) -> xr.Dataset:
    """A shipped model before training and where others are compared with it."""
    s = LanguageSettings(**record["settings"])
    losses = {row["step"]: row["validation"] for row in record["log"] if "validation" in row}
    compared = {round(tokens / s.per_step) for tokens in (SCHEDULE["tokens"], STOPPED)}
    states = (
        _state(s, record["data"], k, losses[k], models.stage(folder, record, k), pairs)
        for k in sorted({0} | compared.intersection(record["checkpoints"]))
    )
    return xr.concat(states, "state", coords="all")


def _state(
    s: LanguageSettings, data: dict[str, Any], step: int, loss: float, lm: LanguageModel, p: Pairs
) -> xr.Dataset:
    curves = interpolate(Ends.of_prompts(lm, p), steps=models.STEPS).distance
    slope = np.stack([maximum_slope(read(curves, name)).values for name in models.READOUTS])
    weights = sum(each.numel() for each in lm.bridge.original_model.parameters())
    return xr.Dataset(
        {
            "slope": (("reading", "pair"), slope.astype("float32")),
            "middle": ("reading", np.median(slope, axis=-1)),
            "loss": ((), loss, {"units": "nats per token"}),
            "bits": ((), loss / math.log(2) / data["bytes_per_token"], {"units": "bits per byte"}),
            "parameters": ((), weights),
        },
        coords={
            "reading": list(models.READOUTS),
            "schedule": s.tokens,
            "step": step,
            "tokens": step * s.per_step,
        },
    )


def _packed(found: xr.Dataset) -> xr.Dataset:
    """Four decimals, compressed; pair by pair only where models are compared."""
    found = found.copy()
    last = [found.step[found.model == name].max().item() for name in found.model.values]
    # Schedules end on whole steps, not all of them on the same.
    compared = abs(found.tokens - SCHEDULE["tokens"]) < SCHEDULE["tokens"] / 100
    found["slope"] = found.slope.where(compared | (found.step == last)).round(4)
    found.slope.encoding = PACKED
    return found


def main() -> None:
    given = arguments(__doc__)
    given.add_argument("--corpus", help="a folder of text, or hub:<dataset>")
    given.add_argument("--only", choices=WHOLE, action="append", help="train no other")
    a = parsed(given)
    carry_out(a.work, a.result, a.corpus, own=a.only or tuple(WHOLE))


if __name__ == "__main__":
    sys.exit(answered(main))
