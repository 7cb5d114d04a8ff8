"""Windows of a token file, in the order in which a run reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import TrainingError
from plateaus.training.language.settings import LanguageSettings
from plateaus.training.order import Order


class Windows:
    """Windows of ``context + 1`` tokens from a memory-mapped file; which ones make up a step
    depends on seed and step alone.
    """

    def __init__(self, file: Path, s: LanguageSettings, *, shuffled: bool = False) -> None:
        self.tokens, self.s, self.shuffled = np.memmap(file, np.uint16, "r"), s, shuffled
        last = len(self.tokens) - s.context - 1
        if s.language == "laboratory":  # token 0 ends a story; no middle is seen as a beginning
            self.starts = np.flatnonzero(self.tokens[: max(0, last)] == 0) + 1
        else:
            self.starts = np.arange(0, last, s.context)
        if not len(self.starts):
            raise TrainingError(
                f"{file.name} has {len(self.tokens)} tokens, fewer than one window of "
                f"{s.context + 1}: give more text, or a shorter context."
            )
        self.order = Order(len(self.starts), s.batch, s.seed)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of one step, each int64 of shape (batch, context)."""
        starts = self.starts[self.order(step)]
        rows = self.tokens[starts[:, None] + np.arange(self.s.context + 1)]
        if self.shuffled:
            rows = np.random.default_rng([self.s.seed, step]).permuted(rows)
        block = torch.from_numpy(rows.astype(np.int64))
        return block[:, :-1].contiguous(), block[:, 1:].contiguous()
