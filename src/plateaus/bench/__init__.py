"""`plateaus bench`: what the prefix cache and batching save, as ratios measured in one run.

Ratios in one run, never a timed test: seconds belong to a machine and to what else it was doing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from plateaus import disk, results
from plateaus.bench import about, growth, mechanism, memory, shapes, wholes
from plateaus.bench.bound import shares
from plateaus.bench.plain import blocks, by_hooks, plain
from plateaus.bench.timing import matrix_product_peak, median_seconds
from plateaus.bench.words import table
from plateaus.book.provenance import versions
from plateaus.data import sources
from plateaus.errors import BadParameter
from plateaus.geometry import paths
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.progress import bar, goes_to
from plateaus.training.language.speed import plain_step, throughput

SECTIONS: dict[str, Callable[[int], dict[str, Any]]] = {
    "models": lambda repeats: _models(["gpt2-shape", "laboratory-12l"], repeats),
    "wholes": lambda repeats: wholes.rows(repeats),
    "growth": lambda repeats: growth.rows(repeats),
    "memory": lambda repeats: memory.rows(),
    "training": lambda repeats: _training(),
}
"""What can be measured, by the name of its figures; the last one is the only one on all threads."""
PAIRS, TOKENS, POINTS, PATCH = 16, 10, 50, 1
__all__ = ["bench", "table"]
OURS = "ours, prefixes set up anew"
PLAIN = "plain hooks, points in a batch"
ONE_BY_ONE = "plain hooks, point by point"


def bench(
    out: Path,
    *,
    model: str | None = None,
    repeats: int = 5,
    only: Sequence[str] = tuple(SECTIONS),
) -> dict[str, Any]:
    """Measure, write and return the figures; each section is written when it is whole, and those of
    the same machine that are not measured now stay in the file.

    Args:
        model: the only one to measure, beside those of the same machine that the file holds: an
            embedded name, a directory, a hub id or, with random weights, one of
            ``shapes.SHAPES`` (default: all sections, on GPT-2 small's shape and on an embedded
            model).
        only: the sections to measure, of ``SECTIONS``.

    Raises:
        BadParameter: fewer than one repeat, a section that does not exist, or no language model;
            NotSaved: nothing can be written to the place of ``out``.
    """
    if repeats < 1:
        raise BadParameter(
            f"A time is the median of at least one run, got repeats={repeats}: give 1 or more."
        )
    if unknown := [name for name in only if name not in SECTIONS]:
        raise BadParameter(f"There is no section {unknown[0]!r}: choose of {', '.join(SECTIONS)}.")
    if out.is_dir():
        raise BadParameter(f"--out {out} is a folder: give the name of a file for the figures.")
    disk.check_writable(out.parent)
    here = {"machine": about.machine(), "threads": torch.get_num_threads(), "versions": versions()}
    figures = {**_kept(out, here), **here}
    goes_to(out)
    chosen = list(only) if model is None else ["models"]
    for name in bar(chosen, "sections", at_once=True):
        if model is None:
            figures[name] = SECTIONS[name](repeats)
        else:
            figures[name] = figures.get(name, {}) | _models([model], repeats)
        results.write_json(figures, out)
    return figures


def _models(asked: Sequence[str], repeats: int) -> dict[str, Any]:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in asked:
            shape = shapes.SHAPES.get(name)
            place = name if shape is None else shapes.save(f"{folder}/{name}", **shape)
            lm = load(place)
            sources.served(lm)
            if len(lm) <= PATCH:
                raise BadParameter(
                    f"{lm.name} has {len(lm)} blocks, and activations are moved before block "
                    f"{PATCH}: give a deeper model."
                )
            raw = plain(place, lm)
            if shape is not None:
                lm = replace(lm, name=f"{name}, random weights")
            found[lm.name] = measure(lm, raw, repeats)
    return found


def _training() -> dict[str, Any]:
    figures, learn = throughput(), plain_step()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return figures | {"plain_shares": shares(learn, device)}


def _kept(out: Path, here: dict[str, Any]) -> dict[str, Any]:
    """What the file holds, if it was measured on this machine with the same packages."""
    try:
        found = json.loads(out.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    same = isinstance(found, dict) and all(found.get(k) == v for k, v in here.items())
    return found if same else {}


def measure(lm: LanguageModel, raw: nn.Module, repeats: int) -> dict[str, Any]:
    """Our evaluation against plain transformers with hooks, on a single pair and on many.

    Both move activations from one prompt to another of the same context through all blocks after
    the patch and read the last stream; logits are computed by neither.
    """
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(3, lm.vocabulary, (2, PAIRS, TOKENS), generator=draw).to(lm.device)
    ids[1, :, :-1] = ids[0, :, :-1]
    a, b = ids
    net = lm.at(a[:1, :-1])
    points = paths.segment(
        *net.states(torch.stack([a[0, -1], b[0, -1]]), block=PATCH), steps=POINTS
    )
    tail = net[PATCH:]
    hooks = partial(by_hooks, raw, patch=PATCH, steps=POINTS)
    single = {
        ONE_BY_ONE: lambda: hooks(a[:1], b[:1], batch=1),
        PLAIN: lambda: hooks(a[:1], b[:1], batch=POINTS),
        OURS: lambda: by_prefix(lm, a[:1], b[:1]),
        "ours, prefix at hand": lambda: tail(points)[None],
    }
    many = {
        PLAIN: lambda: hooks(a, b, batch=POINTS),
        OURS: lambda: by_prefix(lm, a, b),
    }
    peak, seconds = matrix_product_peak(lm.device), {}
    many_points = points.repeat(PAIRS, 1)
    large = median_seconds(lambda: tail(many_points), repeats, lm.device)
    rows = {
        f"one pair, {POINTS} points": _compare(single, repeats, lm.device, seconds),
        f"{PAIRS} pairs in their contexts": _compare(many, repeats, lm.device, {}),
    }
    weights = sum(
        p.numel() for block in blocks(raw)[PATCH:] for p in block.parameters() if p.ndim > 1
    )
    of_one = rows[f"one pair, {POINTS} points"]
    return {
        "device": str(lm.device),
        "points": POINTS,
        "tokens": TOKENS,
        "blocks after the patch": len(lm) - PATCH,
        "points at once": len(many_points),
        "ways": rows,
        "matrix-product peak [GFLOP/s]": round(peak / 1e9, 1),
        "fraction of the peak": 2 * weights * POINTS / seconds["ours, prefix at hand"] / peak,
        "ratios": {
            "interpolation_vs_batched_hooks": of_one[PLAIN],
            "interpolation_vs_pointwise_hooks": of_one[ONE_BY_ONE],
            **mechanism.rows(lm, raw, a[:1], points, patch=PATCH, repeats=repeats),
            "fraction_of_peak": 2 * weights * len(many_points) / large / peak,
        },
    }


def _compare(
    ways: dict[str, Callable[[], Tensor]],
    repeats: int,
    device: torch.device,
    seconds: dict[str, float],
) -> dict[str, dict[str, float]]:
    """Seconds of each way, how many times as long as ours, how far it is from the first and, of
    ours, what they are spent on.
    """
    found: dict[str, Tensor] = {}
    for name, way in ways.items():

        def run(name: str = name, way: Callable[[], Tensor] = way) -> None:
            found[name] = way()

        some = max(1, repeats // 2) if name.startswith("plain") else repeats
        seconds[name] = median_seconds(run, some, device)
    reference = found[next(iter(ways))]
    return {
        name: {
            "seconds": seconds[name],
            "times ours": seconds[name] / seconds[OURS],
            "relative difference": ((found[name] - reference).norm() / reference.norm()).item(),
            **({"shares": shares(way, device)} if name.startswith("ours") else {}),
        }
        for name, way in ways.items()
    }


def by_prefix(lm: LanguageModel, a: Tensor, b: Tensor) -> Tensor:
    """x_n along the segments of P pairs of prompts ``(P, T)``: ``(P, POINTS, d)``, in their
    contexts.
    """
    return growth.interpolated(lm, a, b, POINTS)
