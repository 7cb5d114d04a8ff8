"""What a computation waits for: matrix products, other kernels, or Python between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from plateaus.bench.timing import one_thread, processor_seconds

PRODUCTS = ("mm", "bmm", "addmm", "addmv", "addbmm", "baddbmm", "mv", "dot", "conv", "attention")
"""Beginnings and parts of the names of torch's kernels that multiply matrices."""

PARTS = ("arithmetic", "memory", "Python")


def shares(
    way: Callable[[], Any], device: torch.device, seconds: float | None = None
) -> dict[str, float]:
    """The parts of the time that ``way`` takes in kernels of matrix products ("arithmetic"), in all
    other kernels ("memory") and outside of both ("Python", NumPy included). They add up to 1.

    Args:
        seconds: the time of the thread that ``way`` takes undisturbed, if it is known.
    """
    clock = _Clock(device)
    with one_thread():
        if seconds is None:
            seconds = processor_seconds(way, 1, device)
        with clock:
            way()
    inside = sum(clock.seconds.values())
    whole = max(seconds, inside)
    found = {name: value / whole for name, value in clock.seconds.items()}
    return found | {"Python": 1 - inside / whole}


def bound(shares: dict[str, float]) -> str:
    """The largest of the shares."""
    return max(shares, key=lambda name: shares[name])


class _Clock(TorchDispatchMode):
    """The thread's seconds inside kernels, by kind; on a GPU wall time, each waited for."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.cuda = device.type == "cuda"
        self.seconds = {"arithmetic": 0.0, "memory": 0.0}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        start = self._now()
        out = func(*args, **(kwargs or {}))
        self.seconds["arithmetic" if is_product(func) else "memory"] += self._now() - start
        return out

    def _now(self) -> float:
        if self.cuda:
            torch.cuda.synchronize()
            return time.perf_counter()
        return time.thread_time()


def is_product(func: Any) -> bool:
    """Whether a kernel multiplies matrices."""
    name = func.name().partition("::")[2].partition(".")[0]
    return name in PRODUCTS or any(part in name for part in ("conv", "attention"))
