"""Runs a module as `python -m` does, and ends with the process that started it, even by `kill -9`.

    python -m plateaus.book.leash PARENT papermill in.ipynb out.ipynb

PARENT is the process that must live, a variable that holds its number, or 0 for whoever started
this one. Without it the children of a killed build go on and write into the folder of the next one.
"""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

JUPYTER = "JPY_PARENT_PID"
"""The variable in which Jupyter tells a kernel who started it."""
PR_SET_PDEATHSIG = 1


def hold(parent: int = 0) -> None:
    """Let this process be killed when `parent` (0: whoever started it) ends in any way.

    On Linux the system does it at once; elsewhere a thread looks twice a second.
    """
    parent = parent or os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def kernel(folder: Path) -> dict[str, str]:
    """Write a Jupyter kernel on the leash below `folder`; the environment in which it is found."""
    argv = [sys.executable, "-m", __name__, JUPYTER, "ipykernel_launcher", "-f"]
    spec = {
        "argv": [*argv, "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
    }
    file = folder / "kernels" / "python3" / "kernel.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(spec), encoding="utf-8")
    return {"JUPYTER_PATH": str(folder)}


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    hold(int(os.environ.get(sys.argv[1], sys.argv[1])))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
