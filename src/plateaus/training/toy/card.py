"""The card of toy networks."""

from __future__ import annotations

from typing import Any

from plateaus.training import card as cards
from plateaus.training.toy.settings import PRESETS


def card(record: dict[str, Any]) -> str:
    """Markdown for ``README.md`` from the record that is saved as ``training.json``."""
    s, q, spiral = record["settings"], record["quality"], record["settings"]["task"] == "spiral"
    wave, control = "the folded wave (sin x₁ + cos x₂)·1[x₁ < 0]", "dealt out at random: a control"
    task = f"{s['classes']} spiral sectors" if spiral else wave
    targets = control if s["labels"] == "shuffled" else "true"
    opening = (
        f"{s['networks']} toy networks (`{s['architecture']}`: Linear(2 → {s['width']}), "
        f"{s['blocks']} blocks, head), seeds {s['seed']} to {s['seed'] + s['networks'] - 1}, "
        f"trained for this book on {s['samples']:,} points of "
        f"{task}, inputs {s['inputs']}, noise {s['noise']:g}, targets {targets}."
    )
    facts = {
        "Recipe": f"Adam, rate {s['rate']:g}, batch {s['batch']}, {s['epochs']} epochs "
        f"({record['steps']:,} steps)",
        "Storage": "float64 safetensors, one file for each network and checkpoint",
    }
    load = f"""To load one:

```python
from safetensors.torch import load_file
from plateaus.networks import residual, toy

shape = dict(width={s["width"]}, blocks={s["blocks"]}, outputs={s["classes"] if spiral else 1})
module = toy.build("{s["architecture"]}", **shape).double()
module.load_state_dict(load_file("seed-{s["seed"]}/step-{record["steps"]}.safetensors"))
net = residual.network(module)
```"""
    reference = "the commonest class" if spiral else "variance of the targets"
    rows = (
        (step, *(f"{x:.3f}" for x in (sum(values) / len(values), min(values), max(values))))
        for step, values in q["scores"].items()
    )
    sections = [
        load,
        f"## {q['points']:,} fresh points: {q['measured']} ({reference}: {q['commonest']:.3f})",
        cards.table(("checkpoint", "mean over seeds", "lowest", "highest"), rows),
    ]
    made = cards.command(record, "toy", PRESETS, "device").replace("toy toy", "toy")
    where = "seed-<s>/step-<n>.safetensors"
    return cards.page(record, opening, facts, sections, unit="samples", made=made, where=where)
