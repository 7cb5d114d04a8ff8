"""``load``: a model by the name of a shipped one, a directory or a hub id."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from plateaus.errors import BadParameter, NoDevice, UnsupportedModel
from plateaus.networks import source as sources
from plateaus.networks import toy
from plateaus.networks.families import FAMILIES
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.loaded import LoadedNetwork
from plateaus.networks.source import CONFIG, Source

STATE_DICTS = (".th", ".pt", ".pth", ".ckpt", ".safetensors")
"""How a file of named tensors ends."""
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Those that everything here can be computed in."""
MAP = "map"
"""Instead of a device: a language model is spread over all there are, by the library's own map."""


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
    dtype: torch.dtype | None = None,
    device_map: str | dict[str, Any] | None = None,
    size: int | None = None,
) -> LanguageModel | LoadedNetwork:
    """A model, weights as trained: what it is decides what is returned.

    A causal language model becomes a ``LanguageModel``, which at a prompt is a ``Network``; a
    network that sees images an ``ImageNetwork``; a folder of toy networks one of them; a file that
    ends in .th, .pt, .pth, .ckpt or .safetensors, a state dict, one of the ResNets for CIFAR
    (``networks.cifar``) or one under torchvision's names, as published SimCLR weights are
    (``networks.encoders``).

    Args:
        name: a shipped model ("laboratory-12l"), a directory in Hugging Face format or one that
            ``plateaus train`` exported, or a hub id ("gpt2-large", "Qwen/Qwen2-0.5B"). What stands
            after ``@`` is a checkpoint of a directory (``prose-12l@step-76``; of toy networks
            ``toy@seed-1``, ``toy@seed-1/step-10``) or a revision of a hub id
            (``owner/name@main``).
        checkpoint: another way to write ``@`` for a directory.
        revision: another way to write ``@`` for a hub id: a branch, tag or commit.
        dtype: by default float32, and for toy networks the precision of their training; recorded
            in the provenance.
        device: as for ``device``; "map" is short for ``device_map="auto"``, and for networks that
            are no language models for "auto".
        device_map: for language models larger than one device; handed to the library ("auto").
        size: height and width in pixels, for a network that sees images of any size.

    Raises:
        UnknownModel: nothing of that name.
        CorruptModel: files damaged or incomplete.
        UnsupportedModel: whole, but not to be measured here.
        NoDevice: no such device.
    """
    mapped = device_map
    if device == MAP:
        device, device_map = "auto", device_map or "auto"
    where = _device(device)
    if dtype is not None and dtype not in DTYPES:
        raise BadParameter(
            f"The precision is a floating-point dtype of torch, got {dtype!r}: give torch.float32, "
            "torch.float64, torch.bfloat16 or torch.float16."
        )
    if checkpoint is not None and revision is not None:
        raise BadParameter(
            f"A model is read at one place, got checkpoint={checkpoint!r} and "
            f"revision={revision!r}: give one of the two."
        )
    at = {"checkpoint": checkpoint, "revision": revision}
    if _is_state_dict(name):
        _unused("A state dict", device_map=mapped, **at)
        from plateaus.networks import cifar, encoders, state_dict

        path, state = state_dict.read(name)
        options = {"device": where, "dtype": dtype or torch.float32}
        if (own := encoders.found_in(path, state)) is not None and "linear.weight" not in state:
            return encoders.load(path, state, own, size=size, **options)
        _unused("A state dict of a ResNet for CIFAR", size=size)
        return cifar.load(path, state, **options)
    source = sources.find(name, checkpoint if checkpoint is not None else revision)
    if source.toy:
        _unused("A folder of toy networks", size=size, device_map=mapped)
        return toy.load(source, device=where, dtype=dtype)
    dtype = torch.float32 if dtype is None else dtype
    described = sources.config(source)
    options = {"device": where, "dtype": dtype}
    # Late: the transformer libraries take seconds, and exact geometry needs none of them.
    if _is_language(source, described):
        _unused("A language model", size=size)
        from plateaus.networks import language

        options |= {"device": None, "device_map": device_map} if device_map else {}
        return language.load(source, **options)
    _unused("A network that sees images", device_map=mapped)
    from plateaus.networks import vision

    return vision.load(source, described, size=size, **options)


def _unused(what: str, **given: Any) -> None:
    """Refuse what would change nothing."""
    for name, value in given.items():
        if value is not None:
            raise BadParameter(f"{what} is read without {name}, got {value!r}: leave it out.")


def _is_state_dict(name: object) -> bool:
    """A file of named tensors, and not the weights of a model's directory."""
    if not isinstance(name, str | os.PathLike) or not str(name).endswith(STATE_DICTS):
        return False
    return not (Path(name).parent / CONFIG).is_file()


_device = device  # the argument of ``load`` has the same name


def _is_language(source: Source, described: dict[str, Any]) -> bool:
    """A causal language model (True) or a network that sees images (False).

    Raises:
        UnsupportedModel: neither.
    """
    from transformers.models.auto import modeling_auto as auto

    kind, kinds = described["model_type"], described.get("architectures") or []
    causal = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    heads = {n for ns in causal.values() for n in ([ns] if isinstance(ns, str) else ns)}
    if kind in FAMILIES and kinds:
        return False
    if any(name in heads for name in kinds) if kinds else kind in causal:
        return True
    raise UnsupportedModel(
        f"{source.title} holds a {', '.join(map(str, kinds)) or kind}: give a causal language "
        "model, such as a GPT2LMHeadModel or a LlamaForCausalLM, or a network that sees images, of "
        f"one of the kinds {', '.join(FAMILIES)}."
    )
