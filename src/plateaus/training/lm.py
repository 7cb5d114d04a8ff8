"""Train a GPT-2-architecture language model: the whole recipe, to be read in one sitting.

``plateaus train lm laboratory`` and ``plateaus train lm prose --corpus DIR`` call :func:`train` with the presets below.
Everything that decides the result is in :class:`Settings`; the data order is a pure function of seed and step, so a run
that was killed and resumed gives the same losses as one that was not.
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from plateaus.data.corpus import prepare_laboratory, prepare_prose
from plateaus.errors import TrainingError
from plateaus.training.lm_files import load_state, save_checkpoint, save_state


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One training run."""

    name: str
    language: str = "prose"
    """``"laboratory"`` (generated, word-level, windows begin where a story begins) or ``"prose"`` (byte-pair, any window)."""
    blocks: int = 12
    width: int = 128
    heads: int = 4
    activation: str = "gelu_new"
    context: int = 256
    vocabulary: int = 4096
    """Size of the byte-pair vocabulary; the laboratory language brings its own words."""
    tokens: int = 12_000_000
    """Length of the run in tokens; the schedule ends there."""
    corpus_tokens: int = 25_000_000
    """Size of the training file in tokens."""
    batch: int = 16
    """Windows per step."""
    learning_rate: float = 1.2e-3
    final_rate: float = 0.05
    """Learning rate at the end, as a fraction of the peak."""
    warmup: float = 0.03
    """Fraction of the run over which the learning rate rises linearly."""
    weight_decay: float = 0.1
    clip: float = 1.0
    seed: int = 0
    device: str = "auto"
    compile: str = "auto"
    """``"yes"``, ``"no"``, or ``"auto"``: compile where a C++ compiler or a GPU is found (about 1.5 times faster on CPU)."""
    threads: int = 2

    @property
    def steps(self) -> int:
        return max(1, self.tokens // (self.batch * self.context))

    @property
    def checkpoints(self) -> list[int]:
        """Step 0, then a factor of four apart, counted back from the last step."""
        spaced = {round(self.steps / 4**k) for k in range(5)}
        return sorted(spaced | {0})


PRESETS: dict[str, Settings] = {
    "laboratory": Settings(name="laboratory-12l", language="laboratory", blocks=12, width=128, heads=4, context=128,
                           batch=16, tokens=5_000_000, corpus_tokens=2_500_000, learning_rate=1.5e-3),
    # The same shape as the laboratory model: with so few tokens a wider model would be further from its best.
    "prose": Settings(name="prose-12l", blocks=12, width=128, heads=4, learning_rate=2e-3),
}


def settings(preset: str, **changes: object) -> Settings:
    """A preset with changes. Raises :class:`TrainingError` for an unknown preset or setting, or a value of the wrong kind."""
    if preset not in PRESETS:
        raise TrainingError(f"preset {preset!r} is unknown: choose one of {', '.join(PRESETS)}.")
    kinds = {f.name: type(getattr(PRESETS[preset], f.name)) for f in fields(Settings)}
    for name, value in changes.items():
        if name not in kinds:
            raise TrainingError(f"setting {name!r} is unknown: choose among {', '.join(kinds)}.")
        if not isinstance(value, kinds[name]) or (isinstance(value, (int, float)) and value < 0):
            raise TrainingError(f"setting {name} was given {value!r}: it must be a non-negative {kinds[name].__name__}.")
    chosen = Settings(**{**asdict(PRESETS[preset]), **changes})
    if chosen.width % chosen.heads:
        raise TrainingError(f"width {chosen.width} cannot be split over {chosen.heads} heads: choose a multiple.")
    return chosen


def build_model(s: Settings, vocabulary: int) -> GPT2LMHeadModel:
    """A fresh model in float32, a pure function of the settings; dropout is off, since every token is seen about once."""
    torch.manual_seed(s.seed)
    config = GPT2Config(vocab_size=vocabulary, n_positions=s.context, n_embd=s.width, n_layer=s.blocks, n_head=s.heads,
                        activation_function=s.activation, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False,
                        bos_token_id=0, eos_token_id=0)
    return GPT2LMHeadModel._from_config(config, attn_implementation="sdpa", dtype=torch.float32)


class Windows:
    """Windows of ``context + 1`` tokens from a memory-mapped file; which ones make up a step depends on seed and step alone."""

    def __init__(self, file: Path, s: Settings) -> None:
        self.tokens, self.s = np.memmap(file, np.uint16, "r"), s
        last = len(self.tokens) - s.context - 1
        if last < 1:
            raise TrainingError(f"{file.name} has {len(self.tokens)} tokens, fewer than one window of {s.context + 1}: give more text.")
        if s.language == "laboratory":   # token 0 ends a story; the model never sees the middle of a story as a beginning
            starts = np.flatnonzero(self.tokens[:last] == 0) + 1
        else:
            starts = np.arange(0, last, s.context)
        self.starts = starts

    def __call__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of one step, each int64 of shape (batch, context)."""
        places = np.arange(step * self.s.batch, (step + 1) * self.s.batch)
        rows = []
        for epoch, index in zip(*np.divmod(places, len(self.starts))):
            start = self.starts[self._order(int(epoch))[index]]
            rows.append(self.tokens[start:start + self.s.context + 1].astype(np.int64))
        block = torch.from_numpy(np.stack(rows))
        return block[:, :-1].contiguous(), block[:, 1:].contiguous()

    def _order(self, epoch: int) -> np.ndarray:
        if getattr(self, "_cached", (None,))[0] != epoch:
            self._cached = epoch, np.random.default_rng([self.s.seed, epoch]).permutation(len(self.starts))
        return self._cached[1]


def rate(s: Settings, step: int) -> float:
    """Linear warm-up, then half a cosine down to ``final_rate`` of the peak."""
    warm = max(1, round(s.warmup * s.steps))
    if step < warm:
        return s.learning_rate * (step + 1) / warm
    cosine = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, s.steps - warm)))
    return s.learning_rate * (s.final_rate + (1 - s.final_rate) * cosine)


def optimiser(model: torch.nn.Module, s: Settings) -> torch.optim.AdamW:
    """AdamW; weight decay on matrices only."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": s.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=s.learning_rate, betas=(0.9, 0.95), fused=True)


