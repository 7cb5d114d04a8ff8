"""The models that ship with the book, and the checksums that they are held to."""

from __future__ import annotations

import hashlib
from pathlib import Path

from plateaus.errors import CorruptModel

CHECKSUMS = "sha256sums.txt"


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
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def verify(folder: Path, *, under: str = "") -> dict[str, str]:
    """Compare the files of a model with its ``sha256sums.txt``; returns {file: digest}.

    Args:
        under: check only files directly in this sub-folder (a checkpoint), so that loading one
            checkpoint does not read them all.

    Raises:
        CorruptModel: names the first file that is missing or differs.
    """
    listing = folder / CHECKSUMS
    if not listing.is_file():
        return {}
    checked = {}
    for line in listing.read_text().splitlines():
        digest, _, file = line.partition("  ")
        if str(Path(file).parent) != (under or "."):
            continue
        path = folder / file
        if not path.is_file():
            raise CorruptModel(
                f"{path} is missing although {CHECKSUMS} lists it: restore it with `git checkout -- {file}`."
            )
        if sha256(path) != digest:
            raise CorruptModel(
                f"{path} is corrupt: its SHA-256 differs from the one recorded in {CHECKSUMS}; "
                "restore the file from the repository or train the model again."
            )
        checked[file] = digest
    return checked
