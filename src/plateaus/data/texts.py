"""Texts that prompts are cut from: stories of the laboratory language, the book that ships with the
package, and the files of a directory.
"""

from __future__ import annotations

import itertools
import lzma
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch

from plateaus.data.derivation import story
from plateaus.data.facts import END
from plateaus.errors import BadParameter

STORIES_FROM = 10_000_000
"""Seeds of the stories that prompts come from, away from the seeds that models are trained on."""
STRIDE, PIECE = 20_000, 2_000
"""Characters: windows of one file lie so far apart, until the directory has been read once."""


def stories(seed: int) -> Iterator[str]:
    """Stories of the laboratory language, each from a stream of its own.

    A prompt is the beginning of a story: there the true distribution of the next word is known.
    """
    for i in itertools.count(seed * 1_000_000 + STORIES_FROM):
        yield " ".join(story(i))


@cache
def _lines() -> tuple[str, ...]:
    text = (Path(__file__).parent / "windows.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def book(seed: int) -> Iterator[str]:
    """Passages of English prose in the public domain that ship with the package, in an order of
    the seed; ``windows.txt`` says which book they are from.
    """
    lines = _lines()
    for i in torch.randperm(len(lines), generator=torch.Generator().manual_seed(seed)).tolist():
        yield lines[i]


def directory(path: Path, seed: int) -> Iterator[str]:
    """Passages from the texts of a directory (or one file), spread over its books; where some files
    are named val*, from these alone.

    Raises:
        BadParameter: there is no text, or it cannot be read.
    """
    found = [path] if path.is_file() else [*path.glob("**/*.txt"), *path.glob("**/*.txt.xz")]
    files = sorted(found)
    if not files:
        raise BadParameter(
            f'The source of prompts is "grammar", "samples", "book" or a directory with .txt or '
            f'.txt.xz files; given: "{path}".'
        )
    files = [file for file in files if file.name.startswith("val")] or files
    generator = torch.Generator().manual_seed(seed)
    for place in range(STRIDE // PIECE):
        offset = (STRIDE // 2 + place * PIECE) % STRIDE
        for file in files:
            for piece in _pieces(file, offset):
                spare = max(1, len(piece) // 2)
                begin = int(torch.randint(spare, (), generator=generator))
                # The passage begins at the beginning of a word; END stands between two texts.
                space = piece.find(" ", begin)
                passage = piece[space if space >= 0 else begin :]
                yield passage.split(END)[0]


def _pieces(file: Path, offset: int) -> Iterator[str]:
    """``PIECE`` characters of every ``STRIDE``."""
    try:
        with (lzma.open if file.suffix == ".xz" else open)(file, "rt", encoding="utf-8") as text:
            while stretch := text.read(STRIDE):
                if piece := stretch[offset : offset + PIECE]:
                    yield piece
    except (UnicodeDecodeError, lzma.LZMAError, EOFError, OSError) as error:
        raise BadParameter(
            f"The text {file} cannot be read ({type(error).__name__}): give UTF-8 text, plain or "
            "packed with xz."
        ) from None
