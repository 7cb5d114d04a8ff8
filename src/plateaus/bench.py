"""`plateaus bench`: what the prefix cache and batching save, as ratios measured in one run.

Ratios in one run, never a timed test: seconds belong to a machine and to what else it was doing.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plateaus import results
from plateaus.geometry import paths
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load
from plateaus.training.lm_speed import throughput

TOKENS, POINTS, PATCH = 10, 50, 1


def bench(out: Path, *, model: str | None = None, repeats: int = 5) -> dict[str, Any]:
    """Measure ``model`` (default: a GPT-2-small shape with random weights and an embedded model);
    write and return the figures.
    """
    names = [model] if model else [_gpt2_small_shape, "laboratory-12l"]
    peak = matrix_product_peak()
    figures = {
        "threads": torch.get_num_threads(),
        "float32 matrix-product peak [GFLOP/s]": round(peak / 1e9, 1),
        "models": {},
    }
    for name in names:
        lm = name() if callable(name) else load(name)
        figures["models"][lm.name] = measure(lm, peak, repeats)
    if not model:
        figures["training"] = throughput()
    results.write_json(figures, out)
    return figures


def measure(lm: LanguageModel, peak: float, repeats: int) -> dict[str, Any]:
    """Four ways to move one activation through all blocks after the patch, slowest first."""
    ids = torch.randint(
        3, lm.bridge.cfg.d_vocab, (TOKENS,), generator=torch.Generator().manual_seed(0)
    ).to(lm.device)
    net = lm.at(ids[:-1])
    a, b = net.states(ids[[-1, -2]], block=PATCH)
    points = paths.segment(a, b, steps=POINTS)
    tail = net[PATCH:]
    ways: dict[str, Callable[[], Tensor]] = {
        "full prompt, hooks, point by point": lambda: torch.cat(
            [full_prompt(lm, ids, x[None]) for x in points]
        ),
        "full prompt, hooks, batched": lambda: full_prompt(lm, ids, points),
        "one token, cached prefix, point by point": lambda: torch.stack([tail(x) for x in points]),
        "one token, cached prefix, batched": lambda: tail(points),
    }
    reference = ways["full prompt, hooks, point by point"]()
    rows, ours = {}, median_seconds(ways["one token, cached prefix, batched"], repeats)
    for name, way in ways.items():
        seconds = (
            ours
            if way is ways["one token, cached prefix, batched"]
            else median_seconds(way, max(1, repeats // 2))
        )
        difference = ((way() - reference).norm() / reference.norm()).item()
        rows[name] = {
            "seconds": seconds,
            "times ours": seconds / ours,
            "relative difference": difference,
        }
    work = 2 * sum(
        p.numel()
        for block in lm.bridge.original_model.modules()
        if _is_layer(block, lm)
        for p in block.parameters()
    )
    flops = work * (len(lm) - PATCH) / len(lm) * POINTS
    return {
        "points": POINTS,
        "tokens": TOKENS,
        "blocks after the patch": len(lm) - PATCH,
        "ways": rows,
        "fraction of the matrix-product peak": flops / ours / peak,
    }


def full_prompt(lm: LanguageModel, ids: Tensor, points: Tensor) -> Tensor:
    """The usual way: run the whole prompt for every point with a hook, read the last stream; logits
    come along.
    """
    seen: dict[str, Tensor] = {}

    def patch(stream: Tensor, hook: Any) -> Tensor:
        stream = stream.clone()
        stream[:, -1] = points
        return stream

    def record(stream: Tensor, hook: Any) -> None:
        seen["stream"] = stream[:, -1].clone()

    with torch.no_grad():
        lm.bridge.run_with_hooks(
            ids.expand(len(points), -1),
            fwd_hooks=[
                (f"blocks.{PATCH}.hook_in", patch),
                (f"blocks.{len(lm) - 1}.hook_out", record),
            ],
        )
    return seen["stream"]


def median_seconds(way: Callable[[], Any], repeats: int) -> float:
    """Median wall time after one call that is not counted."""
    way()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        way()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def matrix_product_peak(size: int = 1024, repeats: int = 10) -> float:
    """FLOP/s of a large float32 product on the CPU, the ceiling that the fraction refers to."""
    x, y = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / median_seconds(lambda: x @ y, repeats)


def table(figures: dict[str, Any]) -> str:
    """The figures as text, one line for each way."""
    lines = [
        f"float32 matrix-product peak here: {figures['float32 matrix-product peak [GFLOP/s]']} GFLOP/s on {figures['threads']} threads"
    ]
    for name, row in figures["models"].items():
        lines.append(
            f"\n{name}: {row['points']} points, {row['tokens']}-token prompt, {row['blocks after the patch']} blocks after the patch"
        )
        for way, r in row["ways"].items():
            lines.append(
                f"  {way:<42} {r['seconds'] * 1e3:9.1f} ms  {r['times ours']:7.1f} x ours  differs by {r['relative difference']:.0e}"
            )
        lines.append(f"  ours reaches {row['fraction of the matrix-product peak']:.0%} of the peak")
    if "training" in figures:
        lines += ["", *_training(figures["training"])]
    return "\n".join(lines)


def _training(row: dict[str, float]) -> list[str]:
    ours, plain = row["tokens_per_second"], row["plain_tokens_per_second"]
    return [
        f"training prose-12l: bfloat16 matrix-product peak here {row['peak'] / 1e9:.0f} GFLOP/s",
        f"  the recipe                                 {ours:9,.0f} tokens/s  {row['fraction']:.0%} of the peak",
        f"  the library's model, uncompiled, AdamW     {plain:9,.0f} tokens/s  {row['plain_fraction']:.0%} of the peak; "
        f"the recipe is {ours / plain:.1f} times as fast",
    ]


def _is_layer(module: torch.nn.Module, lm: LanguageModel) -> bool:
    return any(module is block for block in lm.bridge.blocks)


def _gpt2_small_shape() -> LanguageModel:
    """GPT-2 small's shape with random weights and a small vocabulary: speed depends on neither."""
    from tokenizers import Tokenizer, models
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, logging

    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        GPT2LMHeadModel(
            GPT2Config(vocab_size=1024, bos_token_id=0, eos_token_id=0)
        ).save_pretrained(folder)
        words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(1024)}, unk_token="w0"))
        PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0").save_pretrained(folder)
        lm = load(folder)
    object.__setattr__(lm, "name", "GPT-2 small's shape, random weights")
    return lm
