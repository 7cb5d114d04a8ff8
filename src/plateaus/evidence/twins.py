"""Prose models at equal tokens, from ``book.twins``: what size, architecture and the place on the
schedule change. Each is one training, so that intervals are over pairs.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.paired import gap
from plateaus.evidence.training import on_the_way
from plateaus.measures.statistics import Measured, median

COMPARED = {
    "12 blocks minus 4": ("prose-12l", "prose-4l", 20),
    "width 120 minus 60": ("prose-12l", "prose-12l-w60", 20),
    "Llama's minus GPT-2's": ("prose-12l-llama", "prose-12l", 20),
    "rate that falls minus steady, 4 blocks": ("prose-4l-2.5m", "prose-4l-2.5m-steady", 2.5),
    "rate that falls minus steady, 12 blocks": ("prose-12l-2.5m", "prose-12l-2.5m-steady", 2.5),
    "own schedule minus a longer one": ("prose-12l-2.5m", "prose-12l", 2.5),
    "12 blocks minus 4, own schedules": ("prose-12l-2.5m", "prose-4l-2.5m", 2.5),
}
"""Models that differ in this alone, and after how many million tokens of the same text. On the
longer schedule the rate has just risen at 2.5 million tokens: there the rise differs as well.
"""
MAKES = 0.25
"""The fall of the rate makes slope if the whole interval over pairs of what it adds is above this,
and not if none of it is; as for every slope that is said to have grown.
"""


def states(result: xr.Dataset, model: str) -> xr.Dataset:
    """Those of one model, in the order of training."""
    return result.isel(state=np.flatnonzero(result.model == model)).sortby("step")


def at(result: xr.Dataset, model: str, tokens: float) -> xr.Dataset:
    """The state of a model that is nearest to so many million tokens."""
    every = states(result, model)
    return every.isel(state=int(np.argmin(abs(every.tokens.values - tokens * 1e6))))


def slopes_of(result: xr.Dataset, model: str, tokens: float, reading: str = "stream") -> np.ndarray:
    """Its maximum slopes ``(pair,)``."""
    return at(result, model, tokens).slope.sel(reading=reading).values.astype(float)


def slope(result: xr.Dataset, model: str, tokens: float, reading: str = "stream") -> Measured:
    """Their median."""
    return median(slopes_of(result, model, tokens, reading))


def there(result: xr.Dataset) -> dict[str, tuple[str, str, float]]:
    """The comparisons of which both models are in the result."""
    known = set(result.model.values.tolist())
    return {name: each for name, each in COMPARED.items() if known.issuperset(each[:2])}


def apart(
    result: xr.Dataset, one: str, other: str, tokens: float, reading: str = "stream"
) -> Measured:
    """Median slope of one model minus that of another, pairs drawn anew together."""
    return gap(*(slopes_of(result, model, tokens, reading) for model in (one, other)))


def loss_apart(result: xr.Dataset, one: str, other: str, tokens: float) -> float:
    """Held-out loss of one minus that of the other [nats per token]."""
    ends = [float(at(result, model, tokens).loss) for model in (one, other)]
    return ends[0] - ends[1]


def middles(
    result: xr.Dataset, model: str, reading: str = "stream"
) -> tuple[np.ndarray, np.ndarray]:
    """Held-out losses of one model through its training, and its median slopes."""
    every = states(result, model)
    return every.loss.values, every.middle.sel(reading=reading).values


def at_its_loss(result: xr.Dataset, one: str, other: str) -> tuple[float, float]:
    """Median slope at the end of one training, and of another where its loss first falls to the
    same; NaN if it never does.
    """
    way, of = middles(result, one), middles(result, other)
    return float(way[1][-1]), on_the_way(*of, float(way[0][-1]))
