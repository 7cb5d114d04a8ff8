"""Runs jupyter-book on the staged sources, warnings as errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from plateaus.errors import BuildFailed

FIRST = {"html": "index.html", "latex": "activation-plateaus.tex"}
"""What each builder leaves, at least."""


def render(root: Path, target: Path, builder: str = "html") -> Path:
    """Build `target/stage` into `target/html`, or `target/latex`, and return its first file.

    Raises `BuildFailed` when Sphinx warns.
    """
    call = f"from plateaus.book.leash import hold; hold({os.getpid()}); "
    call += "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", call, "build", "-W", "-n", "--keep-going", "-q",
               "--builder", builder, "--path-output", str(target),
               str(target / "stage")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    made = target / "_build" / builder
    if done.returncode or not (made / FIRST[builder]).is_file():
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise BuildFailed(
            "The pages were not built without warnings; the messages above say which line to mend."
        )
    return made.rename(target / builder) / FIRST[builder]
