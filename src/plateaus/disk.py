"""Files that are whole or not there: written beside their name, handed to the disk, then renamed.

A full disk, a kill or a loss of power leaves the earlier file or the new one, never half of one.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from plateaus.errors import NotSaved


def write_json(content: Any, path: str | os.PathLike) -> Path:
    """Write `content` as readable JSON, atomically; raises `NotSaved`."""
    return write_bytes((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode(), path)


def write_bytes(content: bytes, path: str | os.PathLike) -> Path:
    """Write `content` beside `path` and rename it once it is whole; raises `NotSaved`."""
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"
        )
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
        _sync(path.parent)
    except (OSError, ValueError) as error:  # a zero byte in a name is a ValueError
        raise NotSaved(
            f"{path.name} could not be written to {path.parent} "
            f"({getattr(error, 'strerror', None) or error}); "
            "nothing saved earlier was touched. Free some space or give a writable folder as `out`."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return path


def check_writable(folder: str | os.PathLike, called: str = "") -> Path:
    """Make `folder` and try it, before anything long is computed; its whole path.

    Raises `NotSaved`, in which the folder is `called` as the reader gave it.
    """
    try:
        place = Path(folder).expanduser().resolve()
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place):
            return place
    except (OSError, ValueError, RuntimeError) as error:  # a zero byte, an unknown home, a loop
        raise NotSaved(
            f"Nothing can be written to the folder {called or str(folder)} "
            f"({getattr(error, 'strerror', None) or error}): give a writable folder with free "
            "space."
        ) from error


def _sync(folder: Path) -> None:
    """Hand the folder's names to the disk, where the system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse; the file itself is safe
        pass
    finally:
        os.close(handle)
