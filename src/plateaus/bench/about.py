"""The machine that figures were measured on, in words that name nobody's."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def machine() -> dict[str, str | int]:
    """Model and number of its processors, memory, accelerator if torch sees one; no host name."""
    found = {"system": f"{platform.system()} on {platform.machine()}"}
    found |= {
        "processor": _processor(),
        "processors": os.cpu_count() or 1,
        "memory [GiB]": _memory(),
    }
    if torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name()
    return found


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
