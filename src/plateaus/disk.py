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
    except OSError as error:
        raise NotSaved(
            f"{path.name} could not be written to {path.parent} ({error.strerror or error}); "
            "nothing saved earlier was touched. Free some space or give a writable folder as `out`."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return path


def _sync(folder: Path) -> None:
    """Hand the folder's names to the disk, where the system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse; the file itself is safe
        pass
    finally:
        os.close(handle)
