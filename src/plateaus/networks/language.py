"""Language models in the hub's format, wrapped by TransformerLens' bridge."""

from __future__ import annotations

import copy
from typing import Any

import torch
import transformers
from transformer_lens.model_bridge import TransformerBridge

from plateaus.errors import CorruptModel, UnsupportedModel, first_line
from plateaus.networks import selfcheck, weights
from plateaus.networks.chunks import hold
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.source import Source, checkpoints, find

TOKENS = ("tokenizer", "vocab", "spiece", "sentencepiece", "tiktoken", "tekken")
"""How the names of a tokeniser's files begin."""


def load(
    source: Source,
    *,
    device: torch.device | None,
    dtype: torch.dtype,
    device_map: str | dict[str, Any] | None = None,
) -> LanguageModel:
    """A causal language model, weights as trained: see ``plateaus.load``."""
    hold()
    about = {
        **weights.about(source, dtype),
        "weights": "as trained: normalisation not folded, nothing centred",
    }
    tokenizer = _tokenizer(source)
    placed = {"device_map": device_map} if device_map else {}
    model = weights.read(transformers.AutoModelForCausalLM, source, dtype=dtype, **placed)
    model = model if device is None else model.to(device)
    answers = selfcheck.ask(model, source.title)

    def wrap(model: Any, name: str, changed: dict[str, str], **more: Any) -> LanguageModel:
        return LanguageModel(
            bridge=_bridge(model, tokenizer, source, dtype),
            tokenizer=tokenizer,
            name=name,
            provenance={**about, **changed},
            **more,
        )

    def untrained(seed: int) -> LanguageModel:
        with weights.drawn(seed):
            fresh = transformers.AutoModelForCausalLM.from_config(
                model.config,
                attn_implementation="eager",
                dtype=torch.float32,
                trust_remote_code=False,
            )
        changed = {"checkpoint": f"untrained, seed {seed}", "sha256": "none"}
        fresh = fresh.to(device=model.device, dtype=dtype).eval().requires_grad_(False)
        name = f"{source.title}@untrained-{seed}"
        return wrap(fresh, name, changed, side_by_side=lm.side_by_side)

    def checkpoint(at: str) -> LanguageModel:
        return load(find(source.home, at), device=device, dtype=dtype, device_map=device_map)

    stored = {"checkpoints": checkpoints(source.folder)} if source.folder else {}
    lm = wrap(model, source.title, {}, untrained=untrained, checkpoint=checkpoint, **stored)
    lm = selfcheck.passed(lm, answers)
    return lm


def _tokenizer(source: Source) -> Any:
    """The tokeniser as published.

    Raises:
        CorruptModel: there is none, or it cannot be read.
    """
    files = [p.name for p in source.folder.iterdir()] if source.folder else [TOKENS[0]]
    if not any(name.startswith(TOKENS) or name.endswith(".model") for name in files):
        raise CorruptModel(
            f"{source.folder} holds no tokeniser: add its tokenizer.json and tokenizer_config.json."
        )
    with source.reading("tokeniser"):
        found = transformers.AutoTokenizer.from_pretrained(
            source.home, trust_remote_code=False, **source.revision
        )
        try:
            found.encode("a")
        except (
            BaseException
        ) as error:  # what the library's own Rust code panics with is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            raise ValueError(f"it reads no text: {error}") from None
    return found


def _bridge(model: Any, tokenizer: Any, source: Source, dtype: torch.dtype) -> TransformerBridge:
    """The bridge around ``model``; it adds special tokens to its tokeniser, so it gets a copy.

    Raises:
        UnsupportedModel: the bridge does not know the architecture.
    """
    where = {} if hasattr(model, "hf_device_map") else {"device": model.device}
    try:
        bridge = TransformerBridge.boot_transformers(
            source.weights,
            hf_model=model,
            tokenizer=copy.deepcopy(tokenizer),
            dtype=dtype,
            trust_remote_code=False,
            **where,
        )
    except Exception as error:
        raise UnsupportedModel(
            f"{source.title} is a {type(model).__name__}, which TransformerLens cannot take apart "
            f"into blocks ({first_line(error)}): give a decoder-only language model."
        ) from None
    bridge.original_model.eval().requires_grad_(False)
    return bridge
