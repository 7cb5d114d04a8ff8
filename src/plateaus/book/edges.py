"""How much training sharpens the edges of regions, in trainings on stories and on shuffled words.

``python -m plateaus.book.edges WORK RESULT`` trains every network that is not yet finished under
``WORK``, measures it, and writes ``RESULT`` after each. Trainings on stories ship with the book;
those on shuffled words are shorter, since nothing but the frequencies of words can be learnt from
them. A training on stories that is as short stands beside, and one on shuffled words that is as
long.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr

from plateaus import results
from plateaus.book.provenance import source_digest, versions
from plateaus.book.trainings import arguments, parsed, stages, trained
from plateaus.data import prompts
from plateaus.errors import answered
from plateaus.evidence.regions import edge_shares
from plateaus.experiments.regions import triples
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.studies.plateaus import TEXTS, TRAININGS
from plateaus.training.language.settings import LanguageSettings, settings

STORIES, SHUFFLED = TEXTS
SHORT_STORIES = "stories, as short"
LONG_SHUFFLED = "shuffled, as long"
PRESET = "laboratory-6l"
SHORT = {"tokens": 500_000, "corpus_tokens": 500_000}
"""A tenth of what the shipped trainings have read."""
CHANGES = {
    SHUFFLED: {"words": "shuffled", **SHORT},
    SHORT_STORIES: {"words": "in order", **SHORT},
    LONG_SHUFFLED: {"words": "shuffled"},
}
NAMES = {SHUFFLED: "shuffled", SHORT_STORIES: "in-order", LONG_SHUFFLED: "shuffled-long"}
SEEDS = {SHUFFLED: range(1, 5), SHORT_STORIES: range(1, 2), LONG_SHUFFLED: range(1, 2)}
"""Four on shuffled words: where none of three has sharpened, Wilson's interval still reaches beyond
a half. One on stories, to see that so short a training can sharpen edges; one on shuffled words, to
see whether a long one sharpens them.
"""
PLANES, RESOLUTION, TOKENS = 20, 15, 10
"""As in the chapter on regions."""


def recipe(text: str, seed: int, **changes: object) -> LanguageSettings:
    """A training with the network and the rates of the shipped ones."""
    own = {"checkpoints": 0, "threads": 1, **CHANGES[text]}
    return settings(PRESET, name=f"{NAMES[text]}-seed{seed}", seed=seed, **own | changes)


def carry_out(
    work: Path,
    out: Path,
    *,
    shipped: Sequence[str] = TRAININGS,
    seeds: Mapping[str, Sequence[int]] = SEEDS,
    **changes: object,
) -> xr.Dataset:
    """Measure the ``shipped`` trainings, train and measure those of ``seeds``, save to ``out``.

    Returns:
        ``edge_share``, dims ``training, weights, triple``: the share of a plane's colour change in
        its steepest fifth; coordinates ``text`` ("stories", "shuffled", "stories, as short",
        "shuffled, as long") and ``seed`` of each training. The planes run through activations of
        the same prompts in all of them.
    """
    found: list[xr.Dataset] = []
    said = {}
    for seed, name in enumerate(shipped):
        lm = load(name)
        found.append(of_training(lm, lm.step_zero(seed), text=STORIES, seed=seed))
    for text, seed in ((t, k) for t, some in seeds.items() for k in some):
        s = recipe(text, seed, **changes)
        found.append(finished(s, work / s.name, text))
        said[s.name] = asdict(s)
        joined = xr.concat(found, "training").assign_attrs(model=PRESET)
        joined.edge_share.encoding = {"zlib": True, "complevel": 9}
        results.save(
            joined,
            out,
            command=shlex.join(["python", "-m", __spec__.name, "WORK", out.name]),
            settings=said,
            source=source_digest(),
            versions=versions(),
        )
        gain = joined.edge_share.median("triple").diff("weights").values[-1, 0]
        print(f"{s.name}: median edge share grew by {gain:+.3f}", flush=True)
    return joined


def of_training(lm: LanguageModel, lm_0: LanguageModel, **named: object) -> xr.Dataset:
    """Edge shares of one training before and after."""
    asked = prompts.unrelated(lm, 2 * PLANES, tokens=TOKENS)
    shares = [edge_shares(triples(net, asked, PLANES, resolution=RESOLUTION)) for net in (lm_0, lm)]
    return xr.Dataset(
        {"edge_share": (("weights", "triple"), np.float32(shares))},
        coords={"weights": ["step 0", "trained"], **named},
    )


def finished(s: LanguageSettings, work: Path, text: str) -> xr.Dataset:
    """One training, gone on with until its end, and what was measured of it, once."""

    def made() -> xr.Dataset:
        (_, first), *_, (_, last) = stages(trained(s, work))
        return of_training(last, first, text=text, seed=s.seed)

    return results.kept(work / "edges.nc", made, settings=asdict(s))


def main() -> None:
    a = parsed(arguments(__doc__))
    carry_out(a.work, a.result)


if __name__ == "__main__":
    sys.exit(answered(main))
