"""Evidence on what foretells the place of a boundary (P4), from ``experiments.neurons``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.measures import ridge
from plateaus.measures.statistics import Measured, larger, measured

Array = np.ndarray
PERMUTED = "permuted"
"""The quantities at the ends of one pair are taken for those of another."""


def foretold(
    result: xr.Dataset, of: str = "ends", target: str = "place", *, known: bool = False
) -> Array:
    """What a ridge regression on quantities ``of`` foretells of each pair's place, from pairs that
    share no last word and no context with it; ``(pair,)``.

    Args:
        known: words may be shared, contexts not.
    """
    pairs = np.arange(result.sizes["pair"])
    order = np.random.default_rng(0).permutation(pairs) if of == PERMUTED else pairs
    gram = result.gram.sel(of="ends" if of == PERMUTED else of).values[np.ix_(order, order)]
    words = np.stack([result.word_a.values, result.word_b.values], axis=1)
    words = np.stack([2 * pairs, 2 * pairs + 1], axis=1) if known else words
    return ridge.foretold(gram, result[target].values, words, result.context.values)


def variance(result: xr.Dataset, of: str = "ends", target: str = "place", **how: bool) -> Measured:
    """Share of the variance of the places that is so explained."""
    said = foretold(result, of, target, **how)
    return measured(result[target].values, said, statistic=ridge.explained)


def order(result: xr.Dataset, of: str = "ends") -> float:
    """Of a place beyond the median and one before it, the chance that they are foretold in this
    order; 0.5 says nothing.
    """
    said, place = foretold(result, of), result.place.values
    late = place > np.median(place)
    return larger(said[late], said[~late])


def shares(result: xr.Dataset, step_0: xr.Dataset | None = None) -> dict[str, Measured]:
    """``variance`` by each of what may explain it, by name."""
    found = {
        "neurons": variance(result),
        "permuted": variance(result, PERMUTED),
        "logits": variance(result, "logits"),
        "crossings": variance(result, "crossings"),
        "neurons, words known": variance(result, known=True),
        "at the boundary": variance(result, "boundary"),
        "planted": variance(result, target="planted"),
    }
    return found | ({} if step_0 is None else {"neurons, step 0": variance(step_0)})


@criterion
def explained(result: xr.Dataset, by: Mapping[str, Measured]) -> tuple[Measured, ...]:
    """P4, from the ``shares`` of the result; controls: neurons permuted between pairs, the logits
    at both ends, how far each neuron has come at the boundary, and places made of ten neurons.
    """
    return tuple(by[k] for k in ("neurons", "permuted", "logits", "at the boundary", "planted"))
