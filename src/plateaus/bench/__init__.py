"""`plateaus bench`: what the prefix cache and batching save, as ratios measured in one run.

Ratios in one run, never a timed test: seconds belong to a machine and to what else it was doing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from plateaus import results
from plateaus.bench import mechanism
from plateaus.bench.plain import blocks, by_hooks, plain
from plateaus.bench.timing import matrix_product_peak, median_seconds
from plateaus.errors import BadParameter
from plateaus.geometry import paths
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.training.language.speed import throughput

PAIRS, TOKENS, POINTS, PATCH = 16, 10, 50, 1
OURS = "ours, prefixes set up anew"
PLAIN = "plain hooks, points in a batch"
ONE_BY_ONE = "plain hooks, point by point"


def bench(out: Path, *, model: str | None = None, repeats: int = 5) -> dict[str, Any]:
    """Measure ``model`` (default: a GPT-2-small shape with random weights and an embedded model);
    write and return the figures.

    Raises:
        BadParameter: fewer than one repeat.
    """
    if repeats < 1:
        raise BadParameter(
            f"A time is the median of at least one run, got repeats={repeats}: give 1 or more."
        )
    figures: dict[str, Any] = {"threads": torch.get_num_threads(), "models": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in [model] if model else [_gpt2_small_shape(folder), "laboratory-12l"]:
            lm = load(name)
            if name == folder:
                lm = replace(lm, name="GPT-2 small's shape, random weights")
            figures["models"][lm.name] = measure(lm, plain(name, lm), repeats)
    if not model:
        figures["training"] = throughput()
    results.write_json(figures, out)
    return figures


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
    """Seconds of each way, how many times as long as ours, and how far it is from the first."""
    reference = next(iter(ways.values()))()
    for name, way in ways.items():
        slow = name.startswith("plain")
        seconds[name] = median_seconds(way, max(1, repeats // 2) if slow else repeats, device)
    return {
        name: {
            "seconds": seconds[name],
            "times ours": seconds[name] / seconds[OURS],
            "relative difference": ((way() - reference).norm() / reference.norm()).item(),
        }
        for name, way in ways.items()
    }


def by_prefix(lm: LanguageModel, a: Tensor, b: Tensor) -> Tensor:
    """x_n along the segments of P pairs of prompts ``(P, T)``: ``(P, POINTS, d)``, in their
    contexts.
    """
    net = lm.at(a[:, :-1])
    ends = net.states(torch.stack([a[:, -1], b[:, -1]], dim=1), block=PATCH)
    return net[PATCH:](paths.segment(ends[:, 0], ends[:, 1], steps=POINTS))


def table(figures: dict[str, Any]) -> str:
    """The figures as text, one line for each way."""
    lines = [f"{figures['threads']} threads"]
    for name, row in figures["models"].items():
        lines.append(
            f"\n{name}: {row['tokens']}-token prompts, {row['blocks after the patch']} blocks "
            f"after the patch, on {row['device']}"
        )
        for what, ways in row["ways"].items():
            lines.append(f"  {what}")
            lines += [
                f"    {way:<34} {r['seconds'] * 1e3:9.1f} ms  {r['times ours']:7.1f} x ours  "
                f"differs by {r['relative difference']:.0e}"
                for way, r in ways.items()
            ]
        lines.append(
            f"  with the prefix at hand ours reaches {row['fraction of the peak']:.0%} of the "
            f"float32 matrix-product peak, {row['matrix-product peak [GFLOP/s]']} GFLOP/s"
        )
        lines += _ratios(row["ratios"])
    if "training" in figures:
        lines += ["", *_training(figures["training"])]
    return "\n".join(lines)


def _ratios(ratios: dict[str, Any]) -> list[str]:
    peak = ratios["fraction_of_peak"]
    return [
        *(
            f"    {name:<34} {row['seconds'] * 1e3:9.1f} ms  plain {row['times ours']:9.1f} x"
            for name, row in ratios.items()
            if name != "fraction_of_peak"
        ),
        f"    {'fraction_of_peak':<34} {peak:.0%} with {PAIRS * POINTS} points at once",
    ]


def _training(row: dict[str, float]) -> list[str]:
    ours, plain = row["tokens_per_second"], row["plain_tokens_per_second"]
    return [
        f"training prose-12l: bfloat16 matrix-product peak here {row['peak'] / 1e9:.0f} GFLOP/s",
        f"  {'the recipe':<42} {ours:9,.0f} tokens/s  {row['fraction']:.0%} of the peak",
        f"  {'the plain model, uncompiled, AdamW':<42} {plain:9,.0f} tokens/s  "
        f"{row['plain_fraction']:.0%} of the peak; the recipe is {ours / plain:.1f} times as fast",
    ]


def _gpt2_small_shape(folder: str) -> str:
    """GPT-2 small's shape with random weights and a small vocabulary: speed depends on neither."""
    from tokenizers import Tokenizer, models
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, logging

    logging.disable_progress_bar()
    GPT2LMHeadModel(GPT2Config(vocab_size=1024, bos_token_id=0, eos_token_id=0)).save_pretrained(
        folder
    )
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(1024)}, unk_token="w0"))
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0").save_pretrained(folder)
    return folder
