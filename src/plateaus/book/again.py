"""Part 4 on trainings whose weights do not ship: on the way through them, and of several on prose.

``python -m plateaus.book.again WORK RESULT --of way --corpus DIRECTORY`` carries out what of
``TRAININGS`` is not finished under ``WORK``, measures every checkpoint and writes ``RESULT`` after
each; with ``--of end`` it measures the last weights of those on prose.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import xarray as xr

from plateaus import results
from plateaus.book.trainings import arguments, parsed, trained
from plateaus.book.twins import of_its_own, share_tokens
from plateaus.errors import answered
from plateaus.networks.load import load
from plateaus.studies import dynamics, prose
from plateaus.studies.dynamics import FEW, PLANES
from plateaus.training.language.run import LanguageRun
from plateaus.training.language.settings import LanguageSettings, settings

TRAININGS: dict[str, Sequence[int]] = {"laboratory-6l": (1, 2), prose.MODEL: range(4)}
"""Seeds by model. The laboratory's two ship with their last weights alone."""

Made = Callable[[LanguageRun, str], xr.Dataset]


def carry_out(
    work: Path,
    out: Path,
    of: str,
    corpus: str | None = None,
    *,
    trainings: Mapping[str, Sequence[LanguageSettings]] | None = None,
) -> xr.Dataset:
    """Train and measure what is not yet in ``work``; save to ``out`` after each.

    Args:
        of: ``"way"`` or ``"end"``.
        corpus: as for ``plateaus train lm``; not needed where the token files are under ``work``.
        trainings: by model, instead of ``TRAININGS``.

    Returns:
        Of the way, along ``state``, what ``dynamics.of_state`` gives. Of the end, along
        ``training``, what ``prose.of_training`` gives.
    """
    make, along = MADE[of]
    told, rows = {}, []
    for model, every in (trainings or asked(of)).items():
        for s in every:
            rows.append(_finished(s, work / model / s.name, corpus, model, of, make))
            told[s.name] = asdict(s)
            found = xr.concat(rows, along, join="outer", combine_attrs="drop")
            results.save(found, out, trainings=told)
            print(f"{s.name} is measured", flush=True)
    return found


def asked(of: str) -> dict[str, list[LanguageSettings]]:
    """Settings of all trainings, or of those whose end is measured, by model."""
    return {
        model: [_settings(model, seed) for seed in seeds]
        for model, seeds in TRAININGS.items()
        if of == "way" or model == prose.MODEL
    }


def _settings(model: str, seed: int) -> LanguageSettings:
    own = {"name": f"{model}-seed{seed}" if seed else model, "seed": seed}
    if model == prose.MODEL:
        return of_its_own("prose-4l", **own)
    return settings(model, **own, threads=1)


def _finished(
    s: LanguageSettings, place: Path, corpus: str | None, model: str, of: str, make: Made
) -> xr.Dataset:
    """One training, gone on with until its end, and what was measured of it, once."""

    def made() -> xr.Dataset:
        if s.language == "prose":
            share_tokens(place.parent, place)
            return make(trained(s, place, corpus, show=True), model)
        return make(trained(s, place, show=True), model)

    facts = {"settings": asdict(s), "pairs": FEW, "planes": PLANES}
    found = results.kept(place / f"{of}.nc", made, **facts)
    return found.drop_encoding()  # else longer names are cut at the next save


def of_way(run: LanguageRun, model: str) -> xr.Dataset:
    """``dynamics.of_state`` of every checkpoint, along ``state``."""
    with run.exported() as folder:
        final = load(str(folder), dtype=torch.float64)
        named = {"name": model, "seed": run.s.seed, "last": run.s.last_step}
        found = xr.concat(dynamics.of_language(final, FEW, **named), "state", combine_attrs="drop")
    return found.rename(pair="line")


def of_end(run: LanguageRun, model: str) -> xr.Dataset:
    """``prose.of_training`` of the last weights, beside the run's own first ones."""
    with run.exported() as folder:
        lm = load(str(folder), dtype=torch.float64)
        return prose.of_training(lm, FEW, seed=run.s.seed)


MADE: dict[str, tuple[Made, str]] = {"way": (of_way, "state"), "end": (of_end, "training")}


def main() -> None:
    given = arguments(__doc__)
    given.add_argument("--of", choices=MADE, required=True, help="what is measured")
    given.add_argument("--corpus", help="a folder of text, or hub:<dataset>")
    a = parsed(given)
    carry_out(a.work, a.result, a.of, a.corpus)


if __name__ == "__main__":
    sys.exit(answered(main))
