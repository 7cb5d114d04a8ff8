"""Train a dictionary: squared error, k features at a time, on the one loop of all models.

Features start as activations of the training text, so that few of them are dead; each step keeps
them at length one. There is no further trick.
"""

from __future__ import annotations

import argparse
import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from plateaus.networks.dictionary import Dictionary
from plateaus.networks.dictionary_files import save
from plateaus.networks.load import load
from plateaus.training.dictionary.card import card
from plateaus.training.dictionary.settings import PRESETS, DictionarySettings
from plateaus.training.dictionary.text import Activations, activations
from plateaus.training.folders import whole
from plateaus.training.order import Order
from plateaus.training.run import ShippedRun


class DictionaryRun(ShippedRun):
    """One dictionary, and the activations that it is trained on."""

    kind, presets = "dictionary", PRESETS
    s: DictionarySettings

    def __init__(self, s: DictionarySettings, read: Activations, work: Path | None = None) -> None:
        """Start the features as activations among those that were read.

        Raises:
            TrainingError: ``work`` was begun with other settings.
        """
        self.s = s
        if work:
            self.open(s, work)
        self.x, self.held_out = read.x, read.held_out
        self.data = {
            "model": read.model,
            "text": read.source,
            "activations": len(read.x),
            "held_out": len(read.held_out),
            "checksum": hashlib.sha256(read.x.cpu().numpy().tobytes()).hexdigest(),
        }
        self.model = Learnt(self.x, s)
        self.optimisers = [
            torch.optim.Adam(self.model.parameters(), lr=s.learning_rate, betas=(0.9, 0.99))
        ]
        self.order = Order(len(self.x), s.batch, s.seed, 0)

    @classmethod
    def of(cls, s: DictionarySettings, work: Path, given: argparse.Namespace) -> DictionaryRun:
        return cls(s, activations(load(s.model, device=s.device), s), work)

    @cached_property
    def place(self) -> torch.device:
        return self.x.device

    def loss(self, step: int) -> Tensor:
        """Squared error, the variance of the activations being one."""
        return self.model(self.x[torch.from_numpy(self.order(step)).to(self.place)])

    @property
    def found(self) -> Dictionary:
        """The dictionary as it is now, of activations as they are."""
        facts = {"kind": f"trained here, {self.s.steps} steps, seed {self.s.seed}"}
        return self.model.dictionary(block=self.s.block, provenance=facts)

    def measure(self) -> dict[str, float]:
        return {"explained_variance": self.found.explained(self.held_out)}

    def keep(self, step: int) -> None:
        if self.work:
            with whole(self.work / "checkpoints" / f"step-{step}") as folder:
                save(self.found, folder, self.data["model"])

    def quality(self, first: int, last: int) -> dict[str, Any]:
        """On the text held out: variance explained, active features, and those active nowhere."""
        found, x = self.found, self.held_out
        return {
            "explained_variance": found.explained(x),
            "active": found.active(x),
            "dead": int((found.encode(x).amax(0) == 0).sum()),
        }

    def card(self, record: dict[str, Any]) -> str:
        return card(record)


class Learnt(nn.Module):
    """A dictionary of activations in units of their spread, so that one rate suits every model."""

    def __init__(self, x: Tensor, s: DictionarySettings) -> None:
        super().__init__()
        self.k = s.active
        mean = x.mean(0)
        self.register_buffer("mean", mean)
        self.register_buffer("spread", (x - mean).square().sum(-1).mean().sqrt())
        generator = torch.Generator().manual_seed(s.seed)
        start = x[torch.randperm(len(x), generator=generator)[: s.features].to(x.device)] - mean
        start = start / start.norm(dim=-1, keepdim=True)
        start = start + 0.01 * torch.randn(start.shape, generator=generator).to(x)
        self.W_dec = nn.Parameter(start / start.norm(dim=-1, keepdim=True))
        self.W_enc = nn.Parameter(self.W_dec.detach().T.clone())
        self.b_enc = nn.Parameter(x.new_zeros(len(start)))
        self.b_dec = nn.Parameter(torch.zeros_like(mean))

    def forward(self, x: Tensor) -> Tensor:
        """Mean squared error of activations ``(n, d)``; features are first put back to length 1."""
        with torch.no_grad():
            self.W_dec /= self.W_dec.norm(dim=-1, keepdim=True)
        x = (x - self.mean) / self.spread
        now = Dictionary(**dict(self.named_parameters()), k=self.k)
        return (x - now.decode(now.encode(x))).square().sum(-1).mean()

    def dictionary(self, **about: Any) -> Dictionary:
        """The same dictionary of activations in their own units."""
        with torch.no_grad():
            return Dictionary(
                W_enc=self.W_enc.detach().clone(),
                b_enc=self.b_enc * self.spread,
                W_dec=self.W_dec / self.W_dec.norm(dim=-1, keepdim=True),
                b_dec=self.mean + self.spread * self.b_dec,
                k=self.k,
                **about,
            )
