"""`plateaus bench`: what the prefix cache and batching save, as ratios measured in one run.

Ratios in one run, never a timed test: seconds belong to a machine and to what else it was doing.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from plateaus import results
from plateaus.errors import BadParameter
from plateaus.geometry import paths
from plateaus.networks import source
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.training.language.speed import throughput

PAIRS, TOKENS, POINTS, PATCH = 16, 10, 50, 1
OURS = "ours, prefixes set up anew"
PLAIN = "plain hooks, points in a batch"


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
    single = {
        "plain hooks, point by point": lambda: by_hooks(raw, a[:1], b[:1], batch=1),
        PLAIN: lambda: by_hooks(raw, a[:1], b[:1], batch=POINTS),
        OURS: lambda: by_prefix(lm, a[:1], b[:1]),
        "ours, prefix at hand": lambda: tail(points)[None],
    }
    many = {
        PLAIN: lambda: by_hooks(raw, a, b, batch=POINTS),
        OURS: lambda: by_prefix(lm, a, b),
    }
    peak, seconds = matrix_product_peak(lm.device), {}
    rows = {
        f"one pair, {POINTS} points": _compare(single, repeats, lm.device, seconds),
        f"{PAIRS} pairs in their contexts": _compare(many, repeats, lm.device, {}),
    }
    weights = sum(
        p.numel() for block in blocks(raw)[PATCH:] for p in block.parameters() if p.ndim > 1
    )
    return {
        "device": str(lm.device),
        "points": POINTS,
        "tokens": TOKENS,
        "blocks after the patch": len(lm) - PATCH,
        "ways": rows,
        "matrix-product peak [GFLOP/s]": round(peak / 1e9, 1),
        "fraction of the peak": 2 * weights * POINTS / seconds["ours, prefix at hand"] / peak,
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


@torch.no_grad()
def by_hooks(raw: nn.Module, a: Tensor, b: Tensor, *, batch: int) -> Tensor:
    """The same by whole prompts and hooks on the library's model, ``batch`` points at once."""
    layers, seen = blocks(raw), {}

    def note(_module: Any, args: Any) -> None:
        seen["enters"] = args[0][:, -1].clone()

    def read(_module: Any, _args: Any, out: Any) -> None:
        seen["leaves"] = (out if isinstance(out, Tensor) else out[0])[:, -1].clone()

    def put(_module: Any, args: Any) -> None:
        args[0][:, -1] = seen["points"]

    with layers[PATCH].register_forward_pre_hook(note):
        raw.base_model(torch.cat([a, b]), use_cache=False)
    found = []
    for prompt, x in zip(a, paths.segment(*seen["enters"].chunk(2), steps=POINTS), strict=True):
        for seen["points"] in x.split(batch):
            with ExitStack() as hooks:
                hooks.enter_context(layers[PATCH].register_forward_pre_hook(put))
                hooks.enter_context(layers[-1].register_forward_hook(read))
                raw.base_model(prompt.expand(len(seen["points"]), -1), use_cache=False)
            found.append(seen["leaves"])
    return torch.cat(found).unflatten(0, (len(a), POINTS))


def plain(name: str, lm: LanguageModel) -> nn.Module:
    """The same weights as the library loads them by itself, with its own choice of attention."""
    from transformers import AutoModelForCausalLM

    where = source.find(name)
    model = AutoModelForCausalLM.from_pretrained(
        where.weights, dtype=lm.dtype, trust_remote_code=False, **where.revision
    )
    return model.to(lm.device).eval().requires_grad_(False)


def blocks(raw: nn.Module) -> nn.ModuleList:
    """The blocks of a model of the library."""
    depth = raw.config.get_text_config().num_hidden_layers
    lists = (m for m in raw.modules() if isinstance(m, nn.ModuleList))
    return next(found for found in lists if len(found) == depth)


def median_seconds(way: Callable[[], Any], repeats: int, device: torch.device) -> float:
    """Median wall time until the device is done, after one call that is not counted."""
    way()
    times = []
    for _ in range(repeats):
        _wait(device)
        start = time.perf_counter()
        way()
        _wait(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def matrix_product_peak(device: torch.device, repeats: int = 10) -> float:
    """FLOP/s of a large float32 product on ``device``, the ceiling that the fraction refers to."""
    size = 1024 if device.type == "cpu" else 8192
    x, y = torch.randn(2, size, size, device=device)
    return 2 * size**3 / median_seconds(lambda: x @ y, repeats, device)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


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
    if "training" in figures:
        lines += ["", *_training(figures["training"])]
    return "\n".join(lines)


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
