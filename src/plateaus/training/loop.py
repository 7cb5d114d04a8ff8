"""The loop that every recipe runs in: schedule, progress, checkpoints, and resumption to the same
losses.
"""

from __future__ import annotations

import contextlib
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn
from torch.optim import Optimizer

from plateaus.errors import TrainingError
from plateaus.training.files import load_state, save_state
from plateaus.training.memory import keep_freed_memory

REPORT_EVERY = 20  # steps


class Run(Protocol):
    """What the loop reads of a recipe's settings; rates are per step, lengths in steps."""

    name: str
    learning_rate: float
    final_rate: float
    warmup: float
    unit: str
    """What is counted: ``"tokens"`` or ``"samples"``."""

    @property
    def per_step(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def last_step(self) -> int: ...
    @property
    def checkpoint_steps(self) -> list[int]: ...


@dataclass(frozen=True, kw_only=True)
class Learner:
    """What a recipe gives to the loop."""

    model: nn.Module
    """Everything that is learnt, saved and restored as a whole."""
    optimisers: Sequence[Optimizer]
    learn: Callable[[int], float]
    """Does the step of this number, which alone decides its data, and returns the loss in nats."""
    measure: Callable[[], dict[str, float]]
    """Numbers of a checkpoint; neither depends on nor changes the state of a random generator."""
    save: Callable[[Path], None]
    """Writes a checkpoint into a folder."""


def rate(s: Run, step: int) -> float:
    """Linear warm-up, then a cosine to ``final_rate`` of the peak."""
    warm = max(1, round(s.warmup * s.steps))
    if step < warm:
        return s.learning_rate * (step + 1) / warm
    cosine = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, s.steps - warm)))
    return s.learning_rate * (s.final_rate + (1 - s.final_rate) * cosine)


@contextlib.contextmanager
def repeatable() -> Iterator[None]:
    """Within, sums are taken in one order: compiled, the threads would else add up an embedding's
    gradient as they come.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    filling = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = (
        False  # nothing here reads memory before it is written
    )
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = filling


@repeatable()
def run(
    s: Run,
    work: Path,
    learner: Learner,
    known: dict,
    *,
    save_every: int = 200,
    stop_after: int | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Train, or go on where ``work`` left off.

    ``work`` holds ``state.pt`` (written atomically every ``save_every`` steps),
    ``checkpoints/step-<n>`` and, in the end, ``log.jsonl``. ``known`` is what decides the result,
    for the state to be held to. ``stop_after`` ends this process early, as a kill would.

    Raises:
        TrainingError: ``work`` belongs to other settings or data, or is further on, the loss
            stopped being finite, or the disk refused.
    """
    keep_freed_memory()
    step, log = load_state(work / "state.pt", learner.model, learner.optimisers, known)
    if step > s.last_step:
        raise TrainingError(
            f"{work.name} has already come to step {step}, beyond the last one asked for, {s.last_step}: let it stop "
            "later, or use another folder to begin anew."
        )
    began, unsaved = time.monotonic(), []

    def checkpoint() -> None:
        log.append({"step": step, s.unit: step * s.per_step, **learner.measure()})
        learner.save(work / "checkpoints" / f"step-{step}")
        report(
            f"step {step}: "
            + ", ".join(
                f"{name.replace('_', ' ')} {value:.4f}" for name, value in list(log[-1].items())[2:]
            )
        )

    if step == 0:
        checkpoint()
    while step < s.last_step:
        for group in (
            group for optimiser in learner.optimisers for group in optimiser.param_groups
        ):
            group["lr"] = rate(s, step)
        loss = learner.learn(step)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss of {s.name} was no longer finite at step {step}: lower learning_rate={s.learning_rate:g} "
                f"and begin anew; what was learned until step {step - step % save_every} is kept in {work.name}."
            )
        step += 1
        unsaved.append(loss)
        if step % REPORT_EVERY == 0 or step % save_every == 0 or step == s.last_step:
            speed = len(unsaved) * s.per_step / max(time.monotonic() - began, 1e-9)
            log.append(
                {
                    "step": step,
                    s.unit: step * s.per_step,
                    "loss": sum(unsaved) / len(unsaved),
                    f"{s.unit}_per_second": round(speed),
                }
            )
            left = (s.last_step - step) * s.per_step / speed
            report(
                f"step {step}/{s.last_step}  loss {log[-1]['loss']:.4f}  {speed:,.0f} {s.unit}/s  {left / 60:.1f} min left"
            )
            began, unsaved = time.monotonic(), []
        if step in s.checkpoint_steps:
            checkpoint()
        if step % save_every == 0 or step == s.last_step:
            save_state(work / "state.pt", learner.model, learner.optimisers, step, log, known)
        if stop_after is not None and step >= stop_after:
            return
    (work / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))


def cost(log: list[dict], unit: str) -> dict[str, float]:
    """Minutes spent on steps, and the median speed as ``<unit>_per_second``."""
    speeds = [row for row in log if f"{unit}_per_second" in row]
    before = [0, *(row[unit] for row in speeds)]
    seconds = sum(
        (row[unit] - start) / max(1, row[f"{unit}_per_second"])
        for row, start in zip(speeds, before, strict=False)
    )
    return {
        "minutes": round(seconds / 60, 1),
        f"{unit}_per_second": round(statistics.median(row[f"{unit}_per_second"] for row in speeds)),
    }
