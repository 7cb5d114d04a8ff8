"""Work in pieces that fit the device: its peak does not grow with the number of points."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import torch

from plateaus.errors import NotEnoughMemory

Out = TypeVar("Out")
ELSEWHERE = 2**30
"""Bytes for the intermediate results of one call where free memory is not known."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names in glibc's malloc.h."""


def budget(device: torch.device) -> int:
    """Bytes that the intermediate results of one call may take: half of what a GPU has free."""
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else ELSEWHERE


def hold() -> None:
    """Let the C library (glibc's) hold what is freed for what is asked for next.

    By default it gives arrays of megabytes back at once, and the system clears their pages again
    for the next.
    """
    if (library := _glibc()) is not None:
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        library.mallopt(M_MMAP_THRESHOLD, 2**30)


def trim() -> None:
    """Give freed memory back to the system, where the C library can (glibc's).

    What is kept of a part, a few numbers, lies between its large freed arrays, so that those of the
    next part do not fit in their places: without this the peak grows with the number of parts.
    """
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
        return library if library.malloc_trim and library.mallopt else None
    except (AttributeError, OSError, TypeError):
        return None


def in_chunks(run: Callable[[slice], Out], rows: int, size: int) -> list[Out]:
    """``run`` on slices that cover ``rows``, at most ``size`` at once, halved while memory lacks.

    Raises:
        NotEnoughMemory: not even a single row fits.
    """
    found, start, size = [], 0, max(1, size)
    while start < rows:
        try:
            found.append(run(slice(start, start + size)))
            start += size
        except RuntimeError as error:  # torch's own class for it is one, on the CPU it is plain
            if not (isinstance(error, torch.OutOfMemoryError) or "memory" in str(error)):
                raise
            if size == 1:
                raise NotEnoughMemory(
                    f"A single row of {rows} does not fit the memory of the device: use a smaller "
                    "model, shorter prompts, or another device."
                ) from None
            size //= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    return found
