"""Bars on a terminal: what is done, what is left, and where results go.

Nothing is drawn where standard error is no terminal, which holds for pipes, logs and the kernels of
notebooks, so saved outputs never hold a bar.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

WAIT = 5.0
"""Seconds before a bar appears around work that is often short."""


def bar(each: Iterable[Any] | None, what: str, *, at_once: bool = False, **options: Any) -> tqdm:
    """``each``, with a bar called ``what`` while it is gone through; it leaves nothing behind.

    Args:
        each: None, with the option ``total``, for a bar that is moved by hand.
        at_once: draw it from the beginning, around work that is known to be long.
        options: of tqdm, such as ``total``, ``initial``, ``unit``.
    """
    drawn = {"delay": 0 if at_once else WAIT, "leave": False, "dynamic_ncols": True}
    return tqdm(each, what, disable=None, file=sys.stderr, **(drawn | options))


def goes_to(path: str | os.PathLike) -> None:
    """Say on a terminal, before long work, where its result will be."""
    if sys.stderr.isatty():
        path = Path(path)
        here = Path.cwd()
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        print(f"The result goes to {shown}", file=sys.stderr, flush=True)


def say(line: str) -> None:
    """A line on standard output, above the bars if there are any."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()
