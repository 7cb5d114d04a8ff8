"""Prose models at equal tokens, from ``book.twins``: what size, architecture and the place on the
schedule change. Each is one training, so that intervals are over pairs.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from plateaus.evidence.paired import gap
from plateaus.measures.statistics import Measured, median

COMPARED = {
    "12 blocks minus 4": ("prose-12l", "prose-4l", 20),
    "width 120 minus 60": ("prose-12l", "prose-12l-w60", 20),
    "Llama's minus GPT-2's": ("prose-12l-llama", "prose-12l", 20),
    "own schedule minus a longer one": ("prose-12l-5m", "prose-12l", 5),
    "12 blocks minus 4, own schedules": ("prose-12l-5m", "prose-4l-5m", 5),
}
"""Models that differ in this alone, and after how many million tokens of the same text."""


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
