"""``load``: a language model by embedded name, directory or hub id."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from plateaus.errors import CorruptModel, NoDevice, UnknownModel
from plateaus.networks.embedded import embedded_names, models_folder, verify
from plateaus.networks.language_model import LanguageModel

HUB_NAMES_WITHOUT_OWNER = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2")


def device(name: str = "auto") -> torch.device:
    """The torch device for "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", "mps".

    Raises:
        NoDevice: torch on this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(name)
        torch.zeros(1, device=wanted).item()  # "meta" can be named, and holds no numbers
    except (
        RuntimeError,
        AssertionError,
        ImportError,
    ):  # a name, a build, a plug-in that is missing
        raise NoDevice(
            f'The device "{name}" is not available to torch here (CUDA GPUs visible: {torch.cuda.device_count()}): '
            'use device="auto" or "cpu", or install a torch build for your GPU.'
        ) from None
    return wanted


def load(
    name: str | Path,
    *,
    checkpoint: str | None = None,
    revision: str | None = None,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    device_map: str | dict[str, Any] | None = None,
) -> LanguageModel:
    """Load a causal language model through TransformerLens' bridge, weights as trained.

    Args:
        name: an embedded model ("laboratory-12l"), a directory in Hugging Face format, or a hub id
            ("gpt2-large", "Qwen/Qwen2-0.5B").
        checkpoint: sub-folder of ``checkpoints/`` of an embedded model or directory, e.g. "step-0".
        revision: branch, tag or commit of a hub model.
        dtype: float32 unless the model does not fit; recorded in the provenance.
        device_map: for models larger than one device; handed to the library ("auto").

    Raises:
        UnknownModel: nothing of that name; CorruptModel: files damaged; NoDevice: no such device.
    """
    where = None if device_map else _device(device)
    name = str(name)
    folder = _folder(name)
    if folder is not None:
        return _from_folder(folder, name, checkpoint, where, dtype, device_map)
    if checkpoint is not None:
        raise UnknownModel(
            f'"{name}" is not on disk, so it has no checkpoint "{checkpoint}": use revision= for a hub model.'
        )
    if "/" not in name and name not in HUB_NAMES_WITHOUT_OWNER:
        raise UnknownModel(_unknown(name))
    try:
        return _boot(
            name,
            name,
            where,
            dtype,
            {"revision": revision, "device_map": device_map},
            {"source": f"hub:{name}"},
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UnknownModel(f"{_unknown(name)} The hub said: {reason}") from None


_device = device  # the argument of ``load`` has the same name


def _folder(name: str) -> Path | None:
    """Where a model lies on disk, if it does."""
    embedded = models_folder()
    candidates = [Path(name).expanduser()] + (
        [embedded / name] if embedded and "/" not in name else []
    )
    for folder in candidates:
        if (folder / "config.json").is_file():
            return folder.resolve()
        if folder.is_dir() and any(folder.iterdir()) and os.sep in name:
            raise CorruptModel(
                f"The directory {name} holds no config.json: a model directory has config.json, model.safetensors and a tokeniser."
            )
    return None


def _checkpoints(folder: Path) -> tuple[str, ...]:
    """Stored checkpoints in order of their step."""
    return tuple(
        sorted(
            (p.parent.name for p in folder.glob("checkpoints/*/config.json")),
            key=lambda step: (len(step), step),
        )
    )


def _unknown(name: str) -> str:
    return (
        f'No model "{name}": give an embedded name ({", ".join(embedded_names()) or "none is on this machine"}), '
        'a directory that holds config.json, or a hub id such as "owner/name" with a network connection.'
    )


def _from_folder(
    folder: Path,
    name: str,
    checkpoint: str | None,
    where: torch.device | None,
    dtype: torch.dtype,
    device_map: Any,
) -> LanguageModel:
    weights, under = folder, ""
    if checkpoint is not None:
        under = f"checkpoints/{checkpoint}"
        weights = folder / under
        if not (weights / "config.json").is_file():
            raise UnknownModel(
                f'{name} has no checkpoint "{checkpoint}": it has {", ".join(_checkpoints(folder)) or "none"}.'
            )
    digests = verify(folder, under=under)
    digest = digests.get(f"{under}/model.safetensors".lstrip("/"), "not recorded")
    about = {
        "source": name if folder.parent == models_folder() else folder.name,
        "checkpoint": checkpoint or "final",
        "sha256": digest,
    }
    title = folder.name + (f"@{checkpoint}" if checkpoint else "")
    try:
        found = _boot(
            str(weights),
            title,
            where,
            dtype,
            {"device_map": device_map, "tokenizer_from": str(folder)},
            about,
        )
        return replace(
            found,
            checkpoints=_checkpoints(folder),
            checkpoint=lambda step: _from_folder(folder, name, step, where, dtype, device_map),
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CorruptModel(
            f"The model in {weights} could not be read ({reason}): restore its files or train it again."
        ) from None
    except (
        Exception
    ) as error:  # safetensors raises its own class, which it does not export as a base
        if (
            type(error).__module__.startswith("safetensors")
            or type(error).__name__ == "SafetensorError"
        ):
            raise CorruptModel(
                f"{weights}/model.safetensors is truncated or corrupt ({error}): restore the file."
            ) from None
        raise


def _boot(
    path: str,
    title: str,
    where: torch.device | None,
    dtype: torch.dtype,
    options: dict[str, Any],
    about: dict[str, str],
) -> LanguageModel:
    import transformers  # late: these take seconds, and the exact geometry needs neither
    from transformer_lens.model_bridge import TransformerBridge

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    options = {k: v for k, v in options.items() if v is not None}
    tokenizer_from = options.pop("tokenizer_from", path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        tokenizer_from, **_only(options, "revision")
    )

    def make(weights: bool) -> Any:
        bridge = TransformerBridge.boot_transformers(
            path,
            device=where,
            dtype=dtype,
            tokenizer=copy_of(tokenizer),
            load_weights=weights,
            **options,
        )
        bridge.original_model.eval().requires_grad_(False)
        return bridge

    def untrained(seed: int) -> LanguageModel:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = make(weights=False)
        return LanguageModel(
            bridge=fresh,
            tokenizer=tokenizer,
            name=f"{title}@untrained-{seed}",
            provenance={**about, "checkpoint": f"untrained, seed {seed}", "sha256": "none"},
        )

    about = {
        **about,
        "dtype": str(dtype).removeprefix("torch."),
        "weights": "as trained: normalisation not folded, nothing centred",
    }
    return LanguageModel(
        bridge=make(weights=True),
        tokenizer=tokenizer,
        name=title,
        provenance=about,
        untrained=untrained,
    )


def copy_of(tokenizer: Any) -> Any:
    """The bridge adds special tokens to the tokeniser that it is given; ours stays as published."""
    return copy.deepcopy(tokenizer)


def _only(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {k: v for k, v in options.items() if k in names}
