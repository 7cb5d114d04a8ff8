"""Train a language model: what its recipe adds to the one that all models share.

``plateaus train lm laboratory`` and ``plateaus train lm prose --corpus DIR`` train a preset.
Everything that decides the result is in the settings and the token files.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from plateaus.data import corpus as texts
from plateaus.data.facts import END, UNKNOWN
from plateaus.errors import TrainingError
from plateaus.training.folders import read_json, whole
from plateaus.training.language.bending import bending
from plateaus.training.language.card import card
from plateaus.training.language.models import build_model, optimisers
from plateaus.training.language.quality import quality
from plateaus.training.language.settings import PRESETS, LanguageSettings
from plateaus.training.language.windows import Windows
from plateaus.training.options import of_the_hub
from plateaus.training.run import ShippedRun


class LanguageRun(ShippedRun):
    """A language model of a preset, and the token files that it reads."""

    kind = "language"
    presets: ClassVar = PRESETS
    s: LanguageSettings

    def __init__(
        self,
        s: LanguageSettings,
        work: Path,
        *,
        corpus: str | None = None,
        revision: str | None = None,
        show: bool = False,
    ) -> None:
        """Prepare the token files in ``work``, once, and a fresh model.

        Args:
            corpus: for prose, a folder of ``.txt`` or ``.txt.xz`` files or ``hub:<dataset>``; not
                needed where the token files are already there.
            show: draw a bar while the files are made.

        Raises:
            TrainingError: no text, or ``work`` was begun with another or holds damaged files.
        """
        self.open(s, work)
        self.data = self._tokens(corpus, revision, show)
        self.windows = Windows(work / "data/train.bin", s, shuffled=s.words == "shuffled")
        self.held_out = Windows(work / "data/val.bin", s)
        self.model = build_model(s, self.data["vocabulary"]).to(self.place)
        self.optimisers = optimisers(self.model, s)
        self.forward = forward(self.model, s)

    @classmethod
    def of(cls, s: LanguageSettings, work: Path, given: argparse.Namespace) -> LanguageRun:
        if s.language == "laboratory" and given.corpus is not None:
            raise TrainingError(
                f"{s.name} learns the laboratory language, which is generated, got --corpus "
                f"{given.corpus}: leave it out, or take a preset of prose."
            )
        of_the_hub(given.revision, given.corpus)
        return cls(s, work, corpus=given.corpus, revision=given.revision, show=True)

    def loss(self, step: int) -> Tensor:
        x, y = self.windows(step)
        loss = self.forward(x, y)
        if self.s.bending:
            loss = loss + self.s.bending * bending(self.model, x.to(self.place), self.s.seed, step)
        return loss

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        batches = max(1, 65536 // self.s.per_step)
        losses = [
            cross_entropy(self.model, *(t.to(self.place) for t in self.held_out(i))).item()
            for i in range(batches)
        ]
        return {"validation": sum(losses) / len(losses)}

    def describe(self, folder: Path) -> None:
        write_tokenizer(self._tokenizer(), self.s, folder)

    def quality(self, first: int, last: int) -> dict[str, Any]:
        models = [
            AutoModelForCausalLM.from_pretrained(
                self.work / "checkpoints" / f"step-{step}", dtype=torch.float32
            ).eval()
            for step in (first, last)
        ]
        return quality(self.s, *models, self.windows, self.held_out, self._tokenizer(), self.data)

    def card(self, record: dict[str, Any]) -> str:
        return card(record)

    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(str(self.work / "data" / "tokenizer.json"))

    def _tokens(self, corpus: str | None, revision: str | None, show: bool) -> dict[str, Any]:
        """What is known of the token files, which are made once and compared ever after."""
        s, folder = self.s, self.work / "data"
        laboratory, made = s.language == "laboratory", folder.exists()
        source = {"tokens": s.corpus_tokens}
        source |= {"seed": s.seed} if laboratory else {"vocabulary": s.vocabulary}
        if not laboratory and corpus:
            source["corpus"] = texts.identity(corpus, revision)
        elif not laboratory and not made:
            raise TrainingError(
                "training on prose needs text: give --corpus a folder of .txt or .txt.xz files or "
                "hub:<dataset>."
            )
        if not made:
            with whole(folder) as new:
                if laboratory:
                    texts.prepare_laboratory(new, **source, show=show)
                else:
                    wanted = {**source, "corpus": corpus}
                    texts.prepare_prose(new, **wanted, revision=revision, show=show)
        meta = read_json(folder / "meta.json")
        texts.verify(folder, meta, source)
        return meta


def cross_entropy(model: PreTrainedModel, x: Tensor, y: Tensor) -> Tensor:
    """Mean nats per token for inputs and targets, both (batch, context)."""
    logits = model.lm_head(model.base_model(x)[0])
    return F.cross_entropy(logits.flatten(0, 1).float(), y.flatten())


def forward(model: PreTrainedModel, s: LanguageSettings) -> Callable[[Tensor, Tensor], Tensor]:
    """:func:`cross_entropy` of ``model`` as a step computes it: in bfloat16 where it can be, and
    compiled if the settings say so.

    Raises:
        TrainingError: it is to be compiled, and nothing can be here.
    """
    place = s.place
    possible = can_compile(place, torch.__file__)
    if s.compile == "yes" and not possible:
        raise TrainingError(
            "compile=yes needs the compiler g++, and PyTorch in a folder whose path has no space: "
            "give compile=auto or compile=no."
        )
    compiled = s.compile != "no" and possible
    loss_of = torch.compile(cross_entropy) if compiled else cross_entropy
    fast = (
        torch.autocast(place.type, dtype=torch.bfloat16)
        if place.type in ("cpu", "cuda")
        else contextlib.nullcontext()
    )

    def loss(x: Tensor, y: Tensor) -> Tensor:
        with fast:
            return loss_of(model, x.to(place), y.to(place))

    return loss


def can_compile(place: torch.device, torch_lies: str) -> bool:
    """Whether what PyTorch needs to compile for ``place`` is there."""
    if place.type == "cuda":
        return True
    # PyTorch does not quote the folders of its headers, so a space in them breaks g++'s command.
    return shutil.which("g++") is not None and not any(c.isspace() for c in torch_lies)


def write_tokenizer(tokenizer: Tokenizer, s: LanguageSettings, folder: Path) -> None:
    """Write the tokeniser in the form in which the transformers library reads it."""
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    special = {"eos_token": END, "bos_token": END}
    if s.language == "laboratory":
        special["unk_token"] = UNKNOWN
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": s.context,
        "clean_up_tokenization_spaces": False,
        **special,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(described, indent=1) + "\n")
