"""Tiny language models of every supported architecture, freshly initialised, in the hub's
format.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def no_committed_claims(monkeypatch):
    """Where chapters are compared in the same run, what tests execute is no committed chapter."""
    monkeypatch.delenv("PLATEAUS_COMMITTED", raising=False)


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
FEW, LONG = {"n_layer": 3, "n_head": 4}, {"max_seq_len": 64, "expansion_ratio": 2}
SLIDING = {
    "sliding_window": 4,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
}
CHUNKS = {"attention_chunk_size": 6, "num_key_value_heads": 2}
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
    "opt": (
        "OPTConfig",
        {**SHAPE, "ffn_dim": 64, "word_embed_proj_dim": 32, "max_position_embeddings": 64},
    ),
    "mixtral": ("MixtralConfig", {**GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2}),
    # Scaled streams, scores or logits.
    "granite": (
        "GraniteConfig",
        {
            **GROUPED,
            "logits_scaling": 8.0,
            "residual_multiplier": 0.5,
            "attention_multiplier": 0.3,
            "embedding_multiplier": 3.0,
        },
    ),
    "cohere": ("CohereConfig", {**GROUPED, **ENDS, "logit_scale": 0.2}),
    # Windows, shorter than the prompts of the tests.
    "cohere2": (
        "Cohere2Config",
        {**GROUPED, **ENDS, **SLIDING, "head_dim": 8, "logit_scale": 0.3},
    ),
    "mistral": ("MistralConfig", {**GROUPED, "sliding_window": 4}),
    "gemma3": ("Gemma3TextConfig", {**GROUPED, **SLIDING, "head_dim": 8}),
    "llama4": (
        "Llama4TextConfig",
        {**WIDE, "head_dim": 8, "num_local_experts": 2, "intermediate_size_mlp": 64, **CHUNKS},
    ),
    "gpt-neo": (
        "GPTNeoConfig",
        {
            "vocab_size": VOCABULARY,
            "hidden_size": 32,
            "num_layers": 3,
            "num_heads": 4,
            "attention_types": [[["global", "local", "global"], 1]],
            "window_size": 4,
            "max_position_embeddings": 64,
        },
    ),
    # Biases of distance in place of positions.
    "bloom": ("BloomConfig", {"vocab_size": VOCABULARY, "hidden_size": 32, **FEW}),
    "mpt": (
        "MptConfig",
        {"vocab_size": VOCABULARY, "d_model": 32, "n_heads": 4, "n_layers": 3, **LONG},
    ),
    "falcon": ("FalconConfig", {**SHAPE, "alibi": True, "parallel_attn": False}),
}


def save_tiny(architecture: str, folder, *, scale: float = 0.05, sharp: float = 1.0) -> str:
    """Write a fresh model and a word-level tokeniser to ``folder``; returns it as text.

    Every parameter is nudged, so that biases and norm gains are not at values that hide mistakes.
    With ``sharp`` (times the unembedding) it finds some words likely, as a trained model does.
    """
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    name, settings = ARCHITECTURES[architecture]
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(getattr(transformers, name)(**settings))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
        model.get_output_embeddings().weight *= sharp
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(VOCABULARY)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    first = transformers.AddedToken("w1", single_word=True)  # and not the beginning of "w14"
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="w0", bos_token=first
    ).save_pretrained(folder)
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


def _causal(right):
    """The wrong twin of a mask: the usual triangle lets later points see earlier ones."""

    def mask(own, rows, m):
        found = right(own, rows, m)
        if found is None:
            return None
        before, seen = found[..., :-m], found[:, :, :1, -m : -m + 1 or None]
        shown = torch.where(torch.ones(m, m).tril().bool(), seen, found[..., -m:])
        return torch.cat([before, shown], dim=-1)

    return mask


@pytest.fixture(scope="session")
def causal():
    """Makes the wrong twin of ``prefix._mask``."""
    return _causal


@pytest.fixture(scope="session")
def pairs():
    """Six pairs of prompts that differ in their last token."""
    from plateaus.data.pairs import Pairs

    ids = torch.randint(3, 200, (2, 6, 7), generator=torch.Generator().manual_seed(0))
    ids[1, :, :-1] = ids[0, :, :-1]
    return Pairs(a=ids[0], b=ids[1], labels=tuple("abcdef"), source="test")


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A corpus of two small files of English words."""
    folder = tmp_path / "books"
    folder.mkdir()
    text = " ".join(f"the {k % 37} cats saw {k % 11} dogs ." for k in range(3000))
    for name in ("train.txt", "val.txt"):
        (folder / name).write_text(text, encoding="utf-8")
    return folder
