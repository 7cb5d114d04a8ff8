"""Where a run may write: nothing is deleted or overwritten that a run like it did not make."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from plateaus.errors import TrainingError
from plateaus.training.files import SUMS, digest

RECORD = "training.json"
OF_A_RUN = ("data", "checkpoints", "state.pt", "log.jsonl")
"""What a run keeps in its own folder; an export does not go there."""


def check_target(target: Path, work: Path) -> Path:
    """The folder that an export goes to, without links. Nothing is written.

    Raises:
        TrainingError: something is there that no export made, or nothing can be written there.
    """
    folder, run, here = target.resolve(), work.resolve(), Path.cwd().resolve()
    above = next(place for place in (folder, *folder.parents) if place.exists())
    reason = None
    if folder == here or folder in here.parents:
        reason = "is the working directory or holds it"
    elif folder == run or folder in run.parents:
        reason = "holds the run that is to be exported"
    elif run in folder.parents and folder.relative_to(run).parts[0] in OF_A_RUN:
        reason = "is where the run keeps its own files"
    elif not above.is_dir():
        reason = "is a file" if above == folder else f"lies under {above.name}, which is a file"
    elif folder.is_dir() and any(folder.iterdir()):
        reason = _foreign(folder)
    elif not os.access(above, os.W_OK | os.X_OK):
        reason = f"cannot be written: {above} is read-only"
    if reason:
        raise TrainingError(
            f"--export {target} {reason}: give a folder that does not exist yet, an empty one, "
            "or an earlier export as it was written, which is then replaced."
        )
    return folder


def _foreign(folder: Path) -> str | None:
    """Why a folder is not an export that may be replaced; None if it is one, file by file."""
    if not (folder / RECORD).is_file() or not (folder / SUMS).is_file():
        return f"is not an export (it has no {RECORD} with {SUMS})"
    lines = (folder / SUMS).read_text(errors="replace").splitlines()
    listed = {name: expected for expected, _, name in (line.partition("  ") for line in lines)}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if name == SUMS or (file.is_dir() and not file.is_symlink()):
            continue
        if file.is_symlink() or name not in listed:
            return f"holds {name}, which no export wrote"
        if digest(file) != listed[name]:
            return f"holds {name}, which was changed after its export"
    return None


@contextmanager
def replaced(target: Path, work: Path) -> Iterator[Path]:
    """A new folder to be filled, which then takes the place of ``target``.

    It is made beside ``target``, written to the disk, and renamed: ``target`` is the earlier export
    or the whole new one at any moment, whatever fails.

    Raises:
        TrainingError: ``target`` may not be replaced (:func:`check_target`), or the disk refused.
    """
    folder = check_target(target, work)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{folder.name}.", suffix=".part", dir=folder.parent
        ) as beside:
            new, old = Path(beside) / "new", Path(beside) / "old"
            new.mkdir()
            yield new
            flush(new)
            check_target(target, work)
            if folder.exists():
                os.replace(folder, old)
            try:
                os.replace(new, folder)
            except OSError:
                if old.exists():
                    os.replace(old, folder)
                raise
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"the export could not be written to {target} ({str(error).splitlines()[0]}): free "
            "space or give another --export, then run the same command; what was there is kept."
        ) from error


def flush(folder: Path) -> None:
    """Have every file and folder under ``folder``, and itself, written to the disk."""
    for path in (*folder.rglob("*"), folder):
        place = os.open(path, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)
