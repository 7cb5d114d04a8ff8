"""Weights through the transformers library, complete or not at all: none are drawn at random."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import safe_open
from torch import nn

from plateaus.errors import BadParameter, CorruptModel
from plateaus.networks.embedded import verify
from plateaus.networks.source import Source

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()

CONSTANTS = re.compile(
    r"(attn|attention)\.((masked_)?bias|causal_mask)$|rotary_emb\.inv_freq$|position_ids$"
    r"|num_batches_tracked$"
)
"""Masks and phases that older files carry and newer code computes, and a counter: the only surplus
allowed."""


def read(auto: Any, source: Source, **options: Any) -> nn.Module:
    """The model of ``source`` by one of the library's ``Auto...`` classes, in evaluation mode.

    The library's own classes only, never code from the model's folder; a pickle is read as tensors
    and nothing else. Attention is the plain product and softmax, which can be watched and split.

    Raises:
        CorruptModel: a tensor is missing, surplus, of another shape, or not finite: by its name.
    """
    options = {
        "trust_remote_code": False,
        "attn_implementation": "eager",
        "weights_only": True,
        **source.revision,
        **options,
    }
    # First without memory: a configuration of something large must not be filled in before the
    # comparison with the file refuses it.
    dry = {**options, "device_map": "meta", "ignore_mismatched_sizes": True}
    with source.reading("model"):
        _, found = auto.from_pretrained(source.weights, output_loading_info=True, **dry)
    surplus = [name for name in found["unexpected_keys"] if not CONSTANTS.search(name)]
    shapes = [
        f"{name} of shape {tuple(stored)} instead of {tuple(wanted)}"
        for name, stored, wanted in found["mismatched_keys"]
    ]
    _refuse(source, "lack", found["missing_keys"])
    _refuse(source, "hold", surplus, "which its configuration has no place for")
    _refuse(source, "hold", shapes)
    _refuse(source, "hold", list(_unreal(source)), "which are no real numbers")
    with source.reading("model"):
        model = auto.from_pretrained(source.weights, **options)
    return checked(model.eval().requires_grad_(False), source)


def _unreal(source: Source) -> Iterator[str]:
    """Stored tensors that would lose something as floating-point numbers: complex, or codes."""
    for file in Path(source.weights).glob("*.safetensors") if source.folder else ():
        with source.reading("model"), safe_open(file, "pt") as stored:
            names = stored.keys()
            kinds = {name: stored.get_slice(name).get_dtype() for name in names}
        for name, kind in kinds.items():
            if not kind.startswith(("F", "BF")) and not CONSTANTS.search(name):
                yield f"{name} as {kind}"


@contextmanager
def drawn(seed: int) -> Iterator[None]:
    """Fresh weights that are made in the with-block come from ``seed``; torch's own stays.

    Raises:
        BadParameter: not a whole number from 0 on.
    """
    if not isinstance(seed, Integral) or not 0 <= seed < 2**63:
        raise BadParameter(
            f"A seed is a whole number from 0 to 2^63 - 1, got {seed!r}: give such a number."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(seed))
        yield


def about(source: Source, dtype: torch.dtype) -> dict[str, str]:
    """The provenance of what is read from ``source``, whose files are held to their manifest.

    Raises:
        CorruptModel: a file is missing, not listed or different.
    """
    described = {"dtype": str(dtype).removeprefix("torch.")}
    if source.folder is None:
        return {"source": f"hub:{source.name}", "revision": source.at or "newest", **described}
    under = Path(source.weights).relative_to(source.folder).as_posix().removeprefix(".")
    digests = verify(source.folder, under=under, required=source.shipped)
    return {
        "source": source.folder.name,
        "checkpoint": source.at or "final",
        "sha256": digests.get(f"{under}/model.safetensors".lstrip("/"), "not recorded"),
        **described,
    }


def checked(model: nn.Module, source: Source) -> nn.Module:
    """``model``, if all of its numbers are finite.

    Raises:
        CorruptModel: names the tensors that hold NaN or infinity.
    """
    bad = [
        name
        for name, tensor in model.state_dict().items()
        if tensor.is_floating_point() and not tensor.is_meta and not torch.isfinite(tensor).all()
    ]
    _refuse(source, "hold", bad, "with numbers that are NaN or infinite")
    return model


def _refuse(source: Source, verb: str, names: Sequence[str], clause: str = "") -> None:
    if not names:
        return
    first, *others = sorted(names)
    more = f" and {len(others)} more" if others else ""
    raise CorruptModel(
        f"The weights of {source.title} {verb} {first}{more}{', ' * bool(clause)}{clause}: restore "
        "weights and configuration of one and the same model, or train it again."
    )
