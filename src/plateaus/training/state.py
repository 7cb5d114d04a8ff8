"""The state from which a run goes on, tied to everything that decides its result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from plateaus.disk import write_json
from plateaus.errors import TrainingError
from plateaus.training.folders import (
    BESIDE,
    RUN,
    flush,
    read_json,
    written,
)

RESUMABLE = ("device", "compile", "threads", "stop")
"""Settings that may differ between the parts of one run: stop leaves the schedule as it is."""

STATE = ("model", "optimisers", "step", "log", "decides", "rng")
"""What a state holds."""


def tie(work: Path, decides: dict[str, Any], *, begin: bool = True) -> None:
    """Hold the folder of a run to what was written there when it was begun, or begin it.

    Raises:
        TrainingError: names what was another when it was begun.
    """
    file = work / RUN
    before = read_json(file) if file.is_file() else {}
    _same(decides, before, work)
    if begin or not file.is_file():
        write_json({**before, **decides} if begin else {}, file)


def save_state(
    work: Path,
    model: nn.Module,
    optimisers: Sequence[Optimizer],
    step: int,
    log: list[dict],
    decides: dict[str, Any],
) -> None:
    """Write everything the next step depends on; a kill during the write leaves the previous state
    in place.

    Raises:
        TrainingError: the disk refuses (full, read-only); the previous state is still there.
    """
    state = {
        "model": model.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in optimisers],
        "step": step,
        "log": log,
        "decides": decides,
        "rng": torch.get_rng_state(),
    }
    file = work / "state.pt"
    part = file.with_name(f".{file.name}{BESIDE}")
    with written(file, RuntimeError):  # as which torch's writer reports a full disk
        torch.save(state, part)
        flush(part)
        os.replace(part, file)
        flush(work)


def check_state(work: Path) -> None:
    """Refuse a damaged state before anything is written beside it; its tensors are not read.

    Raises:
        TrainingError: it is damaged.
    """
    if (work / "state.pt").exists():
        _read(work / "state.pt", mmap=True)


def load_state(
    work: Path, model: nn.Module, optimisers: Sequence[Optimizer], decides: dict[str, Any]
) -> tuple[int, list[dict]]:
    """Restore a saved state in place; (0, []) if there is none.

    Raises:
        TrainingError: it belongs to other settings or data, or is damaged.
    """
    file = work / "state.pt"
    if not file.exists():
        return 0, []
    state = _read(file)
    _same(decides, state["decides"], work)
    model.load_state_dict(state["model"])
    for optimiser, saved in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    torch.set_rng_state(state["rng"])
    return state["step"], state["log"]


def _read(file: Path, **options: Any) -> dict[str, Any]:
    try:
        state = torch.load(file, weights_only=True, **options)
        return {name: state[name] for name in STATE} | {"log": list(state["log"])}
    except Exception as error:  # what a damaged file makes torch raise is of many classes
        raise TrainingError(
            f"{file} cannot be read ({type(error).__name__}): delete it to begin anew; the "
            "checkpoints beside it are not touched."
        ) from error


def _same(now: dict[str, Any], before: dict[str, Any], work: Path) -> None:
    for name, value in now.items():
        if name in RESUMABLE or name not in before:
            continue
        if plain(value) != plain(before[name]):
            raise TrainingError(
                f"{work} was begun with another {name} ({shown(before[name])}, now "
                f"{shown(value)}): use the same settings and data to go on, or another --work to "
                "begin anew."
            )


def plain(value: Any) -> Any:
    """A setting as it is after a journey through JSON."""
    return list(value) if isinstance(value, tuple) else value
