"""The figures of a benchmark as text for a terminal."""

from __future__ import annotations

from typing import Any

from plateaus.bench.bound import bound


def table(figures: dict[str, Any]) -> str:
    """The figures as text, one line for each way."""
    lines = [", ".join(f"{v}" for v in figures["machine"].values())]
    lines += [f"{figures['threads']} threads"]
    for name, row in figures.get("models", {}).items():
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
        lines += _ratios(row["ratios"], row["points at once"])
    for name, told in SECTIONS.items():
        if name in figures:
            lines += ["", *told(figures[name])]
    return "\n".join(lines)


def _ratios(ratios: dict[str, Any], points: int) -> list[str]:
    peak = ratios["fraction_of_peak"]
    return [
        *(
            f"    {name:<34} {row['seconds'] * 1e3:9.1f} ms  plain {row['times ours']:9.1f} x"
            for name, row in ratios.items()
            if name != "fraction_of_peak"
        ),
        f"    {'fraction_of_peak':<34} {peak:.0%} with {points} points at once",
    ]


def _training(row: dict[str, float]) -> list[str]:
    ours, plain = row["tokens_per_second"], row["plain_tokens_per_second"]
    return [
        f"training prose-12l: bfloat16 matrix-product peak here {row['peak'] / 1e9:.0f} GFLOP/s",
        f"  {'the recipe':<42} {ours:9,.0f} tokens/s  {row['fraction']:.0%} of the peak",
        f"  {'the plain model, uncompiled, AdamW':<42} {plain:9,.0f} tokens/s  "
        f"{row['plain_fraction']:.0%} of the peak; the recipe is {ours / plain:.1f} times as fast",
    ]


def _wholes(rows: dict[str, Any]) -> list[str]:
    return [
        f"    {name:<34} {row['seconds'] * 1e3:9.1f} ms  {bound(row['shares'])}; {row['size']}"
        for name, row in rows.items()
    ]


def _growth(rows: dict[str, Any]) -> list[str]:
    return [
        f"time grows as {name}^{row['exponent']:.2f} from {row['values'][0]} to "
        f"{row['values'][-1]}, as ^{row['exponent at the end']:.2f} at the end"
        for name, row in rows.items()
    ]


def _memory(row: dict[str, Any]) -> list[str]:
    told = zip(row["pairs"], row["bytes"], strict=True)
    peaks = ", ".join(f"{n:,} pairs {size / 2**20:,.0f} MiB" for n, size in told)
    return [f"peak memory {peaks}: {row['growth']:+.1%}"]


SECTIONS = {"wholes": _wholes, "growth": _growth, "memory": _memory, "training": _training}
