"""What the chapters of a build cost, for the page that tells readers to execute them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

MARK = "% cost"
"""The line of `book/re-execute.md` that the table replaces."""


UNTIMED = (
    "These pages were built from the outputs that the chapters are committed with, so nothing was "
    "timed; where `make book` has executed them, a table of the seconds of each stands here."
)


def table(seconds: Mapping[str, float], workers: int) -> str:
    """Markdown: seconds of every chapter, and where they were measured.

    `seconds` by chapter, as papermill measured them; `workers` chapters ran at the same time.
    Nothing is said of chapters that were not executed in this build.
    """
    if not all(seconds.values()):
        return UNTIMED
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} processors"
    lines = [
        f"Measured when these pages were built ({machine}; {workers} chapters at a time, one "
        f"thread each): {sum(seconds.values()):.0f} seconds for all chapters together.",
        "",
        "| chapter | seconds |",
        "|---|---|",
        *(f"| {{doc}}`/chapters/{name}` | {value:.0f} |" for name, value in seconds.items()),
    ]
    return "\n".join(lines)
