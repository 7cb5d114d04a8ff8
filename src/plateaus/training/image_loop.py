"""What both image recipes share: the order of the data, the optimiser, and the loop around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from plateaus.data.images import Images
from plateaus.errors import TrainingError
from plateaus.training.image_models import save_checkpoint
from plateaus.training.image_settings import ImageSettings
from plateaus.training.loop import Learner, run


class Order:
    """Which images make up a step: a new permutation each epoch, and a pure function of seed and
    step.
    """

    def __init__(self, count: int, batch: int, seed: int) -> None:
        if batch > count:
            raise TrainingError(
                f"a batch of {batch} does not fit {count} training images: give a smaller batch."
            )
        self.count, self.batch, self.seed = count, batch, seed
        self._cached: tuple[int, np.ndarray] = (-1, np.empty(0))

    def __call__(self, step: int) -> Tensor:
        """Places of the training images of one step, int64 ``(batch,)``."""
        epochs, places = np.divmod(
            np.arange(step * self.batch, (step + 1) * self.batch), self.count
        )
        return torch.from_numpy(
            np.concatenate(
                [self._permutation(int(e))[places[epochs == e]] for e in np.unique(epochs)]
            )
        )

    def _permutation(self, epoch: int) -> np.ndarray:
        if self._cached[0] != epoch:
            self._cached = (
                epoch,
                np.random.default_rng([self.seed, 0, epoch]).permutation(self.count),
            )
        return self._cached[1]


def train_on(
    s: ImageSettings,
    work: Path,
    images: Images,
    *,
    model: nn.Module,
    shipped: PreTrainedModel,
    loss: Callable[[Tensor, int], Tensor],
    measure: Callable[[], dict[str, float]],
    save_every: int,
    stop_after: int | None,
    report: Callable[[str], None],
) -> None:
    """Train ``model``, or go on where ``work`` left off (see :func:`plateaus.training.loop.run`).

    Args:
        model: everything that learns; parameters that need no gradient are left alone.
        shipped: the part of it that a checkpoint holds.
        loss: places of the training images ``(batch,)`` and the step -> the loss in nats, to be
            differentiated.
        measure: numbers of a checkpoint, taken in evaluation mode.
    """
    order, moved = (
        Order(len(images), s.batch, s.seed),
        [p for p in model.parameters() if p.requires_grad],
    )
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in moved if p.ndim >= 2], "weight_decay": s.weight_decay},
            {"params": [p for p in moved if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=s.learning_rate,
        fused=True,
    )

    def learn(step: int) -> float:
        value = loss(order(step), step)
        value.backward()
        torch.nn.utils.clip_grad_norm_(moved, s.clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return value.item()

    def measured() -> dict[str, float]:
        model.eval()
        with torch.no_grad():
            numbers = measure()
        model.train()
        return numbers

    model.train()
    learner = Learner(
        model=model,
        optimisers=[optimiser],
        learn=learn,
        measure=measured,
        save=partial(save_checkpoint, shipped),
    )
    run(
        s,
        work,
        learner,
        {**asdict(s), "data checksum": images.checksum},
        save_every=save_every,
        stop_after=stop_after,
        report=report,
    )
