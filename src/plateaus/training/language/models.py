"""The architectures that the recipe trains, and what moves their parameters."""

from __future__ import annotations

import torch
from torch import nn
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PreTrainedModel

from plateaus.training.language.settings import LanguageSettings
from plateaus.training.muon import Muon
from plateaus.training.optimisers import adamw

HUGE = 1e12
"""With this as ε, LayerNorm divides by √(variance + ε) = 10⁶ whatever x is: all that remains is
linear.
"""
USUAL = 0.3
"""Standard deviation of the components of x for which a LayerNorm's stand-in is made."""
ENDS = {"bos_token_id": 0, "eos_token_id": 0}


def build_model(s: LanguageSettings, vocabulary: int) -> PreTrainedModel:
    """A fresh model in float32, a pure function of the settings; dropout is off, since every token
    is seen about once.
    """
    config = _llama(s, vocabulary) if s.architecture == "llama" else _gpt2(s, vocabulary)
    # Plain products and a softmax: compiled, they are twice as fast at these sizes as the fused
    # attention of the CPU.
    attention = "sdpa" if s.place.type == "cuda" else "eager"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(s.seed)
        model = AutoModelForCausalLM.from_config(
            config, attn_implementation=attention, dtype=torch.float32
        )
    if s.normalisation == "no":
        _undo_normalisation(model)
    return model


def _gpt2(s: LanguageSettings, vocabulary: int) -> GPT2Config:
    return GPT2Config(
        vocab_size=vocabulary,
        n_positions=s.context,
        n_embd=s.width,
        n_layer=s.blocks,
        n_head=s.heads,
        activation_function=s.activation,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
        layer_norm_epsilon=1e-5 if s.normalisation == "yes" else HUGE,
        **ENDS,
    )


def _llama(s: LanguageSettings, vocabulary: int) -> LlamaConfig:
    # Three matrices of 8/3 d instead of two of 4 d: as many parameters as the MLP that the gated
    # one replaces.
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=s.width,
        num_hidden_layers=s.blocks,
        num_attention_heads=s.heads,
        intermediate_size=8 * round(s.width / 3),
        hidden_act=s.activation,
        max_position_embeddings=s.context,
        tie_word_embeddings=True,
        use_cache=False,
        **ENDS,
    )


def _undo_normalisation(model: PreTrainedModel) -> None:
    """Give every LayerNorm the gain with which its output has size 1 where the input has size
    ``USUAL``.

    The gain is so large beside a learning rate that training leaves it as it is: the map stays a
    fixed multiple of x minus its mean. A multiple made for the size at the start, 0.03, diverges:
    training makes the stream tens of times larger.
    """
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.constant_(module.weight, HUGE**0.5 / USUAL)


def optimisers(model: nn.Module, s: LanguageSettings) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or Muon for the matrices of the blocks and AdamW for the rest; weight
    decay on matrices only.

    Muon (Jordan et al. 2024) reached the loss of AdamW with less than half of the tokens in trials
    of 2 M tokens at 12 × 128. Its steps are scaled to the size of AdamW's, so one learning rate
    serves both.
    """
    inner = (
        [p for name, p in model.named_parameters() if p.ndim == 2 and _in_a_block(name)]
        if s.optimiser == "muon"
        else []
    )
    chosen = {id(p) for p in inner}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    adam = adamw(rest, s, betas=(0.9, 0.95))
    if not inner:
        return [adam]
    return [Muon(inner, lr=s.learning_rate, weight_decay=s.weight_decay), adam]


def _in_a_block(name: str) -> bool:
    return ".h." in name or ".layers." in name


def flops_per_token(model: PreTrainedModel, s: LanguageSettings) -> int:
    """Floating-point operations that training needs for one token: 6 for each weight that
    multiplies, 12 blocks · width · context for attention (Chowdhery et al. 2022, appendix B)."""
    weights = sum(
        p.numel() for p in model.parameters() if p.ndim == 2
    )  # the tied embedding counts once: as unembedding
    if s.architecture == "gpt2":
        weights -= s.context * s.width  # learned positions are added, not multiplied
    return 6 * weights + 12 * s.blocks * s.width * s.context
