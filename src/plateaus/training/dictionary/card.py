"""The card of a dictionary."""

from __future__ import annotations

from typing import Any

from plateaus.training import card as cards
from plateaus.training.dictionary.settings import PRESETS


def card(record: dict[str, Any]) -> str:
    """Markdown for ``README.md`` from the record that is saved as ``training.json``."""
    s, q, data = record["settings"], record["quality"], record["data"]
    opening = (
        f"A sparse dictionary, a TopK autoencoder of the activations that enter block {s['block']} "
        f"of {data['model']}, trained for this book."
    )
    facts = {
        "Features": f"{s['features']}, at most {s['active']} active; {q['dead']} active nowhere "
        "in the text that was held out",
        "Text": f"{data['text']}, {data['activations']:,} activations; {data['held_out']:,} more "
        "were held out",
        "Explained variance": f"{q['explained_variance']:.3f} of the text held out, with "
        f"{q['active']:.1f} active features",
        "Recipe": f"Adam, {record['steps']:,} steps of {s['batch']:,}; {cards.schedule(s)}",
        "Storage": "the format of SAELens, in half precision",
    }
    made = cards.command(record, "dictionary", PRESETS, "block")
    made = made.replace("dictionary dictionary", "dictionary")
    return cards.page(record, opening, facts, [], unit="activations", made=made)
