"""The loop that every run goes through: schedule, progress, checkpoints, and resumption to the same
losses.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from plateaus import progress
from plateaus.disk import write_bytes
from plateaus.errors import TrainingError
from plateaus.training.optimisers import advance
from plateaus.training.run import Run
from plateaus.training.state import load_state, save_state, tie


@contextmanager
def repeatable(threads: int) -> Iterator[None]:
    """Within, torch has so many threads, and sums are taken in one order: compiled, the threads
    would else add up an embedding's gradient as they come.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    filling, had = torch.utils.deterministic.fill_uninitialized_memory, torch.get_num_threads()
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Nothing here reads memory before it is written.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(had)
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = filling


def train(
    run: Run, *, save_every: int | None = None, stop_after: int | None = None, show: bool = False
) -> list[dict]:
    """Train ``run.model``, or go on where ``run.work`` left off; returns the log.

    ``run.work`` holds ``run.json`` (what decides the result), ``state.pt`` (written in one piece
    every ``save_every`` steps), ``checkpoints/step-<n>`` and, in the end, ``log.jsonl``.

    Args:
        stop_after: end this process after so many steps, as a kill would.
        show: draw the bar from the beginning and leave it, and print a line for each checkpoint.

    Raises:
        TrainingError: ``run.work`` belongs to other settings or data, or is further on, the loss
            stopped being finite, or the disk refused.
    """
    s = run.pace
    save_every = save_every or s.save_every
    step, log = begin(run)
    moved = [p for p in run.model.parameters() if p.requires_grad]
    began, unsaid, kept = time.monotonic(), [], step
    bar = progress.bar(
        None,
        s.name,
        at_once=show,
        leave=show,
        total=s.last_step,
        initial=step,
        unit="step",
    )
    with repeatable(s.threads), bar:
        if step == 0:
            _checkpoint(run, step, log, show, kept)
        while step < s.last_step:
            for group in (group for o in run.optimisers for group in o.param_groups):
                group["lr"] = s.rate_at(step)
            loss = advance(run.loss(step), run.optimisers, moved, s.clip)
            _finite(run, loss, step, kept)
            step += 1
            unsaid.append(loss)
            bar.update()
            saves = step % save_every == 0 or step == s.last_step
            if saves or step % s.report_every == 0:
                speed = len(unsaid) * s.per_step / max(time.monotonic() - began, 1e-9)
                mean = (sum(x.double() for x in unsaid) / len(unsaid)).tolist()
                log.append({"step": step, s.unit: step * s.per_step, "loss": mean})
                log[-1][f"{s.unit}_per_second"] = round(speed)
                bar.set_postfix_str(_told(log[-1]))
                began, unsaid = time.monotonic(), []
            if step in s.checkpoint_steps:
                _checkpoint(run, step, log, show, kept)
            if run.work and saves:
                save_state(run.work, run.model, run.optimisers, step, log, run.decides)
                kept = step
            if stop_after is not None and step >= stop_after:
                return log
    if run.work:
        text = "".join(json.dumps(row) + "\n" for row in log)
        write_bytes(text.encode(), run.work / "log.jsonl")
    return log


def begin(run: Run) -> tuple[int, list[dict]]:
    """The step and the log from which to go on; the model and its optimisers are as they were.

    Raises:
        TrainingError: ``run.work`` belongs to other settings or data, or is further on.
    """
    if not run.work:
        return 0, []
    tie(run.work, run.decides)
    step, log = load_state(run.work, run.model, run.optimisers, run.decides)
    if step > run.pace.last_step:
        raise TrainingError(
            f"{run.work} has already come to step {step}, beyond the last one asked for, "
            f"{run.pace.last_step}: let it stop later, or use another --work to begin anew."
        )
    if step < run.pace.last_step:
        (run.work / "log.jsonl").unlink(missing_ok=True)  # of an earlier stop
    return step, log


def _finite(run: Run, numbers: Tensor, step: int, kept: int) -> None:
    if not torch.isfinite(numbers).all():
        raise TrainingError(
            f"the loss or a weight of {run.pace.name} was no longer finite at step {step}: give a "
            "lower learning rate and begin anew in another --work; what was learned until step "
            f"{kept} is kept."
        )


def _checkpoint(run: Run, step: int, log: list[dict], show: bool, kept: int) -> None:
    numbers = run.measure()
    # No later step takes the loss of the last one's weights.
    _finite(run, run.reached(), step, kept)
    _finite(run, torch.tensor([*numbers.values()]), step, kept)
    log.append({"step": step, run.pace.unit: step * run.pace.per_step, **numbers})
    run.keep(step)
    if show:
        progress.say(f"step {step:,} of {run.pace.last_step:,} is kept: {_told(log[-1])}")


def _told(row: dict) -> str:
    """The numbers of a row of the log beside its step, as words."""
    return ", ".join(
        f"{name.replace('_', ' ')} {value:,.4g}"
        for name, value in list(row.items())[1:]
        if isinstance(value, (int, float))
    )


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
