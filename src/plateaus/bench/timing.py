"""How long a way of computing takes, once the device is done with it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


def median_seconds(way: Callable[[], Any], repeats: int, device: torch.device) -> float:
    """Median wall time until the device is done, after one call that is not counted."""
    way()
    times = []
    for _ in range(repeats):
        _wait(device)
        start = time.perf_counter()
        way()
        _wait(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def processor_seconds(way: Callable[[], Any], repeats: int, device: torch.device) -> float:
    """The same of this thread's own time on the processor, so that what else a machine does stays
    out; on a GPU wall time.
    """
    if device.type != "cpu":
        return median_seconds(way, repeats, device)
    way()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        way()
        times.append(time.thread_time() - start)
    return statistics.median(times)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, torch has one thread, so that a thread's time is that of the work."""
    had = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(had)


def matrix_product_peak(device: torch.device, repeats: int = 10) -> float:
    """FLOP/s of a large float32 product on ``device``, the ceiling that the fraction refers to."""
    size = 1024 if device.type == "cpu" else 8192
    x, y = torch.randn(2, size, size, device=device)
    return 2 * size**3 / median_seconds(lambda: x @ y, repeats, device)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
