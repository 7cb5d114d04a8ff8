"""Where a run may write: nothing is deleted or overwritten that a run like it did not make, and
nothing is read later that was not written to its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from plateaus.errors import TrainingError, first_line
from plateaus.networks.embedded import CHECKSUMS, sha256

RUN, RECORD = "run.json", "training.json"
OF_A_RUN = (RUN, "data", "checkpoints", "state.pt", "log.jsonl")
"""What a run keeps in its own folder; an export does not go there."""
BESIDE = ".tmp"
"""How the names end under which something is written beside its place."""


def check_work(work: Path) -> Path:
    """The folder of a run, without links: absent, empty, or begun by a run. Nothing is written.

    Raises:
        TrainingError: it is something else, or nothing can be written there.
    """
    folder = _whole(work)
    reason = _no_folder(folder)
    if not reason and folder.is_dir() and not (folder / RUN).is_file():
        found = sorted(p.name for p in folder.iterdir() if not p.name.endswith(BESIDE))
        reason = f"holds {found[0]} and no {RUN}: it is not the folder of a run" if found else None
    if reason:
        raise TrainingError(
            f"--work {work} {reason}; give a folder that does not exist yet, an empty one, "
            "or the one in which this run was begun."
        )
    return folder


def check_target(target: Path, work: Path) -> Path:
    """The folder that an export goes to, without links. Nothing is written.

    Raises:
        TrainingError: something is there that no export made, or nothing can be written there.
    """
    folder, run, here = _whole(target), _whole(work), Path.cwd().resolve()
    if folder == here or folder in here.parents:
        reason = "is the working directory or holds it"
    elif folder == run or folder in run.parents:
        reason = "holds the run that is to be exported"
    elif run in folder.parents and folder.relative_to(run).parts[0] in OF_A_RUN:
        reason = "is where the run keeps its own files"
    else:
        reason = _no_folder(folder)
    if not reason and folder.is_dir() and any(folder.iterdir()):
        reason = _foreign(folder)
    if reason:
        raise TrainingError(
            f"--export {target} {reason}: give a folder that does not exist yet, an empty one, "
            "or an earlier export as it was written, which is then replaced."
        )
    return folder


def _whole(folder: Path) -> Path:
    """Its path without links."""
    try:
        return folder.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a zero byte, links in a circle
        raise TrainingError(
            f"{folder} names no folder ({first_line(error)}): give one that does not exist yet, or "
            "an empty one."
        ) from None


def _no_folder(folder: Path) -> str | None:
    """Why nothing can be written into ``folder``."""
    try:
        above = next(place for place in (folder, *folder.parents) if place.exists())
    except OSError as error:  # a name that is too long
        return f"is no folder that can be made ({error.strerror})"
    if not above.is_dir():
        return "is a file" if above == folder else f"lies under {above.name}, which is a file"
    if not os.access(above, os.W_OK | os.X_OK):
        return f"cannot be written: {above} is read-only"
    return None


def _foreign(folder: Path) -> str | None:
    """Why a folder is not an export that may be replaced; None if it is one, file by file."""
    if not (folder / RECORD).is_file() or not (folder / CHECKSUMS).is_file():
        return f"is not an export (it has no {RECORD} with {CHECKSUMS})"
    lines = (folder / CHECKSUMS).read_text(errors="replace").splitlines()
    listed = {name: expected for expected, _, name in (line.partition("  ") for line in lines)}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if name == CHECKSUMS or (file.is_dir() and not file.is_symlink()):
            continue
        if file.is_symlink() or name not in listed:
            return f"holds {name}, which no export wrote"
        if sha256(file) != listed[name]:
            return f"holds {name}, which was changed after its export"
    return None


@contextlib.contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A new folder to be filled, which then takes the place of ``folder``.

    It is made beside it, written to the disk, and renamed: ``folder`` is what it was or the whole
    new one at any moment, whatever fails.

    Raises:
        TrainingError: the disk refused.
    """
    with written(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{folder.name}.", suffix=BESIDE, dir=folder.parent
        ) as beside:
            new, old = Path(beside) / "new", Path(beside) / "old"
            new.mkdir()
            yield new
            flush(*new.rglob("*"), new)
            if folder.exists():
                os.replace(folder, old)
            try:
                os.replace(new, folder)
            except OSError:
                if old.exists():
                    os.replace(old, folder)
                raise
            flush(folder.parent)


@contextlib.contextmanager
def replaced(target: Path, work: Path) -> Iterator[Path]:
    """:func:`whole` for an export.

    Raises:
        TrainingError: ``target`` may not be replaced (:func:`check_target`), or the disk refused.
    """
    with whole(check_target(target, work)) as folder:
        yield folder
        check_target(target, work)


def read_json(file: Path) -> dict[str, Any]:
    """Raises :class:`TrainingError` if it cannot be read or holds no mapping."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"it holds a {type(found).__name__}, and a mapping is needed")
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{file} cannot be read ({first_line(error)}): restore it, or begin anew in another "
            "--work."
        ) from error
    return found


def write_sums(folder: Path) -> None:
    """Record the SHA-256 of every file under ``folder`` in the format of ``sha256sum``."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != CHECKSUMS)
    sums = (f"{sha256(p)}  {p.relative_to(folder).as_posix()}\n" for p in files)
    (folder / CHECKSUMS).write_text("".join(sums))


def flush(*places: Path) -> None:
    """Have files and folders written to the disk itself."""
    for place in places:
        opened = os.open(place, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@contextlib.contextmanager
def written(place: Path, *errors: type[Exception]) -> Iterator[None]:
    """What the disk refuses within, an ``OSError`` or one of ``errors``, in one sentence."""
    try:
        yield
    except (OSError, SafetensorError, *errors) as error:
        raise TrainingError(
            f"{place} could not be written ({first_line(error)}): free space or choose another "
            "folder, then run the same command; what was written before is kept."
        ) from error
