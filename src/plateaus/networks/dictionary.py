"""A sparse dictionary of activations: features found by a sparse autoencoder, read from files.

The files are those of SAELens: ``cfg.json`` and ``sae_weights.safetensors`` with ``W_enc``,
``b_enc``, ``W_dec`` and ``b_dec``. Published dictionaries load by the name of their folder; those
of the book's models lie in ``book/dictionaries`` and are made by ``plateaus train dictionary``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as as_bytes
from torch import Tensor

from plateaus.disk import write_bytes, write_json
from plateaus.errors import CorruptModel, UnknownModel, UnsupportedModel
from plateaus.networks.embedded import models_folder, sha256

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
NAMES = ("W_enc", "b_enc", "W_dec", "b_dec")
KINDS = ("standard", "topk")
"""Of SAELens' architectures those that are read here: ReLU, and the k largest."""


@dataclass(frozen=True, kw_only=True)
class Dictionary:
    """x = b_dec + sum of activity times feature, few of them active; f features in R^d."""

    W_enc: Tensor = field(repr=False)
    """``(d, f)``."""
    b_enc: Tensor = field(repr=False)
    """``(f,)``."""
    W_dec: Tensor = field(repr=False)
    """``(f, d)``, a feature in each row."""
    b_dec: Tensor = field(repr=False)
    """``(d,)``."""
    k: int | None = None
    """How many features are active at most; None: every positive one."""
    shifted: bool = True
    """Whether ``b_dec`` is taken off before encoding."""
    centred: bool = False
    """Whether it was made for a stream without its mean over coordinates, which LayerNorm does not
    see; published dictionaries of GPT-2 were.
    """
    block: int | None = None
    """Number of the block that the activations enter, if it is recorded."""
    name: str = "dictionary"
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def features(self) -> int:
        return len(self.W_dec)

    def encode(self, x: Tensor) -> Tensor:
        """Activities ``(..., f)`` of activations ``(..., d)``: none negative, few positive."""
        x = x - x.mean(-1, keepdim=True) if self.centred else x
        z = torch.relu((x - self.b_dec if self.shifted else x) @ self.W_enc + self.b_enc)
        if self.k is None:
            return z
        best = z.topk(self.k, dim=-1)
        return torch.zeros_like(z).scatter(-1, best.indices, best.values)

    def decode(self, z: Tensor) -> Tensor:
        """Activations ``(..., d)`` of activities ``(..., f)``."""
        return z @ self.W_dec + self.b_dec

    def explained(self, x: Tensor) -> float:
        """Share of the variance of activations ``(n, d)`` that encoding and decoding keeps."""
        x = x - x.mean(-1, keepdim=True) if self.centred else x
        lost = (x - self.decode(self.encode(x))).square().sum()
        return 1 - float(lost / (x - x.mean(0)).square().sum())

    def active(self, x: Tensor) -> float:
        """Mean number of active features (L0) of activations ``(n, d)``."""
        return float((self.encode(x) > 0).sum(-1).double().mean())


def shipped(name: str) -> Path | None:
    """The folder of the dictionary that comes with one of the book's models, if there is one."""
    folder = models_folder()
    found = folder.parent / "dictionaries" / name if folder else None
    return found if found is not None and (found / CONFIG).is_file() else None


def load(folder: str | os.PathLike, *, like: Tensor) -> Dictionary:
    """The dictionary in a folder of SAELens' format, for activations like ``like`` ``(..., d)``.

    Raises:
        UnknownModel: no such folder; CorruptModel: files damaged, or of shapes that do not fit;
        UnsupportedModel: another architecture, or one made for another width.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise UnknownModel(
            f'No dictionary "{folder}": give a folder that holds {CONFIG} and {WEIGHTS}.'
        )
    config, weights = _config(folder), _weights(folder)
    kind = config.get("architecture", "standard")
    if kind not in KINDS or config.get("normalize_activations", "none") not in ("none", False):
        raise UnsupportedModel(
            f"The dictionary {folder.name} is of the architecture {kind!r} with normalisation "
            f"{config.get('normalize_activations')!r}: give one of {', '.join(KINDS)} that reads "
            'activations as they are ("none").'
        )
    d, f = weights["W_enc"].shape
    shapes = {"W_enc": (d, f), "b_enc": (f,), "W_dec": (f, d), "b_dec": (d,)}
    if wrong := [n for n, s in shapes.items() if tuple(weights[n].shape) != s]:
        raise CorruptModel(
            f"{wrong[0]} of {folder.name} has the shape {tuple(weights[wrong[0]].shape)}, and "
            f"{shapes[wrong[0]]} fits the others: restore the file."
        )
    if d != like.shape[-1]:
        raise UnsupportedModel(
            f"The dictionary {folder.name} is of activations in R^{d}, and those of this model "
            f"are in R^{like.shape[-1]}: give one that was made for it."
        )
    more = config.get("model_from_pretrained_kwargs") or {}
    hook = str(config.get("hook_name", config.get("hook_point", "")))
    return Dictionary(
        **{name: weights[name].to(like) for name in NAMES},
        k=_k(config, kind, f, folder),
        shifted=bool(config.get("apply_b_dec_to_input", True)),
        centred=bool(more.get("center_writing_weights", False)),
        block=int(part[1]) if (part := hook.split("."))[0] == "blocks" else None,
        name=folder.name,
        provenance={"source": folder.name, "sha256": sha256(folder / WEIGHTS)},
    )


def save(found: Dictionary, folder: Path, model: str) -> None:
    """Files of SAELens' format, in half precision, of a dictionary of what enters a block of
    ``model``.
    """
    config = {
        "architecture": "standard" if found.k is None else "topk",
        "k": found.k,
        "d_in": found.W_enc.shape[0],
        "d_sae": found.features,
        "dtype": "float16",
        "model_name": model,
        "hook_name": f"blocks.{found.block}.hook_resid_pre",
        "apply_b_dec_to_input": found.shifted,
        "normalize_activations": "none",
    }
    halves = {name: getattr(found, name).half().contiguous().cpu() for name in NAMES}
    write_bytes(as_bytes(halves), folder / WEIGHTS)
    write_json(config, folder / CONFIG)


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise CorruptModel(f"{folder.name}/{CONFIG} holds no settings: restore the file.")
    return found


def _weights(folder: Path) -> dict[str, Tensor]:
    try:
        found = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError):
        raise CorruptModel(f"{folder.name}/{WEIGHTS} cannot be read: restore the file.") from None
    if missing := [name for name in NAMES if name not in found]:
        raise CorruptModel(f"{folder.name}/{WEIGHTS} has no {missing[0]}: restore the file.")
    return found


def _k(config: dict[str, Any], kind: str, features: int, folder: Path) -> int | None:
    if kind != "topk":
        return None
    k = config.get("k", (config.get("activation_fn_kwargs") or {}).get("k"))
    if not isinstance(k, int) or not 0 < k <= features:
        raise CorruptModel(
            f"{folder.name}/{CONFIG} gives k = {k!r}, and a whole number from 1 to {features} is "
            "needed: restore the file."
        )
    return k
