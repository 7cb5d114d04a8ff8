"""Files of sparse dictionaries, read and written.

They are those of SAELens: ``cfg.json`` and ``sae_weights.safetensors`` with ``W_enc``,
``b_enc``, ``W_dec`` and ``b_dec``. Published dictionaries load by the name of their folder; those
of the book's models lie in ``book/dictionaries`` and are made by ``plateaus train dictionary``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as as_bytes
from torch import Tensor

from plateaus.disk import write_bytes, write_json
from plateaus.errors import CorruptModel, UnknownModel, UnsupportedModel, first_line
from plateaus.networks.dictionary import Dictionary
from plateaus.networks.embedded import models_folder, sha256, verify
from plateaus.networks.source import mapping

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
NAMES = ("W_enc", "b_enc", "W_dec", "b_dec")
KINDS = ("standard", "topk")
"""Of SAELens' architectures those that are read here: ReLU, and the k largest."""
PLACES = {"hook_resid_pre": 0, "hook_resid_post": 1}
"""Where activations are of the stream, and how many blocks later they enter one."""


def shipped(name: str) -> Path | None:
    """The folder of the dictionary that comes with one of the book's models, if there is one."""
    folder = models_folder()
    found = folder.parent / "dictionaries" / name if folder else None
    return found if found is not None and (found / CONFIG).is_file() else None


def load(folder: str | os.PathLike, *, like: Tensor) -> Dictionary:
    """The dictionary in a folder of SAELens' format, for activations like ``like`` ``(..., d)``.

    Raises:
        UnknownModel: no such folder.
        CorruptModel: files damaged, or of shapes that do not fit.
        UnsupportedModel: another architecture, or one made for another width or another place.
    """
    folder = _folder(folder)
    digests = verify(folder, required=_ships(folder))
    config, weights = mapping(folder / CONFIG), _weights(folder)
    kind = config.get("architecture", "standard")
    if kind not in KINDS or config.get("normalize_activations", "none") not in ("none", False):
        raise UnsupportedModel(
            f"The dictionary {folder.name} is of the architecture {kind!r} with normalisation "
            f"{config.get('normalize_activations')!r}: give one of {', '.join(KINDS)} that reads "
            'activations as they are ("none").'
        )
    d, f = _fits(config, weights, folder)
    if d != like.shape[-1]:
        raise UnsupportedModel(
            f"The dictionary {folder.name} is of activations in R^{d}, and those of this model "
            f"are in R^{like.shape[-1]}: give one that was made for it."
        )
    more = config.get("model_from_pretrained_kwargs") or {}
    centred = more.get("center_writing_weights", False) if isinstance(more, dict) else more
    shifted = config.get("apply_b_dec_to_input", True)
    for setting, value in {
        "apply_b_dec_to_input": shifted,
        "center_writing_weights": centred,
    }.items():
        if not isinstance(value, bool):
            raise CorruptModel(
                f"{folder.name}/{CONFIG} gives {setting} = {value!r}, and true or false is needed: "
                "restore the file."
            )
    return Dictionary(
        **{name: weights[name].to(like) for name in NAMES},
        k=_k(config, kind, f, folder),
        shifted=shifted,
        centred=centred,
        block=_block(config, folder),
        name=folder.name,
        provenance={
            "source": folder.name,
            "sha256": digests.get(WEIGHTS) or sha256(folder / WEIGHTS),
        },
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


def _folder(given: str | os.PathLike) -> Path:
    try:
        folder = Path(given)
        if (folder / CONFIG).is_file():
            return folder
    except (TypeError, ValueError, OSError):  # no path at all, a zero byte, a name too long
        pass
    raise UnknownModel(
        f"No dictionary {str(given)[:120]!r}: give a folder that holds {CONFIG} and {WEIGHTS}."
    )


def _ships(folder: Path) -> bool:
    """Is it one of the book's own, whose manifest must be there?"""
    models = models_folder()
    return models is not None and folder.resolve().parent == models.parent / "dictionaries"


def _weights(folder: Path) -> dict[str, Tensor]:
    try:
        found = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise CorruptModel(
            f"{folder.name}/{WEIGHTS} cannot be read ({first_line(error)}): restore the file."
        ) from None
    if missing := [name for name in NAMES if name not in found]:
        raise CorruptModel(f"{folder.name}/{WEIGHTS} has no {missing[0]}: restore the file.")
    scale = found.pop("scaling_factor", torch.ones(1))  # of older files; 1 where it was not trained
    if surplus := sorted(set(found) - set(NAMES)) or ["scaling_factor"] * bool((scale != 1).any()):
        raise UnsupportedModel(
            f"{folder.name}/{WEIGHTS} holds {surplus[0]}, which changes what the dictionary says "
            f"and is not read here: give one of {', '.join(NAMES)} alone."
        )
    for name, value in found.items():
        if not value.is_floating_point() or not torch.isfinite(value.float()).all():
            raise CorruptModel(
                f"{name} of {folder.name} holds numbers that are NaN, infinite or not real "
                f"({value.dtype}): restore the file."
            )
    return found


def _fits(config: dict[str, Any], weights: dict[str, Tensor], folder: Path) -> tuple[int, int]:
    """Dimensions and features, once all shapes agree with each other and with the settings."""
    first = tuple(weights["W_enc"].shape)
    d, f = first if len(first) == 2 else (config.get("d_in"), config.get("d_sae"))
    shapes = {"W_enc": (d, f), "b_enc": (f,), "W_dec": (f, d), "b_dec": (d,)}
    for name, shape in shapes.items():
        if tuple(weights[name].shape) != shape or not all(shape):
            fitting = f"{shape} fits the others" if all(shape) else "nothing can be read from that"
            raise CorruptModel(
                f"{name} of {folder.name} has the shape {tuple(weights[name].shape)}, and "
                f"{fitting}: restore the file."
            )
    said = {"d_in": d, "d_sae": f}
    if wrong := [name for name, size in said.items() if config.get(name, size) != size]:
        raise CorruptModel(
            f"{folder.name}/{CONFIG} gives {wrong[0]} = {config[wrong[0]]!r}, and its weights "
            f"{said[wrong[0]]}: restore the files."
        )
    return d, f


def _block(config: dict[str, Any], folder: Path) -> int | None:
    """Number of the block that the activations enter; None where no place is recorded."""
    hook = config.get("hook_name", config.get("hook_point"))
    if hook is None:
        return None
    found = re.fullmatch(r"blocks\.(\d{1,6})\.(\w+)", hook if isinstance(hook, str) else "")
    if not found or found[2] not in PLACES:
        raise UnsupportedModel(
            f"The dictionary {folder.name} is of activations at {hook!r:.80}, and those of the "
            f"stream between two blocks are needed: give one of blocks.<n>.{' or '.join(PLACES)}."
        )
    return int(found[1]) + PLACES[found[2]]


def _k(config: dict[str, Any], kind: str, features: int, folder: Path) -> int | None:
    if kind != "topk":
        return None
    more = config.get("activation_fn_kwargs") or {}
    k = config.get("k", more.get("k") if isinstance(more, dict) else more)
    if type(k) is not int or not 0 < k <= features:
        raise CorruptModel(
            f"{folder.name}/{CONFIG} gives k = {k!r}, and a whole number from 1 to {features} is "
            "needed: restore the file."
        )
    return k
