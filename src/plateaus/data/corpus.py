"""Token files for training: one flat uint16 array per split, a tokenizer, and the facts about both.

A prepared folder holds ``train.bin``, ``val.bin`` (uint16, memory-mapped by the recipe),
``tokenizer.json`` and ``meta.json``: where the text came from, tokens per split, and bytes per
validation token (for bits per byte).
"""

from __future__ import annotations

import itertools
import json
import lzma
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from plateaus.data.derivation import vocabulary, words
from plateaus.data.facts import END, UNKNOWN
from plateaus.errors import TrainingError

HUB_PREFIX = "hub:"


def word_tokenizer() -> Tokenizer:
    """One token per word of the laboratory language; spaces only separate, so a leading space
    changes nothing.
    """
    ids = {word: i for i, word in enumerate((END, UNKNOWN, *vocabulary()))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([END, UNKNOWN])
    return tokenizer


def byte_pair_tokenizer(texts: Iterator[str], size: int) -> Tokenizer:
    """Byte-level byte-pair encoding with ``size`` tokens: any text can be written, nothing is
    unknown.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def documents(corpus: str, split: str, revision: str | None = None) -> Iterator[str]:
    """The documents of a corpus: a folder of ``.txt`` or ``.txt.xz`` files, or ``hub:<dataset>``
    with a column of text.

    Within a file, a line ``<|endoftext|>`` ends a document. Files whose name begins with ``val``
    are the validation split; a hub data set keeps every fiftieth document for validation. Raises
    :class:`TrainingError` if there is nothing to read.
    """
    if corpus.startswith(HUB_PREFIX):
        yield from _hub_documents(corpus.removeprefix(HUB_PREFIX), split, revision)
        return
    folder = Path(corpus)
    files = (
        sorted(p for p in folder.glob("*") if p.name.endswith((".txt", ".txt.xz")))
        if folder.is_dir()
        else []
    )
    held_out = [p for p in files if p.name.startswith("val")]
    if not held_out or len(held_out) == len(files):
        raise TrainingError(
            f"corpus {corpus!r} must be a folder with .txt or .txt.xz files, some for training and some named val* "
            f"for validation; found {len(files)} files, {len(held_out)} of them named val*."
        )
    for path in held_out if split == "val" else [p for p in files if p not in held_out]:
        opened = (
            lzma.open(path, "rt", encoding="utf-8")
            if path.suffix == ".xz"
            else path.open(encoding="utf-8")
        )
        with opened as lines:
            for ended, group in itertools.groupby(lines, key=lambda line: line.strip() == END):
                if not ended:
                    yield "".join(group)


def _hub_documents(name: str, split: str, revision: str | None) -> Iterator[str]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise TrainingError(
            f"reading {name!r} from the hub needs the package 'datasets': install it, or give --corpus a folder "
            "of text files."
        ) from error
    try:
        rows = load_dataset(name, split="train", streaming=True, revision=revision)
        for index, row in enumerate(rows):
            if (index % 50 == 0) == (split == "val"):
                yield next(value for key, value in row.items() if key.lower() == "text")
    except (OSError, ConnectionError, ValueError, StopIteration) as error:
        raise TrainingError(
            f"the hub data set {name!r} could not be read ({type(error).__name__}): check its name, its revision "
            "and the network, or give --corpus a folder of text files."
        ) from error


def prepare_laboratory(out: Path, *, tokens: int, seed: int) -> dict:
    """Stories of the laboratory language; training and validation come from different seeds."""
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = word_tokenizer()
    counts = {}
    for split, count, stream in (("train", tokens, seed), ("val", 100_000, seed + 1_000_003)):
        ids = np.fromiter(
            map(tokenizer.get_vocab().__getitem__, itertools.islice(words(stream), count)),
            np.uint16,
            count,
        )
        ids.tofile(out / f"{split}.bin")
        counts[split] = count
    return _finish(
        out, tokenizer, {"corpus": "laboratory language", "tokens": counts, "bytes_per_token": None}
    )


def prepare_prose(
    out: Path, *, corpus: str, vocabulary_size: int, tokens: int, revision: str | None = None
) -> dict:
    """Tokenise prose: the tokenizer is trained on the first 20 MB, then documents are read until
    there are ``tokens`` tokens.
    """
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_pair_tokenizer(
        _first(documents(corpus, "train", revision), 20_000_000), vocabulary_size
    )
    counts, bytes_per_token = {}, 0.0
    for split, wanted in (("train", tokens), ("val", 1_000_000)):
        written = size = 0
        with (out / f"{split}.bin").open("wb") as file:
            for text in documents(corpus, split, revision):
                pieces = tokenizer.encode_batch(
                    [text[i : i + 100_000] for i in range(0, len(text), 100_000)]
                )
                ids = np.array([i for piece in pieces for i in piece.ids] + [0], np.uint16)
                ids.tofile(file)
                written, size = written + len(ids), size + len(text.encode())
                if written >= wanted:
                    break
        counts[split], bytes_per_token = written, size / written
    return _finish(
        out,
        tokenizer,
        {
            "corpus": Path(corpus).name or corpus,
            "tokens": counts,
            "bytes_per_token": bytes_per_token,
        },
    )


def _first(texts: Iterator[str], characters: int) -> Iterator[str]:
    for text in texts:
        yield text[:characters]
        characters -= len(text)
        if characters <= 0:
            return


def _finish(out: Path, tokenizer: Tokenizer, meta: dict) -> dict:
    tokenizer.save(str(out / "tokenizer.json"))
    meta["vocabulary"] = tokenizer.get_vocab_size()
    (out / "meta.json").write_text(
        json.dumps(meta, indent=1)
    )  # last: its presence says the folder is complete
    return meta
