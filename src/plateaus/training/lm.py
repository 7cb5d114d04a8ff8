"""Train a language model: the whole recipe, to be read in one sitting.

``plateaus train lm laboratory`` and ``plateaus train lm prose --corpus DIR`` call :func:`train`
with a preset. Everything that decides the result is in :class:`Settings`; the data order is a pure
function of seed and step, so a run that was killed and resumed gives the same losses as one that
was not, and twins see the same text in the same order.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import PreTrainedModel

from plateaus.data.corpus import prepare_laboratory, prepare_prose
from plateaus.errors import TrainingError
from plateaus.training.files import save_checkpoint
from plateaus.training.lm_models import build_model, optimisers
from plateaus.training.lm_settings import Settings
from plateaus.training.loop import Learner, run


class Windows:
    """Windows of ``context + 1`` tokens from a memory-mapped file; which ones make up a step
    depends on seed and step alone.
    """

    def __init__(self, file: Path, s: Settings) -> None:
        self.tokens, self.s = np.memmap(file, np.uint16, "r"), s
        last = len(self.tokens) - s.context - 1
        if last < 1:
            raise TrainingError(
                f"{file.name} has {len(self.tokens)} tokens, fewer than one window of {s.context + 1}: give more text."
            )
        if (
            s.language == "laboratory"
        ):  # token 0 ends a story; the model never sees the middle of a story as a beginning
            starts = np.flatnonzero(self.tokens[:last] == 0) + 1
        else:
            starts = np.arange(0, last, s.context)
        self.starts = starts

    def __call__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of one step, each int64 of shape (batch, context)."""
        places = np.arange(step * self.s.batch, (step + 1) * self.s.batch)
        rows = []
        for epoch, index in zip(*np.divmod(places, len(self.starts)), strict=True):
            start = self.starts[self._order(int(epoch))[index]]
            rows.append(self.tokens[start : start + self.s.context + 1].astype(np.int64))
        block = torch.from_numpy(np.stack(rows))
        return block[:, :-1].contiguous(), block[:, 1:].contiguous()

    def _order(self, epoch: int) -> np.ndarray:
        if getattr(self, "_cached", (None,))[0] != epoch:
            self._cached = (
                epoch,
                np.random.default_rng([self.s.seed, epoch]).permutation(len(self.starts)),
            )
        return self._cached[1]


def mean_loss(model: torch.nn.Module, data: Windows, batches: int, device: str) -> float:
    """Mean cross entropy in nats per token over the first ``batches`` batches, float32."""
    with torch.no_grad():
        losses = [_loss(model, *(t.to(device) for t in data(i))).item() for i in range(batches)]
    return sum(losses) / len(losses)


def _loss(model: PreTrainedModel, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    logits = model.lm_head(model.base_model(x)[0])
    return F.cross_entropy(logits.flatten(0, 1).float(), y.flatten())


def stepper(
    model: PreTrainedModel, movers: Sequence[torch.optim.Optimizer], s: Settings, device: str
) -> Callable[..., float]:
    """What one step does to the model: takes inputs and targets, both (batch, context), and returns
    the loss in nats per token.
    """
    compiled = s.compile == "yes" or (
        s.compile == "auto" and (device == "cuda" or shutil.which("g++") is not None)
    )
    loss_of = torch.compile(_loss) if compiled else _loss
    fast = (
        torch.autocast(device, dtype=torch.bfloat16)
        if device in ("cpu", "cuda")
        else contextlib.nullcontext()
    )

    def learn(x: torch.Tensor, y: torch.Tensor) -> float:
        with fast:
            loss = loss_of(model, x.to(device), y.to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), s.clip)
        for mover in movers:
            mover.step()
            mover.zero_grad(set_to_none=True)
        return loss.item()

    return learn


def train(
    s: Settings,
    work: Path,
    *,
    corpus: str | None = None,
    revision: str | None = None,
    save_every: int = 200,
    stop_after: int | None = None,
    report: Callable[[str], None] = print,
) -> PreTrainedModel:
    """Train, or go on where ``work`` left off; returns the model.

    ``work`` holds the token files beside what :func:`plateaus.training.loop.run` writes there;
    ``stop_after`` ends this process early, as a kill would.
    """
    torch.set_num_threads(s.threads)
    device = s.device if s.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    meta = _data(s, work / "data", corpus, revision)
    windows, held_out = (
        Windows(work / "data" / "train.bin", s),
        Windows(work / "data" / "val.bin", s),
    )
    model = build_model(s, meta["vocabulary"]).to(device)
    movers = optimisers(model, s)
    learn = stepper(model, movers, s, device)
    batches = max(1, 65536 // s.per_step)
    learner = Learner(
        model=model,
        optimisers=movers,
        learn=lambda step: learn(*windows(step)),
        save=partial(save_checkpoint, model),
        measure=lambda: {"validation": mean_loss(model, held_out, batches, device)},
    )
    run(s, work, learner, asdict(s), save_every=save_every, stop_after=stop_after, report=report)
    return model


def _data(s: Settings, folder: Path, corpus: str | None, revision: str | None) -> dict:
    """The prepared token files, made once."""
    if not (folder / "meta.json").exists():
        if s.language == "laboratory":
            prepare_laboratory(folder, tokens=s.corpus_tokens, seed=s.seed)
        elif corpus is None:
            raise TrainingError(
                "training on prose needs text: give --corpus a folder of .txt or .txt.xz files or hub:<dataset>."
            )
        else:
            prepare_prose(
                folder,
                corpus=corpus,
                vocabulary_size=s.vocabulary,
                tokens=s.corpus_tokens,
                revision=revision,
            )
    return json.loads((folder / "meta.json").read_text())
