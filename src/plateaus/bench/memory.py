"""Peak memory against the number of pairs: each number in a process of its own.

python -m plateaus.bench.memory FOLDER PAIRS STEPS TOKENS
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from plateaus.bench import shapes
from plateaus.data.pairs import Pairs
from plateaus.experiments import Ends, sweep
from plateaus.networks.load import load
from plateaus.progress import bar

COUNTS = (100, 1_000, 10_000)
STEPS, TOKENS = 50, 3
"""So many points that the fewest pairs fill what is in flight at once, and few tokens."""


SHAPE = {"blocks": 4, "width": 256}
"""Small, so that ten thousand pairs take minutes, and what weights take hides no growth."""


def rows(counts: Sequence[int] = COUNTS, **shape: int) -> dict[str, Any]:
    """Peak resident memory [bytes] of measuring so many pairs on a model of ``shape`` (by default
    ``SHAPE``), four scalars of each pair and read-out kept, and their growth.
    """
    shape = shape or SHAPE
    with tempfile.TemporaryDirectory() as folder:
        shapes.save(folder, **shape)
        peaks = [peak(folder, n) for n in bar(counts, "memory", at_once=True)]
    return {
        "pairs": list(counts),
        "steps": STEPS,
        "tokens": TOKENS,
        "shape": shape,
        "bytes": peaks,
        "growth": peaks[-1] / peaks[0] - 1,
    }


def peak(folder: str, pairs: int, *, steps: int = STEPS, tokens: int = TOKENS) -> int:
    """Peak resident memory [bytes] of one process that measures ``pairs`` pairs."""
    asked = [folder, *map(str, (pairs, steps, tokens))]
    done = subprocess.run(
        [sys.executable, "-m", __name__, *asked], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1])


def measure(folder: str, count: int, steps: int, tokens: int) -> None:
    """Curves of random pairs at every read-out, of which four scalars stay."""
    lm = load(folder, device="cpu")
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(3, lm.vocabulary, (2, count, tokens), generator=draw)
    labels = tuple(f"pair {i}" for i in range(count))
    ends = Ends.of_prompts(lm, Pairs(a=ids[0], b=ids[1], labels=labels, source="random"))
    sweep(ends, blocks=[1], steps=steps)


def most() -> int:
    """Peak resident memory [bytes] of this process.

    On Linux ``getrusage`` also counts what the parent held when it forked; VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    measure(sys.argv[1], *map(int, sys.argv[2:]))
    print(most())
