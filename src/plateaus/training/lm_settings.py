"""What decides a language model: the settings of one training run, and the presets that made the
book's models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from plateaus.errors import TrainingError
from plateaus.training.options import INFINITE, choose

CHOICES = {
    "language": ("laboratory", "prose"),
    "architecture": ("gpt2", "llama"),
    "normalisation": ("yes", "no"),
    "optimiser": ("muon", "adamw"),
    "compile": ("auto", "yes", "no"),
}
BOUNDS = {
    "stop": (0, INFINITE),
    "checkpoints": (0, INFINITE),
    "spacing": (1.01, INFINITE),
    "seed": (0, INFINITE),
    "final_rate": (0, 1),
    "warmup": (0, 1),
    "weight_decay": (0, INFINITE),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One training run."""

    unit: ClassVar[str] = "tokens"

    name: str
    language: str = "prose"
    """``"laboratory"`` (generated, word-level, windows begin where a story begins) or ``"prose"``
    (byte-pair, any window).
    """
    architecture: str = "gpt2"
    """``"gpt2"`` (LayerNorm, MLP, learned positions) or ``"llama"`` (RMSNorm, gated MLP, rotary
    positions).
    """
    blocks: int = 12
    width: int = 128
    heads: int = 2
    """Of about 64 dimensions each by default; four of 32 train a fifth slower on a CPU."""
    activation: str = "gelu_new"
    normalisation: str = "yes"
    """``"no"`` replaces every LayerNorm by a fixed multiple of x minus its mean: no division by the
    size of x anywhere.
    """
    context: int = 256
    vocabulary: int = 4096
    """Size of the byte-pair vocabulary; the laboratory language brings its own words."""
    tokens: int = 12_000_000
    """Length of the run in tokens; the schedule ends there."""
    stop: int = 0
    """Stop after so many tokens, in the middle of the schedule: a twin that is compared at equal
    tokens. 0: go on to the end.
    """
    corpus_tokens: int = 25_000_000
    """Size of the training file in tokens."""
    checkpoints: int = 5
    """How many are kept beside step 0, log-spaced backwards from the end."""
    spacing: float = 4.0
    """Each is so many times further than the one before."""
    batch: int = 16
    """Windows per step."""
    optimiser: str = "adamw"
    """``"muon"``: the matrices of the blocks are moved by orthogonalised momentum, everything else
    by AdamW.
    """
    learning_rate: float = 1.2e-3
    final_rate: float = 0.02
    """Learning rate at the end, as a fraction of the peak."""
    warmup: float = 0.03
    """Fraction of the run over which the learning rate rises linearly."""
    weight_decay: float = 0.1
    clip: float = 1.0
    seed: int = 0
    device: str = "auto"
    compile: str = "auto"
    """``"yes"``, ``"no"``, or ``"auto"``: compile where a C++ compiler or a GPU is found (about
    twice as fast on a CPU).
    """
    threads: int = 2

    @property
    def per_step(self) -> int:
        """Tokens of one step."""
        return self.batch * self.context

    @property
    def steps(self) -> int:
        """Length of the schedule in steps."""
        return max(1, self.tokens // self.per_step)

    @property
    def last_step(self) -> int:
        """Where the run ends: with the schedule, or at ``stop`` tokens."""
        return (
            min(self.steps, max(1, round(self.stop / self.per_step))) if self.stop else self.steps
        )

    @property
    def checkpoint_steps(self) -> list[int]:
        """Step 0, the log-spaced ones up to the last step, and the last step itself."""
        spaced = {round(self.steps / self.spacing**k) for k in range(self.checkpoints)}
        return sorted({step for step in spaced if step < self.last_step} | {0, self.last_step})


_LABORATORY = Settings(
    name="laboratory-12l",
    language="laboratory",
    context=128,
    tokens=5_000_000,
    corpus_tokens=5_000_000,
    optimiser="muon",
    learning_rate=5e-3,
    final_rate=0.05,
)
# Ten checkpoints of this size and all twins fit into the 100 MB that the book may ship; width 128
# would not.
_PROSE = Settings(
    name="prose-12l",
    width=120,
    tokens=80_000_000,
    corpus_tokens=80_000_000,
    checkpoints=9,
    spacing=2.0,
    optimiser="muon",
    learning_rate=6e-3,
)
_TWIN = {
    "stop": 20_000_000,
    "checkpoints": 0,
}  # where the main run has a checkpoint: they are compared at equal tokens

PRESETS: dict[str, Settings] = {
    "laboratory": _LABORATORY,
    "laboratory-3l": replace(_LABORATORY, name="laboratory-3l", blocks=3),
    "laboratory-6l": replace(_LABORATORY, name="laboratory-6l", blocks=6),
    "laboratory-24l": replace(_LABORATORY, name="laboratory-24l", blocks=24),
    "laboratory-no-layernorm": replace(
        _LABORATORY, name="laboratory-6l-no-layernorm", blocks=6, normalisation="no"
    ),
    "laboratory-relu": replace(_LABORATORY, name="laboratory-6l-relu", blocks=6, activation="relu"),
    "prose": _PROSE,
    "prose-4l": replace(_PROSE, name="prose-4l", blocks=4, **_TWIN),
    "prose-w60": replace(_PROSE, name="prose-12l-w60", width=60, heads=1, **_TWIN),
    "prose-no-layernorm": replace(
        _PROSE,
        name="prose-12l-no-layernorm",
        normalisation="no",
        learning_rate=3e-3,
        weight_decay=0.3,
        **_TWIN,
    ),  # diverges at the rates of its twin
    "prose-relu": replace(_PROSE, name="prose-12l-relu", activation="relu", **_TWIN),
    "prose-llama": replace(
        _PROSE, name="prose-12l-llama", architecture="llama", activation="silu", **_TWIN
    ),
}
"""Twins see the same data in the same order and follow the same schedule as the model whose twin
they are, except that the prose model without LayerNorm is moved by half as much and pulled back
more."""


def settings(preset: str, **changes: object) -> Settings:
    """A preset with changes. Raises :class:`TrainingError` for an unknown preset or setting, or a
    value that cannot be.
    """
    if preset not in PRESETS:
        raise TrainingError(f"preset {preset!r} is unknown: choose one of {', '.join(PRESETS)}.")
    chosen = choose(PRESETS[preset], changes, choices=CHOICES, bounds=BOUNDS)
    if chosen.width % chosen.heads:
        raise TrainingError(
            f"width {chosen.width} cannot be split over {chosen.heads} heads: choose a multiple."
        )
    if chosen.architecture == "llama" and chosen.normalisation == "no":
        raise TrainingError(
            "architecture 'llama' was given normalisation 'no': only 'gpt2' can be built without it here."
        )
    return chosen
