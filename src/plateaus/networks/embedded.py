"""The models that ship with the book, and the checksums that they are held to."""

from __future__ import annotations

import hashlib
from pathlib import Path

from plateaus.errors import CorruptModel

CHECKSUMS = "sha256sums.txt"
READ = (".json", ".safetensors", ".bin", ".pt", ".model", ".txt", ".jinja")
"""Endings of the files that the libraries look for."""


def models_folder() -> Path | None:
    """``book/models`` of the checkout that this package runs from, or of the working directory's;
    else None.
    """
    for start in (Path(__file__).resolve(), Path.cwd().resolve() / "_"):
        for parent in start.parents:
            if (parent / "book" / "models").is_dir():
                return parent / "book" / "models"
    return None


def embedded_names() -> list[str]:
    """Names that ``plateaus.load`` resolves without a path or a network."""
    folder = models_folder()
    return sorted(p.parent.name for p in folder.glob("*/config.json")) if folder else []


def sha256(path: Path) -> str:
    """Hex digest of one file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path, *, under: str = "", required: bool = False) -> dict[str, str]:
    """Compare what a load reads with the model's ``sha256sums.txt``; returns {file: digest}.

    That is: the files directly in ``folder`` and directly in ``under`` that libraries look for,
    listed or not. A checkpoint is read with its model's tokeniser, not with its weights.

    Args:
        under: the sub-folder of a checkpoint.
        required: the manifest must be there (the models that ship with the book).

    Raises:
        CorruptModel: names the first file that is missing, not listed, or different.
    """
    listing = folder / CHECKSUMS
    if not listing.is_file():
        if required:
            raise CorruptModel(
                f"{folder} has no {CHECKSUMS}, and the models of the book are read only if every "
                "file is the one that was published: restore it from the repository."
            )
        return {}
    lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    listed = {file: digest for digest, _, file in (line.partition("  ") for line in lines)}
    places = {".", under or "."}
    present = {p.relative_to(folder).as_posix() for q in places for p in (folder / q).glob("*")}
    files = {f for f in {*listed, *present} if str(Path(f).parent) in places and _is_read(f, under)}
    for file in sorted(files):
        path = folder / file
        if file not in listed:
            raise CorruptModel(
                f"{path} is not listed in {CHECKSUMS}: remove it, or restore the list from the "
                "repository."
            )
        if not path.is_file():
            raise CorruptModel(
                f"{path} is missing although {CHECKSUMS} lists it: restore it with "
                f"`git checkout -- {file}`."
            )
        if sha256(path) != listed[file]:
            raise CorruptModel(
                f"{path} is corrupt: its SHA-256 differs from the one recorded in {CHECKSUMS}; "
                "restore the file from the repository or train the model again."
            )
    return {file: listed[file] for file in files}


def _is_read(file: str, under: str) -> bool:
    """Do libraries look at a file of this name when they load the checkpoint ``under``?"""
    of_the_model = "/" not in file and file.endswith((".safetensors", ".bin"))
    return file.endswith(READ) and file != CHECKSUMS and not (under and of_the_model)
