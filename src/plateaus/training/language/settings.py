"""What decides a language model: the settings of one training run, and the presets that made the
book's models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from plateaus.errors import BadParameter
from plateaus.rules import one_of, real, whole
from plateaus.training import options
from plateaus.training.settings import Settings

MOST = 10**11
"""Parameters of the largest model, about: no memory that torch reaches here holds more."""


@dataclass(frozen=True, kw_only=True)
class LanguageSettings(Settings):
    """One training run of a language model."""

    unit: ClassVar[str] = "tokens"
    rules: ClassVar = {
        **Settings.rules,
        "language": one_of("laboratory", "prose"),
        "architecture": one_of("gpt2", "llama"),
        "activation": one_of("gelu_new", "gelu", "relu", "silu", "tanh"),
        "normalisation": one_of("yes", "no"),
        "optimiser": one_of("muon", "adamw"),
        "compile": one_of("auto", "yes", "no"),
        "blocks": whole(1, 1000),
        "width": whole(1, 2**16),
        "context": whole(1, 2**16),
        "vocabulary": whole(257, 2**16),
        "corpus_tokens": whole(1, 10**11),
        "stop": whole(0, options.MOST),
        "words": one_of("in order", "shuffled"),
        "bending": real(0),
    }

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
    batch: int = 16
    """Windows per step."""
    optimiser: str = "adamw"
    """``"muon"``: the matrices of the blocks are moved by orthogonalised momentum, everything else
    by AdamW.
    """
    learning_rate: float = 1.2e-3
    final_rate: float = 0.02
    warmup: float = 0.03
    weight_decay: float = 0.1
    words: str = "in order"
    """``"shuffled"``: all tokens of a step change places at random, so that nothing but their
    frequencies can be learned.
    """
    bending: float = 0.0
    """Weight of the penalty of :mod:`plateaus.training.language.bending` on curves between
    prompts.
    """
    compile: str = "auto"
    """``"yes"``, ``"no"``, or ``"auto"``: compile where a C++ compiler or a GPU is found (about
    twice as fast on a CPU).
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise BadParameter(
                f"width {self.width} cannot be split over {self.heads} heads: choose a multiple."
            )
        if (about := 12 * self.blocks * self.width**2) > MOST:
            raise BadParameter(
                f"{self.blocks} blocks of width {self.width} have about {about:.0e} parameters: "
                f"choose fewer, at most {MOST:.0e} are trained here."
            )
        if self.architecture == "llama" and self.normalisation == "no":
            raise BadParameter(
                "architecture 'llama' was given normalisation 'no': only 'gpt2' can be built "
                "without it here."
            )

    @property
    def length(self) -> int:
        return self.tokens

    @property
    def per_step(self) -> int:
        """Tokens of one step."""
        return self.batch * self.context

    @property
    def last_step(self) -> int:
        """Where the run ends: with the schedule, or at ``stop`` tokens."""
        return (
            min(self.steps, max(1, round(self.stop / self.per_step))) if self.stop else self.steps
        )


_LABORATORY = LanguageSettings(
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
_PROSE = LanguageSettings(
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

PRESETS: dict[str, LanguageSettings] = {
    "laboratory": _LABORATORY,
    "laboratory-3l": replace(_LABORATORY, name="laboratory-3l", blocks=3),
    "laboratory-6l": replace(_LABORATORY, name="laboratory-6l", blocks=6),
    **{
        f"laboratory-6l-seed{seed}": replace(
            _LABORATORY, name=f"laboratory-6l-seed{seed}", blocks=6, seed=seed
        )
        for seed in range(1, 5)
    },
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

settings = partial(options.settings, PRESETS)
"""``settings(preset, **changes)``: see :func:`plateaus.training.options.settings`."""