def mean_loss(model: torch.nn.Module, data: Windows, batches: int, device: str) -> float:
    """Mean cross entropy in nats per token over the first ``batches`` batches, float32."""
    with torch.no_grad():
        losses = [_loss(model, *(t.to(device) for t in data(i))).item() for i in range(batches)]
    return sum(losses) / len(losses)


def _loss(model: GPT2LMHeadModel, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    logits = model.lm_head(model.transformer(x)[0])
    return F.cross_entropy(logits.flatten(0, 1).float(), y.flatten())


def train(s: Settings, work: Path, *, corpus: str | None = None, revision: str | None = None, save_every: int = 200,
          stop_after: int | None = None, report: Callable[[str], None] = print) -> GPT2LMHeadModel:
    """Train, or go on where ``work`` left off; returns the model.

    ``work`` holds the token files, ``state.pt`` (written atomically every ``save_every`` steps), ``log.jsonl`` and
    ``checkpoints/step-<n>``. ``stop_after`` ends this process early, as a kill would.
    """
    torch.set_num_threads(s.threads)
    device = s.device if s.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    meta = _data(s, work / "data", corpus, revision)
    windows, held_out = Windows(work / "data" / "train.bin", s), Windows(work / "data" / "val.bin", s)
    model = build_model(s, meta["vocabulary"]).to(device)
    adam = optimiser(model, s)
    step, log = load_state(work / "state.pt", model, adam, asdict(s))
    compiled = s.compile == "yes" or (s.compile == "auto" and (device == "cuda" or shutil.which("g++") is not None))
    loss_of = torch.compile(_loss) if compiled else _loss
    fast = torch.autocast(device, dtype=torch.bfloat16) if device in ("cpu", "cuda") else contextlib.nullcontext()
    began, unsaved = time.monotonic(), []

    def checkpoint() -> None:
        value = mean_loss(model, held_out, max(1, 65536 // (s.batch * s.context)), device)
        log.append({"step": step, "tokens": step * s.batch * s.context, "validation": value})
        save_checkpoint(model, work / "checkpoints" / f"step-{step}")
        report(f"step {step}: validation loss {value:.4f} nats per token")

    if step == 0:
        checkpoint()
    while step < s.steps:
        for group in adam.param_groups:
            group["lr"] = rate(s, step)
        x, y = (t.to(device) for t in windows(step))
        with fast:
            loss = loss_of(model, x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), s.clip)
        adam.step()
        adam.zero_grad(set_to_none=True)
        step += 1
        unsaved.append(loss.item())
        if step % 20 == 0 or step % save_every == 0 or step == s.steps:
            speed = len(unsaved) * s.batch * s.context / (time.monotonic() - began)
            left = (s.steps - step) * s.batch * s.context / speed
            log.append({"step": step, "tokens": step * s.batch * s.context, "loss": sum(unsaved) / len(unsaved), "tokens_per_second": round(speed)})
            report(f"step {step}/{s.steps}  loss {log[-1]['loss']:.4f}  {speed:,.0f} tokens/s  {left / 60:.1f} min left")
            began, unsaved = time.monotonic(), []
        if step in s.checkpoints:
            checkpoint()
        if step % save_every == 0 or step == s.steps:
            save_state(work / "state.pt", model, adam, step, log, asdict(s))
        if stop_after is not None and step >= stop_after:
            break
    (work / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    return model


def _data(s: Settings, folder: Path, corpus: str | None, revision: str | None) -> dict:
    """The prepared token files, made once."""
    if not (folder / "meta.json").exists():
        if s.language == "laboratory":
            prepare_laboratory(folder, tokens=s.corpus_tokens, seed=s.seed)
        elif corpus is None:
            raise TrainingError("training on prose needs text: give --corpus a folder of .txt or .txt.xz files or hub:<dataset>.")
        else:
            prepare_prose(folder, corpus=corpus, vocabulary_size=s.vocabulary, tokens=s.corpus_tokens, revision=revision)
    return json.loads((folder / "meta.json").read_text())
