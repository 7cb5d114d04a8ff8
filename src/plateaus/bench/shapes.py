"""GPT-2 with random weights in any shape: speed and memory depend on the shape alone."""

from __future__ import annotations

from pathlib import Path

from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load

SHAPES = {
    "gpt2-shape": {"blocks": 12, "width": 768},
    "gpt2-large-shape": {"blocks": 36, "width": 1280},
}
"""Those that can be asked for by name; the second needs 9 GiB of memory."""
WORDS = 1024
"""A small vocabulary: what is timed reads no logits."""


def save(
    folder: str | Path,
    *,
    blocks: int = 12,
    width: int = 768,
    positions: int = 1024,
    words: int = WORDS,
) -> str:
    """Write such a model to ``folder`` (by default of GPT-2 small's shape) and return the folder.

    Heads have 64 dimensions, as in every GPT-2; texts are words w0, w1, ... with spaces between.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, logging

    logging.disable_progress_bar()
    shape = {"n_layer": blocks, "n_embd": width, "n_head": width // 64, "n_positions": positions}
    config = GPT2Config(vocab_size=words, bos_token_id=0, eos_token_id=0, **shape)
    GPT2LMHeadModel(config).save_pretrained(folder)
    known = Tokenizer(models.WordLevel({f"w{i}": i for i in range(words)}, unk_token="w0"))
    known.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=known, unk_token="w0").save_pretrained(folder)
    return str(folder)


def made(folder: str | Path, **shape: int) -> LanguageModel:
    """The same, loaded."""
    return load(save(folder, **shape))
