"""Before a language model is measured: are our patched runs the library's own clean runs?

The raw model is asked before the bridge takes it apart. What it says of a few random prompts, its
streams and its logits, must come out again when one token is evaluated after a kept prefix, several
tokens side by side, and beyond a sliding window where the architecture has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from plateaus.errors import UnsupportedModel, first_line
from plateaus.networks.language_model import LanguageModel

PROMPTS, TOKENS, BESIDE = 2, 11, 3
"""Prompts of how many tokens, each continued by how many tokens side by side."""
WINDOW, WINDOWS = 4, ("sliding_window", "attention_chunk_size")
"""A window this short is tried in place of the architecture's: the prompts reach beyond it."""
SINGLE = 1e-6
"""Relative difference that is none: some architectures compute norms or phases in single precision
whatever the dtype of the rest.
"""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the raw model says of prompts that differ in their last tokens."""

    window: int | None
    prefix: Tensor
    """``(PROMPTS, TOKENS)``."""
    last: Tensor
    """``(PROMPTS, BESIDE)``."""
    streams: tuple[Tensor, ...]
    """x_0 ... x_{n-1} at the last position, ``(PROMPTS, BESIDE, d)``: x_n is not told by all."""
    logits: Tensor
    """``(PROMPTS, BESIDE, vocabulary)``."""


def ask(model: nn.Module, name: str) -> list[Answer]:
    """The raw model's answers, with its own window and with a short one.

    Raises:
        UnsupportedModel: it cannot be asked, or says NaN.
    """
    try:
        return [_answer(model, window) for window in _windows(model.config)]
    except Exception as error:
        raise UnsupportedModel(
            f"{name} is a {type(model).__name__} that does not answer a prompt of token ids "
            f"({first_line(error)}): give a causal language model."
        ) from None


def passed(lm: LanguageModel, answers: Sequence[Answer]) -> LanguageModel:
    """``lm``, with as many points side by side as its architecture tells apart: several, or one.

    Raises:
        UnsupportedModel: patched runs are not the model's own either way.
    """
    why = ""
    for one in (lm, replace(lm, side_by_side=1)):
        try:
            why = next(filter(None, (_disagreement(one, answer) for answer in answers)), "")
        except Exception as error:
            why = first_line(error)
        if not why:
            return one
    raise UnsupportedModel(
        f"{lm.name} is a {type(lm.bridge.original_model).__name__}, whose runs from a patched "
        f"activation are not its own runs here ({why}): it cannot be measured."
    )


def _answer(model: nn.Module, window: int | None) -> Answer:
    rows = model.get_input_embeddings().weight.shape[0]
    length = min(TOKENS, (getattr(_text(model.config), "max_position_embeddings", 0) or 99) - 1)
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(rows, (PROMPTS, length + BESIDE), generator=draw).to(model.device)
    prefix, last = ids[:, :length], ids[:, length:]
    whole = torch.cat([prefix[:, None].expand(-1, BESIDE, -1), last[..., None]], dim=-1)
    with torch.no_grad(), _window(model.config, window):
        out = model(whole.flatten(0, 1), output_hidden_states=True, use_cache=False)
    at_last = [x[:, -1].unflatten(0, last.shape) for x in (*out.hidden_states[:-1], out.logits)]
    if not all(torch.isfinite(x).all() for x in at_last):
        raise ValueError("its activations are NaN or infinite")
    *streams, logits = at_last
    return Answer(window=window, prefix=prefix, last=last, streams=tuple(streams), logits=logits)


def _disagreement(lm: LanguageModel, answer: Answer) -> str:
    """Where patched runs differ from the raw model's answer, in words; "" if nowhere."""
    with torch.no_grad(), _window(lm.bridge.original_model.config, answer.window):
        net = lm.at(answer.prefix)
        seen = net.trace(net.embed(answer.last))
        pairs = [
            (f"x_{i}", x, y) for i, (x, y) in enumerate(zip(seen[:-1], answer.streams, strict=True))
        ]
        pairs.append(("the logits", lm.logits(seen[-1]), answer.logits))
    for what, ours, theirs in pairs:
        apart = ((ours - theirs).norm() / theirs.norm()).item()
        if not apart <= max(SINGLE, torch.finfo(lm.dtype).eps ** 0.5):
            beyond = f", beyond a window of {answer.window} tokens" * (answer.window is not None)
            return f"{what} differs by {apart:.1e} of its size{beyond}"
    return ""


def _text(config: Any) -> Any:
    return config.get_text_config()


def _windows(config: Any) -> list[int | None]:
    """None for the configuration as it is, and a short window if it has one."""
    return [None, WINDOW] if any(getattr(_text(config), name, None) for name in WINDOWS) else [None]


@contextmanager
def _window(config: Any, window: int | None) -> Iterator[None]:
    """A configuration whose window is that short for the length of a with-block."""
    text = _text(config)
    before = {name: getattr(text, name) for name in WINDOWS if getattr(text, name, None)}
    try:
        for name in before if window else ():
            setattr(text, name, window)
        yield
    finally:
        for name, value in before.items():
            setattr(text, name, value)
