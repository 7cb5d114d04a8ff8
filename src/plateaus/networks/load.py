"""``load``: a model by the name of a shipped one, a directory or a hub id."""

from __future__ import annotations

import os
from typing import Any

import torch

from plateaus.errors import NoDevice
from plateaus.networks import source as sources
from plateaus.networks.language_model import LanguageModel


def device(name: str | torch.device = "auto") -> torch.device:
    """The torch device for "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", "mps".

    Raises:
        NoDevice: torch on this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(name)
        torch.zeros(1, device=wanted).item()  # "meta" can be named, and holds no numbers
    except (RuntimeError, AssertionError, ImportError, TypeError):  # a build or plug-in is missing
        raise NoDevice(
            f'The device "{name}" is not available to torch here (CUDA GPUs visible: '
            f'{torch.cuda.device_count()}): use device="auto" or "cpu", or install a torch build '
            "for your GPU."
        ) from None
    return wanted


def load(
    name: str | os.PathLike,
    *,
    checkpoint: str | None = None,
    revision: str | None = None,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    device_map: str | dict[str, Any] | None = None,
) -> LanguageModel:
    """Load a causal language model through TransformerLens' bridge, weights as trained.

    Args:
        name: a shipped model ("laboratory-12l"), a directory in Hugging Face format, or a hub id
            ("gpt2-large", "Qwen/Qwen2-0.5B"). What stands after ``@`` is a checkpoint of a
            directory ("prose-12l@step-76") or a revision of a hub id ("owner/name@main").
        checkpoint: another way to write ``@`` for a directory.
        revision: another way to write ``@`` for a hub id: a branch, tag or commit.
        dtype: float32 unless the model does not fit; recorded in the provenance.
        device_map: for models larger than one device; handed to the library ("auto").

    Raises:
        UnknownModel: nothing of that name; CorruptModel: files damaged or incomplete;
        UnsupportedModel: whole, but not to be measured here; NoDevice: no such device.
    """
    where = None if device_map else _device(device)
    source = sources.find(name, checkpoint if checkpoint is not None else revision)
    from plateaus.networks import language  # late: it takes seconds, and toy networks need it not

    return language.load(source, device=where, dtype=dtype, device_map=device_map)


_device = device  # the argument of ``load`` has the same name
