"""Folders of builds: one build at a time, each in a folder of its own, shown when it is whole.

`_build/book` is a symbolic link to the folder of the last whole build; `_build/html` and
`_build/claims.json` lead through it, so that all of them change in the same instant.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plateaus.errors import BuildRunning

PREFIX = "build-"


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """One build at a time; the system frees the lock when its holder ends, however that happens."""
    with open(target / ".lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise BuildRunning(
                f"This book is being built already (process {file.read() or 'unknown'}): wait "
                "until that build has ended, or end it."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def fresh(target: Path) -> Path:
    """A new folder for this build; what killed builds left is removed."""
    sweep(target)
    work = Path(tempfile.mkdtemp(prefix=PREFIX, dir=target))
    work.chmod(0o755)  # mkdtemp makes folders that only their owner can read
    return work


def sweep(target: Path) -> None:
    """Remove what earlier builds left, except the book that is shown."""
    shown = target / "book"
    for folder in target.glob(f"{PREFIX}*"):
        if not shown.exists() or not folder.samefile(shown):
            shutil.rmtree(folder, ignore_errors=True)


def publish(target: Path, work: Path) -> None:
    """Make `work` the book that is shown, all of it at once, and remove the earlier one."""
    for name in ("html", "claims.json"):
        entry = target / name
        if not entry.is_symlink():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
            entry.symlink_to(Path("book") / name)
    lead = work / "lead"
    lead.symlink_to(work.name)
    os.replace(lead, target / "book")
    sweep(target)
