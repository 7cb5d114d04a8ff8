"""What decides a dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from plateaus.errors import BadParameter
from plateaus.rules import whole
from plateaus.training.settings import Settings


@dataclass(frozen=True, kw_only=True)
class DictionarySettings(Settings):
    """One training of a dictionary of what enters one block of a language model."""

    unit: ClassVar[str] = "activations"
    report_every: ClassVar[int] = 100
    save_every: ClassVar[int] = 500
    rules: ClassVar = {
        **Settings.rules,
        "features": whole(2, 2**20),
        "windows": whole(10, 10**7),
        "tokens": whole(2, 2**16),
        "block": whole(1, 1000),
    }

    name: str = "dictionary"
    model: str = "laboratory-12l"
    """Embedded name, directory or hub id."""
    features: int = 768
    active: int = 16
    """k: features that are kept for each activation."""
    windows: int = 6000
    """Of text, each of ``tokens`` tokens; every position but the first gives an activation."""
    tokens: int = 32
    block: int = 1
    """The block that the activations enter."""
    activations: int = 3_072_000
    """Length of the run."""
    batch: int = 1024
    learning_rate: float = 1e-3
    final_rate: float = 0.0
    warmup: float = 0.0
    weight_decay: float = 0.0
    checkpoints: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.active > self.features:
            raise BadParameter(
                f"setting active: {self.active} of {self.features} features cannot be active: give "
                f"at most {self.features}, or more features."
            )

    @property
    def length(self) -> int:
        return self.activations


_QUICK = DictionarySettings(features=512, windows=1000, activations=409_600, threads=1)

PRESETS = {"dictionary": DictionarySettings(), "quick": _QUICK}
"""``quick`` is for a model that brings no dictionary, trained while a chapter waits."""
