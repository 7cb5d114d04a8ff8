"""Do slopes follow what prompts mean, or their last word? Pairs whose meaning is a fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr

from plateaus.data import one_word, sources
from plateaus.data.meaning import DIFFERENT, SIMILAR
from plateaus.data.pairs import Pairs
from plateaus.experiments.ends import Ends
from plateaus.experiments.interpolation import interpolate
from plateaus.experiments.sharpness import slopes
from plateaus.networks.language_model import LanguageModel

WORDS = "words"
KINDS = (DIFFERENT, SIMILAR, WORDS)
"""Same last word and different meaning, same last word and one meaning, different last words and
one meaning."""


def known_pairs(
    lm: LanguageModel, similar: Pairs | None, *, tokens: int = 10, seed: int = 0
) -> dict[str, Pairs]:
    """Pairs of each of ``KINDS``, as many as there are ``similar`` ones, which share all but the
    last word; none for a model that does not speak the grammar.
    """
    if similar is None or not sources.speaks_grammar(lm):
        return {}
    asked = {"tokens": tokens, "seed": seed}
    return one_word.same_last_word(lm, len(similar), **asked) | {WORDS: similar}


def by_kind(lm: LanguageModel, pairs: Mapping[str, Pairs], *, steps: int = 50) -> xr.Dataset:
    """Maximum ``slope`` of d(alpha)/d(1), dims ``kind, pair``; NaN without such pairs."""
    shape = len(KINDS), max(map(len, pairs.values()), default=1)
    slope = np.full(shape, np.nan)
    for row, kind in zip(slope, KINDS, strict=True):
        if kind in pairs:
            found = interpolate(Ends.of_prompts(lm, pairs[kind]), steps=steps, readouts=False)
            row[:] = slopes(found)
    data = {"slope": (("kind", "pair"), slope, {"units": "1"})}
    coords = {"kind": list(KINDS), "pair": range(shape[1])}
    return xr.Dataset(data, coords=coords, attrs={"model": lm.name, "steps": steps})


def together(trained: Mapping[str, xr.Dataset], step_0: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Results of ``by_kind`` (model -> result) side by side; dims ``weights, model`` and theirs."""
    options = {"join": "outer", "combine_attrs": "drop_conflicts"}
    weights = [
        xr.concat(rows.values(), _named("model", rows), **options) for rows in (trained, step_0)
    ]
    return xr.concat(weights, _named("weights", ("trained", "step 0")), **options)


def _named(dim: str, labels: Iterable[str]) -> xr.DataArray:
    return xr.DataArray(list(labels), dims=dim, name=dim)
