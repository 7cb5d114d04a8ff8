"""A causal language model through TransformerLens' bridge, ready to be sliced at a prompt."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from plateaus.errors import BadPrompt
from plateaus.networks.network import softmax
from plateaus.networks.prompt import Prefix, PromptBlock, PromptNetwork


class _Reached(Exception):
    """Raised inside the first block to stop a forward pass once its input is known."""


@dataclass(frozen=True, kw_only=True, repr=False)
class LanguageModel:
    """Weights, tokeniser and provenance of one model; ``at`` turns it into a ``Network``.

    Weights are used as trained: normalisation not folded, nothing centred. No BOS token is
    prepended.
    """

    bridge: Any
    """``TransformerBridge``; its ``original_model`` is the Hugging Face model."""
    tokenizer: Any
    name: str
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Where the weights came from: source, checkpoint, sha256 or revision, dtype, weight
    processing.
    """
    untrained: Callable[[int], LanguageModel] | None = None
    """Makes the same architecture with fresh random weights from a seed."""
    checkpoints: tuple[str, ...] = ()
    """Names of the stored checkpoints, from the first training step to the last."""
    checkpoint: Callable[[str], LanguageModel] | None = None
    """Loads one of them."""

    def __len__(self) -> int:
        return len(self.bridge.blocks)

    def __repr__(self) -> str:
        return (
            f"<LanguageModel {self.name}: {len(self)} blocks on R^{self.d}, "
            f"{str(self.dtype).removeprefix('torch.')}, {self.device}>"
        )

    @property
    def d(self) -> int:
        """Dimension of the residual stream."""
        return self.bridge.cfg.d_model

    @property
    def device(self) -> torch.device:
        return next(self.bridge.original_model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.bridge.original_model.parameters()).dtype

    def step_zero(self, seed: int = 0) -> LanguageModel:
        """The negative control: the weights that training started from, or where they are not
        stored, fresh ones.
        """
        return self.checkpoint("step-0") if "step-0" in self.checkpoints else self.untrained(seed)

    def ids(self, text: str) -> Tensor:
        """Token ids of ``text`` without special tokens, shape ``(T,)``.

        Raises:
            BadPrompt: some of the text is outside the vocabulary.
        """
        ids = self.tokenizer.encode(text, add_special_tokens=False)
        unknown = self.tokenizer.unk_token_id
        if unknown is not None and unknown in ids:
            raise BadPrompt(
                f"The tokeniser of {self.name} has no token for part of {text!r}: use words that the model knows."
            )
        return torch.tensor(ids, dtype=torch.long, device=self.device)

    def continuation_ids(self, prefix_ids: Tensor, continuations: Sequence[str]) -> Tensor:
        """One id for each continuation, ``(k,)``, after checking that it extends the prefix by one
        token.

        Raises:
            BadPrompt: the continuation is several tokens, or merges with the prefix when read
                together.
        """
        if isinstance(continuations, str):
            raise BadPrompt(
                f"Continuations are a list of strings, got the string {continuations!r}: write [{continuations!r}]."
            )
        prefix = self.tokenizer.decode(prefix_ids[0])
        known = len(prefix_ids) == 1 and self.ids(prefix).tolist() == prefix_ids[0].tolist()
        found = []
        for text in continuations:
            ids = self.ids(text)
            if len(ids) != 1:
                raise BadPrompt(
                    f"The continuation {text!r} is {len(ids)} tokens for {self.name}, and one is needed: "
                    "choose a word that is a single token there (a leading space usually matters)."
                )
            if known and self.ids(prefix + text).tolist() != [*prefix_ids[0].tolist(), int(ids)]:
                raise BadPrompt(
                    f"{self.name} tokenises {prefix + text!r} differently from its prefix followed by {text!r}: "
                    "choose a continuation that does not merge with the word before it."
                )
            found.append(ids[0])
        return torch.stack(found)

    def at(self, prefix: str | Tensor) -> PromptNetwork:
        """The network R^d -> R^d at the position after ``prefix``.

        Args:
            prefix: a text, or token ids ``(T,)`` or ``(P, T)`` for P prefixes evaluated side by
                side.
        """
        ids = (
            self.ids(prefix)
            if isinstance(prefix, str)
            else torch.as_tensor(prefix, device=self.device)
        )
        ids = torch.atleast_2d(ids).long()
        kept = self._keep(ids)
        blocks = tuple(
            PromptBlock(model=self, index=i, prefix=kept, frozen={}) for i in range(len(self))
        )
        return PromptNetwork(
            blocks=blocks,
            dims=(self.d,) * (len(self) + 1),
            name=self.name,
            dtype=self.dtype,
            device=self.device,
            readouts={"normed": self.normed, "logits": self.unembed, "probabilities": softmax},
            model=self,
            prefix=kept,
            prefix_ids=ids,
        )

    def embed(self, ids: Tensor, *, position: int) -> Tensor:
        """What enters block 0 for each token id at ``position``; ids ``(k,)`` to ``(k, d)``."""
        reached: list[Tensor] = []

        def stop(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            reached.append(args[0] if args else kwargs["hidden_states"])
            raise _Reached

        filler = ids[:, None].expand(
            -1, position + 1
        )  # only the last position is read, and it sees no other here
        handle = self.bridge.blocks[0].register_forward_pre_hook(stop, with_kwargs=True)
        try:
            with torch.no_grad():
                self.bridge.original_model(filler)
        except _Reached:
            pass
        finally:
            handle.remove()
        return reached[0][:, -1].clone()

    def normed(self, x: Tensor) -> Tensor:
        """The final norm's output; ``(..., d)``."""
        return self.bridge.ln_final(x)

    def unembed(self, normed: Tensor) -> Tensor:
        """Logits of what the final norm gave, soft-capped where the architecture does so."""
        logits = self.bridge.unembed(normed)
        cap = getattr(self.bridge.original_model.config, "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def logits(self, x: Tensor) -> Tensor:
        """Logits ``(..., vocabulary)`` of the last stream."""
        return self.unembed(self.normed(x))

    def clean_run(self, ids: Tensor) -> tuple[list[Tensor], Tensor]:
        """The whole prompts once, with no patch and no cache: the reference that patched runs are
        held to.

        Returns:
            x_0 ... x_n at the last position, each ``(P, d)``, and the logits ``(P, vocabulary)``.
        """
        states: list[Tensor] = []
        hooks = [
            self.bridge.blocks[0].hook_in.register_forward_hook(
                lambda _m, _a, o: states.append(o[:, -1].clone())
            )
        ]
        hooks += [
            b.register_forward_hook(lambda _m, _a, o: states.append(_tensor(o)[:, -1].clone()))
            for b in self.bridge.blocks
        ]
        try:
            with torch.no_grad():
                logits = self.bridge.original_model(ids.reshape(-1, ids.shape[-1])).logits[:, -1]
        finally:
            for hook in hooks:
                hook.remove()
        return states, logits

    def _keep(self, ids: Tensor) -> Prefix:
        """Run the prefixes once; keep keys and values, and how the model calls its blocks one token
        later.
        """
        calls: list[dict[str, Any]] = []

        def note(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            # Only GPT-2 passes its cache by position; every block takes it by name.
            extra = {"past_key_values": a for a in args[1:] if hasattr(a, "get_seq_length")}
            given = {**kwargs, **extra}
            calls.append(
                {
                    k: _once(v)
                    for k, v in given.items()
                    if k not in ("hidden_states", "attention_mask")
                }
            )

        model = self.bridge.original_model
        with torch.no_grad():
            cache = model(ids, use_cache=True).past_key_values if ids.shape[1] else None
            kept = (
                []
                if cache is None
                else [(layer.keys.clone(), layer.values.clone()) for layer in cache.layers]
            )
            hooks = [
                b.register_forward_pre_hook(note, with_kwargs=True) for b in self.bridge.blocks
            ]
            try:
                last = torch.zeros_like(ids[:, :1]) if ids.shape[1] else ids.new_zeros(len(ids), 1)
                model(last, past_key_values=copy.copy(cache), use_cache=True)
            finally:
                for hook in hooks:
                    hook.remove()
        return Prefix(
            keys=tuple(k for k, _ in kept),
            values=tuple(v for _, v in kept),
            kwargs=tuple(calls),
            prompts=len(ids),
            tokens=ids.shape[1],
        )


def _once(value: Any) -> Any:
    """The first row of per-prompt arguments: all prompts have the same length, so the rows
    agree.
    """
    if isinstance(value, tuple):
        return tuple(_once(v) for v in value)
    return value[:1] if isinstance(value, Tensor) and value.ndim else value


def _tensor(output: Any) -> Tensor:
    """A block's output stream, whether the library returns it alone or first in a tuple."""
    return output if isinstance(output, Tensor) else output[0]
