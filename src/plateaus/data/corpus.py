"""Token files for training: one flat uint16 array per split, a tokenizer, and the facts about both.

A prepared folder holds ``train.bin``, ``val.bin`` (uint16, memory-mapped by the recipe),
``tokenizer.json`` and ``meta.json``: where the text came from, tokens per split, bytes per
validation token (for bits per byte), and the checksums of the others. Whoever prepares one does so
in a new folder and renames it when it is whole.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm import tqdm

from plateaus.data.derivation import vocabulary, words
from plateaus.data.facts import END, UNKNOWN
from plateaus.errors import TrainingError, first_line
from plateaus.networks.embedded import sha256

HUB_PREFIX, ENDINGS = "hub:", (".txt", ".txt.xz")


def word_tokenizer() -> Tokenizer:
    """One token per word of the laboratory language; spaces only separate, so a leading space
    changes nothing.
    """
    ids = {word: i for i, word in enumerate((END, UNKNOWN, *vocabulary()))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([END, UNKNOWN])
    return tokenizer


def byte_pair_tokenizer(texts: Iterator[str], size: int, *, show: bool = False) -> Tokenizer:
    """Byte-level byte-pair encoding with ``size`` tokens: any text can be written, nothing is
    unknown.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END],
        initial_alphabet=alphabet,
        show_progress=show and sys.stderr.isatty(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def documents(corpus: str, split: str, revision: str | None = None) -> Iterator[str]:
    """The documents of a corpus: a folder of ``.txt`` or ``.txt.xz`` files, or ``hub:<dataset>``
    with a column of text.

    Within a file, a line ``<|endoftext|>`` ends a document. Files whose name begins with ``val``
    are the validation split; a hub data set keeps every fiftieth document for validation.

    Raises:
        TrainingError: there is nothing to read, or a file is damaged or not UTF-8.
    """
    if corpus.startswith(HUB_PREFIX):
        yield from _hub_documents(corpus.removeprefix(HUB_PREFIX), split, revision)
        return
    for path in _files(corpus):
        if path.name.startswith("val") != (split == "val"):
            continue
        try:
            with (lzma.open if path.suffix == ".xz" else open)(
                path, "rt", encoding="utf-8"
            ) as lines:
                for ended, group in itertools.groupby(lines, key=lambda line: line.strip() == END):
                    if not ended:
                        yield "".join(group)
        except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
            raise TrainingError(
                f"{path} could not be read ({first_line(error)}): the files of a corpus are text "
                "in UTF-8, or such text compressed by xz; mend it or take it out of the folder."
            ) from error


def identity(corpus: str, revision: str | None = None) -> str:
    """Tells a corpus from others: the checksum of its files, or the name and revision on the
    hub.
    """
    if corpus.startswith(HUB_PREFIX):
        return f"{corpus}@{revision or 'newest'}"
    whole = hashlib.sha256()
    for path in _files(corpus):
        whole.update(f"{path.name}\n{sha256(path)}\n".encode())
    return whole.hexdigest()


def _files(corpus: str) -> list[Path]:
    folder = Path(corpus)
    files = (
        sorted(p for p in folder.glob("*.txt*") if p.is_file() and p.name.endswith(ENDINGS))
        if folder.is_dir()
        else []
    )
    held_out = [p for p in files if p.name.startswith("val")]
    if not held_out or len(held_out) == len(files):
        raise TrainingError(
            f"corpus {corpus!r} must be a folder with .txt or .txt.xz files, some for training and "
            f"some named val* for validation; found {len(files)} files, {len(held_out)} of them "
            "named val*."
        )
    return files


def _hub_documents(name: str, split: str, revision: str | None) -> Iterator[str]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise TrainingError(
            f"reading {name!r} from the hub needs the package 'datasets': install it, or give "
            "--corpus a folder of text files."
        ) from error
    try:
        rows = load_dataset(name, split="train", streaming=True, revision=revision)
        for index, row in enumerate(rows):
            if (index % 50 == 0) == (split == "val"):
                yield next(value for key, value in row.items() if key.lower() == "text")
    except (OSError, ConnectionError, ValueError, LookupError, StopIteration) as error:
        raise TrainingError(
            f"the hub data set {name!r} could not be read ({type(error).__name__}): check its "
            "name, its revision and the network, or give --corpus a folder of text files."
        ) from error


def prepare_laboratory(out: Path, *, tokens: int, seed: int, show: bool = False) -> dict:
    """Stories of the laboratory language; training and validation come from different seeds."""
    tokenizer, counts = word_tokenizer(), {"train": tokens, "val": 100_000}
    ids = tokenizer.get_vocab()
    for split, stream in (("train", seed), ("val", seed + 1_000_003)):
        told = itertools.islice(words(stream), counts[split])
        told = tqdm(told, f"telling stories for {split}", counts[split], **_bar(show))
        np.fromiter(map(ids.__getitem__, told), np.uint16, counts[split]).tofile(
            out / f"{split}.bin"
        )
    out.mkdir(parents=True, exist_ok=True)
    about = {"corpus": "laboratory language", "source": {"seed": seed, "tokens": tokens}}
    return _finish(out, tokenizer, {**about, "tokens": counts, "bytes_per_token": None})


def prepare_prose(
    out: Path,
    *,
    corpus: str,
    vocabulary: int,
    tokens: int,
    revision: str | None = None,
    show: bool = False,
) -> dict:
    """Tokenise prose: the tokenizer is trained on the first 20 MB, then documents are read until
    there are ``tokens`` tokens.

    Raises:
        TrainingError: a split holds no text, or what :func:`documents` raises.
    """
    out.mkdir(parents=True, exist_ok=True)
    source = {"corpus": identity(corpus, revision), "vocabulary": vocabulary, "tokens": tokens}
    about = {"corpus": Path(corpus).name or corpus, "source": source}
    first = _first(documents(corpus, "train", revision), 20_000_000)
    tokenizer = byte_pair_tokenizer(first, vocabulary, show=show)
    counts, bytes_per_token = {}, 0.0
    for split, wanted in (("train", tokens), ("val", 1_000_000)):
        written = size = 0
        with (
            (out / f"{split}.bin").open("wb") as file,
            tqdm(desc=f"tokenising {split}", total=wanted, **_bar(show)) as bar,
        ):
            for text in documents(corpus, split, revision):
                pieces = tokenizer.encode_batch(
                    [text[i : i + 100_000] for i in range(0, len(text), 100_000)]
                )
                ids = np.array([i for piece in pieces for i in piece.ids] + [0], np.uint16)
                ids.tofile(file)
                written, size = written + len(ids), size + len(text.encode())
                bar.update(len(ids))
                if written >= wanted:
                    break
        if not size:
            raise TrainingError(
                f"corpus {corpus!r} holds no text for {split}: give files that are not empty."
            )
        counts[split], bytes_per_token = written, size / written
    return _finish(out, tokenizer, {**about, "tokens": counts, "bytes_per_token": bytes_per_token})


def verify(out: Path, meta: dict, source: dict) -> None:
    """Hold the files of a prepared folder to their checksums and to what they should be made from.

    Args:
        source: the seed or the corpus, and the sizes, as far as they are known.

    Raises:
        TrainingError: they were made from something else, or are missing or damaged.
    """
    for name, value in source.items():
        if meta.get("source", {}).get(name) != value:
            raise TrainingError(
                f"the token files in {out} were made from another {name}: give the same to go on, "
                "or another --work to begin anew."
            )
    for name, expected in meta["files"].items():
        if not (out / name).is_file() or sha256(out / name) != expected:
            raise TrainingError(
                f"{out / name} is missing or differs from what was prepared: restore it, or begin "
                "anew in another --work."
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
    files = ("train.bin", "val.bin", "tokenizer.json")
    meta["files"] = {name: sha256(out / name) for name in files}
    (out / "meta.json").write_text(json.dumps(meta, indent=1))
    return meta


def _bar(show: bool) -> dict:
    """A bar of tokens on a terminal, if one is wanted."""
    return {"unit": "tok", "unit_scale": True, "leave": False, "disable": None if show else True}
