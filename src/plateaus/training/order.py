"""Which samples make up a step: a pure function of seed and step, so that a run that was killed
goes on as if it never stopped, and twins see the same samples in the same order.
"""

from __future__ import annotations

import numpy as np


class Order:
    """A new permutation of ``count`` places in each epoch, drawn from ``seed`` and the epoch."""

    def __init__(self, count: int, batch: int, *seed: int) -> None:
        self.count, self.batch, self.seed = count, batch, seed
        self._cached: tuple[int, np.ndarray] = (-1, np.empty(0))

    def __call__(self, step: int) -> np.ndarray:
        """Places of the samples of one step, int64 ``(batch,)``."""
        wanted = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs, places = np.divmod(wanted, self.count)
        return np.concatenate(
            [self._permutation(int(e))[places[epochs == e]] for e in np.unique(epochs)]
        )

    def _permutation(self, epoch: int) -> np.ndarray:
        if self._cached[0] != epoch:
            random = np.random.default_rng([*self.seed, epoch])
            self._cached = (epoch, random.permutation(self.count))
        return self._cached[1]
