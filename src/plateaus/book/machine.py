"""What belongs to somebody's machine and not into the book: folders, addresses, private indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Single letters stand in brackets so that no pattern finds itself.
FOLDERS = "[r]oot|[w]ork|[h]ome|[U]sers|[o]pt|[m]nt|[p]rivate|[t]mp"
INDEXES = r"pypi\.org|download\.pytorch\.org"
MACHINE_WORDS = {
    "a folder of one machine": rf"(?<![\w.~/:-])/(?:{FOLDERS})/\w",
    "a local file address": r"[f]ile://",
    "an index other than the public ones": (
        rf"(?:-index-url|PIP_\w*INDEX_URL)[ =:]+\S*//(?!{INDEXES})"
    ),
    "a folder beside the repository": r"\.\./[s]hared",
}


def machine_words(text: str) -> Iterator[str]:
    """What in `text` belongs to one machine: its folders, local addresses, private indexes."""
    for what, pattern in MACHINE_WORDS.items():
        yield from (f"{what}: {found[0]}" for found in re.finditer(pattern, text))
