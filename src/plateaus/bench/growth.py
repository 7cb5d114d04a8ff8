"""How time grows with what is asked for: logarithmic slopes, one thing changed at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from plateaus.bench import shapes
from plateaus.bench.timing import one_thread, processor_seconds
from plateaus.geometry import paths
from plateaus.networks.language_model import LanguageModel
from plateaus.progress import bar

BASE = {"steps": 50, "pairs": 16, "blocks": 6, "width": 256, "tokens": 10}
"""What stays while another is changed."""
RANGES = {
    "steps": (50, 100, 200, 400, 800),
    "pairs": (16, 32, 64, 128, 256),
    "blocks": (3, 6, 12, 24),
    "width": (128, 256, 512, 1024),
    "tokens": (10, 40, 160, 640),
}
PATCH = 1


def rows(repeats: int, ranges: Mapping[str, tuple[int, ...]] = RANGES) -> dict[str, dict[str, Any]]:
    """For each of ``ranges``: its values, the median seconds of one processor for an interpolation
    at each, and the exponent p of seconds ~ value^p, over all values and over the last two.
    """
    found = {}
    for name, values in ranges.items():
        asked = [BASE | {name: value} for value in values]
        seconds = [
            _seconds(one, repeats) for one in bar(asked, f"growth with {name}", at_once=True)
        ]
        found[name] = {
            "values": list(values),
            "seconds": seconds,
            "exponent": exponent(values, seconds),
            "exponent at the end": exponent(values[-2:], seconds[-2:]),
        }
    return found


def exponent(values: Any, seconds: Any) -> float:
    """The slope of log seconds against log value, by least squares."""
    return float(np.polyfit(np.log(values), np.log(seconds), 1)[0])


def _seconds(asked: Mapping[str, int], repeats: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        shape = {"blocks": asked["blocks"], "width": asked["width"], "positions": 1024}
        lm = shapes.made(folder, **shape)
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(3, lm.vocabulary, (2, asked["pairs"], asked["tokens"]), generator=draw)
    ids[1, :, :-1] = ids[0, :, :-1]
    a, b = ids.to(lm.device)
    way = lambda: interpolated(lm, a, b, asked["steps"])  # noqa: E731
    with one_thread():
        return processor_seconds(way, repeats, lm.device)


def interpolated(lm: LanguageModel, a: torch.Tensor, b: torch.Tensor, steps: int) -> torch.Tensor:
    """x_n along the segments of pairs of prompts ``(P, T)``, prefixes run anew."""
    net = lm.at(a[:, :-1])
    ends = net.states(torch.stack([a[:, -1], b[:, -1]], dim=1), block=PATCH)
    return net[PATCH:](paths.segment(ends[:, 0], ends[:, 1], steps=steps))
