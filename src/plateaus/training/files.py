"""Files of a training run: the state from which it resumes, its checkpoints, and checksums of what
is shipped.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import torch

from plateaus.errors import CorruptModel, TrainingError

SUMS = "sha256sums.txt"
RESUMABLE = (
    "device",
    "compile",
    "threads",
    "stop",
)  # settings that may differ between the parts of one run: stop leaves the schedule as it is


def save_state(
    file: Path,
    model: torch.nn.Module,
    movers: Sequence[torch.optim.Optimizer],
    step: int,
    log: list[dict],
    settings: dict,
) -> None:
    """Write everything the next step depends on; a kill during the write leaves the previous state
    in place.

    Raises :class:`TrainingError` if the disk refuses (full, read-only); the previous state is still
    there.
    """
    state = {
        "model": model.state_dict(),
        "optimisers": [mover.state_dict() for mover in movers],
        "step": step,
        "log": log,
        "settings": settings,
        "rng": torch.get_rng_state(),
    }
    part = file.with_suffix(".part")
    try:
        torch.save(state, part)
        os.replace(part, file)
    except (
        OSError,
        RuntimeError,
    ) as error:  # torch's own writer reports a full disk as a RuntimeError
        raise TrainingError(
            f"the state after step {step} could not be written to {file.parent.name} ({str(error).splitlines()[0]}): free "
            "space or choose another --work, then run the same command; the state before it is kept."
        ) from error


def load_state(
    file: Path, model: torch.nn.Module, movers: Sequence[torch.optim.Optimizer], settings: dict
) -> tuple[int, list[dict]]:
    """Restore a saved state in place; (0, []) if there is none. Raises :class:`TrainingError` if it
    belongs to other settings.
    """
    if not file.exists():
        return 0, []
    try:
        state = torch.load(file, weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"{file.parent.name}/{file.name} cannot be read ({str(error).splitlines()[0]}): delete it to begin anew; the "
            "checkpoints beside it are not touched."
        ) from error
    changed = [
        k for k in settings if k not in RESUMABLE and settings[k] != state["settings"].get(k)
    ]
    if changed:
        raise TrainingError(
            f"{file.parent.name} was begun with another {changed[0]} ({state['settings'].get(changed[0])!r}, now "
            f"{settings[changed[0]]!r}): use the same settings to go on, or another folder to begin anew."
        )
    model.load_state_dict(state["model"])
    for mover, saved in zip(movers, state["optimisers"], strict=True):
        mover.load_state_dict(saved)
    torch.set_rng_state(state["rng"])
    return state["step"], list(state["log"])


def save_checkpoint(
    model: torch.nn.Module, folder: Path, dtype: torch.dtype = torch.bfloat16
) -> None:
    """The model as a Hugging Face folder, rounded to ``dtype`` for storage; the model in memory
    keeps its precision.
    """
    tied = (
        set(model._tied_weights_keys or ()) if model.config.tie_word_embeddings else set()
    )  # one matrix under two names is stored once
    rounded = {
        name: tensor.detach().to(dtype).cpu()
        for name, tensor in model.state_dict().items()
        if name not in tied
    }
    model.save_pretrained(
        folder, state_dict=rounded
    )  # config.json asks for float32, so that readers compute in float32


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_sums(folder: Path) -> None:
    """Record the SHA-256 of every file under ``folder`` in the format of ``sha256sum``."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    (folder / SUMS).write_text(
        "".join(f"{digest(p)}  {p.relative_to(folder).as_posix()}\n" for p in files)
    )


def verify_sums(folder: Path) -> None:
    """Compare every recorded file with its checksum. Raises :class:`CorruptModel` naming the first
    that differs or is missing.
    """
    sums = folder / SUMS
    if not sums.is_file():
        raise CorruptModel(
            f"{folder.name} has no {SUMS}: fetch the folder again, or write the sums with plateaus.training.files.write_sums."
        )
    for line in sums.read_text().splitlines():
        expected, _, name = line.partition("  ")
        if not (folder / name).is_file() or digest(folder / name) != expected:
            raise CorruptModel(
                f"{folder.name}/{name} is missing or differs from its recorded checksum: fetch the file again."
            )
