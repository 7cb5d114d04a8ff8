"""Tiny language models of every supported architecture, freshly initialised, in the hub's
format.
"""

from __future__ import annotations

import pytest
import torch

VOCABULARY = 211
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
}
WIDE = {**SHAPE, "intermediate_size": 64}
GROUPED = {**WIDE, "num_key_value_heads": 2}
ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
ARCHITECTURES = {
    "gpt2": (
        "GPT2Config",
        {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64},
    ),
    "pythia": ("GPTNeoXConfig", {**WIDE, "max_position_embeddings": 64}),
    "neox-sequential": (
        "GPTNeoXConfig",
        {**WIDE, "max_position_embeddings": 64, "use_parallel_residual": False},
    ),
    "llama": ("LlamaConfig", GROUPED),
    "qwen2": ("Qwen2Config", GROUPED),
    "olmo": ("OlmoConfig", {**WIDE, **ENDS}),
    "olmo2": ("Olmo2Config", {**WIDE, **ENDS}),
    "gemma": ("GemmaConfig", {**WIDE, "num_key_value_heads": 1, "head_dim": 8}),
    "gemma2": ("Gemma2Config", {**GROUPED, "head_dim": 8}),
    "phi": ("PhiConfig", WIDE),
    "phi3": ("Phi3Config", {**WIDE, **ENDS}),
}


def save_tiny(architecture: str, folder, *, scale: float = 0.05) -> str:
    """Write a fresh model and a word-level tokeniser to ``folder``; returns it as text.

    Every parameter is nudged, so that biases and norm gains are not at values that hide mistakes.
    """
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    name, settings = ARCHITECTURES[architecture]
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(getattr(transformers, name)(**settings))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(VOCABULARY)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0").save_pretrained(
        folder
    )
    return str(folder)


@pytest.fixture(scope="session", name="save_tiny")
def _save_tiny():
    """``save_tiny(architecture, folder)``, for tests that need the directory itself."""
    return save_tiny


@pytest.fixture(scope="session", params=sorted(ARCHITECTURES))
def tiny_folder(request, tmp_path_factory) -> str:
    return save_tiny(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def tiny_lm(tiny_folder):
    import plateaus as pl

    return pl.load(tiny_folder, device="cpu")


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory) -> str:
    return save_tiny("gpt2", tmp_path_factory.mktemp("gpt2-only"))


@pytest.fixture(scope="session")
def gpt2_lm(gpt2_folder):
    import plateaus as pl

    return pl.load(gpt2_folder, device="cpu")
