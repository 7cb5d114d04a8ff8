"""The public code of Shinkle & Heimersheim (2025) beside this package, on the same weights.

Nothing of that code is here: it is run from a checkout of its repository
(github.com/MShinkle/activation_plateau_mechanisms), in a process of its own with the library that
it was written for. ``python -m plateaus.bench.published_code CHECKOUT --library FOLDER`` compares
numbers, measures what its faults change, takes times, and writes
``book/results/published-code.nc``. ``FOLDER`` is what

    pip install --no-deps --target FOLDER transformer-lens==2.16.1 transformers==4.56.2 \\
        datasets==3.6.0 "tokenizers<0.23" "huggingface_hub<1.0" better-abc==0.0.3

makes; nothing else of it is used here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plateaus.data.pairs import Pairs
from plateaus.errors import BadParameter

SCRIPT = Path(__file__).with_name("theirs.py")
MODES = ("none", "attention", "mlp")

Words = tuple[str, str, str]
"""Shared context, last word of A, last word of B, without the spaces between."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the public code found, and what it took."""

    arrays: dict[str, np.ndarray]
    about: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def pairs(self, words: Sequence[Words]) -> Pairs:
        """The prompts that it made, for us to measure the same."""
        ids = [
            torch.stack([torch.as_tensor(self[f"{n}/ids/{i}"]) for n in range(len(words))])
            for i in (0, 1)
        ]
        labels = tuple(f"{context} {a}|{b}" for context, a, b in words)
        return Pairs(a=ids[0].long(), b=ids[1].long(), labels=labels, source="named")


@dataclass(frozen=True, kw_only=True)
class Code:
    """A checkout, and the folder of the library that it needs."""

    checkout: Path
    library: Path

    def __post_init__(self) -> None:
        if not (self.checkout / "scripts" / "utils.py").is_file():
            raise BadParameter(
                f"{self.checkout} holds no scripts/utils.py: give a checkout of "
                "github.com/MShinkle/activation_plateau_mechanisms."
            )
        if not (self.library / "transformer_lens" / "HookedTransformer.py").is_file():
            raise BadParameter(
                f"{self.library} holds no TransformerLens 2, which the public code needs: install "
                "transformer-lens==2.16.1 into it with pip's --target."
            )

    @property
    def commit(self) -> str:
        """Of the checkout, if it is one of git."""
        call = ["git", "-C", str(self.checkout), "rev-parse", "HEAD"]
        try:
            return subprocess.run(call, capture_output=True, text=True).stdout.strip() or "unknown"
        except OSError:
            return "unknown"

    def ask(
        self,
        model: str | Path,
        words: Sequence[Words],
        *,
        steps: int = 50,
        dtype: str = "float64",
        centred: bool = False,
        patches: Sequence[int] | None = None,
        modes: Sequence[str] = MODES,
        jacobians: Sequence[int] | None = None,
        threads: int = 1,
    ) -> Answer:
        """What it says of ``words`` on the GPT-2 in the folder ``model``; see ``theirs.py``.

        Raises:
            BadParameter: it stopped; its last line says where.
        """
        request = {
            "model": str(Path(model).resolve()),
            "pairs": [list(each) for each in words],
            "steps": steps,
            "dtype": dtype,
            "centred": centred,
            "patches": None if patches is None else list(patches),
            "modes": list(modes),
            "jacobians": None if jacobians is None else list(jacobians),
            "threads": threads,
        }
        library = {"PYTHONPATH": str(self.library.resolve()), "HF_HUB_OFFLINE": "1"}
        limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("request.json", "answer.npz")]
            files[0].write_text(json.dumps(request), encoding="utf-8")
            done = subprocess.run(
                [sys.executable, str(SCRIPT), str(self.checkout.resolve()), *map(str, files)],
                env=os.environ | library | limits,
                capture_output=True,
                text=True,
            )
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no word"])[-1]
                raise BadParameter(f"The public code stopped on {Path(model).name}: {last}")
            with np.load(files[1]) as found:
                arrays = dict(found)
        return Answer(about=json.loads(str(arrays.pop("about"))), arrays=arrays)
