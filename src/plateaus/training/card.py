"""What the cards of all kinds of models have in common; every number is the training record's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from plateaus.training.state import RESUMABLE, plain

LABELS = {"validation": "validation loss (nats per token)"}
"""What a number of the log is called, where its name does not say it."""


def page(
    record: dict[str, Any],
    opening: str,
    facts: dict[str, str],
    sections: Iterable[str],
    *,
    unit: str,
    made: str,
    where: str = "checkpoints/step-<n>",
) -> str:
    """Markdown: the name, an opening paragraph, a list of facts (those that are not empty), and
    sections.
    """
    steps, threads = record["checkpoints"], record["settings"].get("threads", 1)
    cores = f"{threads} CPU thread{'s' * (threads > 1)}"
    facts = {
        **facts,
        "Cost": f"{record['minutes']:.0f} minutes on "
        f"{cores if record.get('device', 'cpu') == 'cpu' else 'a GPU'}; median "
        f"{record[f'{unit}_per_second']:,} {unit}/s",
        "Made by": f"`{made}`; all settings and the loss curve are in `training.json`",
        "Checkpoints": len(steps) > 1
        and f"steps {', '.join(map(str, steps))} (`{where}`; the last is the model itself)",
    }
    listed = "\n".join(f"- **{name}:** {text}." for name, text in facts.items() if text)
    return "\n\n".join([f"# {record['name']}", opening, listed, *filter(None, sections)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def schedule(s: dict[str, Any]) -> str:
    return (
        f"peak learning rate {s['learning_rate']:g}, warm-up {s['warmup']:.0%}, cosine to "
        f"{s['final_rate']:.0%}, weight decay {s['weight_decay']:g}, clipping at {s['clip']:g}, "
        f"seed {s['seed']}"
    )


def command(
    record: dict[str, Any], kind: str, presets: dict[str, Any], like: str, data: str = ""
) -> str:
    """The command that trains this model again: the preset of its name, or one that agrees in the
    setting ``like``, and every setting that differs from it.
    """
    s = record["settings"]
    preset = next(
        (preset for preset, known in presets.items() if known.name == record["name"]),
        next(p for p, known in presets.items() if getattr(known, like) == s[like]),
    )
    start = {name: getattr(presets[preset], name, None) for name in s}
    changed = (
        f"--set {name}={','.join(map(str, value)) if isinstance(value, (list, tuple)) else value}"
        for name, value in s.items()
        if name not in {*RESUMABLE} - {"stop"} and plain(value) != plain(start[name])
    )
    return " ".join(filter(None, ["plateaus train", kind, preset, data, *changed]))


def curve(record: dict[str, Any], unit: str) -> str:
    """What was measured at the checkpoints."""
    rows = [row for row in record["log"] if "loss" not in row]
    names = [name for name in rows[0] if name not in ("step", unit)]
    head = ["step", unit, *(LABELS.get(name, name.replace("_", " ")) for name in names)]
    return table(
        head, ([str(r["step"]), f"{r[unit]:,}", *(f"{r[n]:.3f}" for n in names)] for r in rows)
    )
