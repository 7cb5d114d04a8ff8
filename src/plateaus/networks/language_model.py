"""A causal language model through TransformerLens' bridge, ready to be sliced at a prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from plateaus.errors import BadPrompt
from plateaus.networks.network import softmax
from plateaus.networks.prefix import keep
from plateaus.networks.prompt import SIDE_BY_SIDE, PromptBlock, PromptNetwork
from plateaus.networks.tokens import Tokens
from plateaus.shapes import takes


class _Reached(Exception):
    """Raised inside the first block to stop a forward pass once its input is known."""


@dataclass(frozen=True, kw_only=True, repr=False)
class LanguageModel:
    """Weights, tokeniser and provenance of one model; ``at`` turns it into a ``Network``.

    Weights are used as trained: normalisation not folded, nothing centred.
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
    side_by_side: int = SIDE_BY_SIDE
    """Points that share one copy of a prefix: see ``selfcheck``."""

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

    @property
    def tokens(self) -> Tokens:
        """Texts as token ids of this model."""
        return Tokens(tokenizer=self.tokenizer, name=self.name)

    @property
    def vocabulary(self) -> int:
        """Number of tokens that it can read."""
        return self.bridge.original_model.get_input_embeddings().weight.shape[0]

    @property
    def positions(self) -> int | None:
        """Number of tokens that it can read at once, if that is bounded."""
        config = self.bridge.original_model.config.get_text_config()
        return getattr(config, "max_position_embeddings", None)

    def step_zero(self, seed: int = 0) -> LanguageModel:
        """The negative control: the weights that training started from, or where they are not
        stored, fresh ones.
        """
        return self.checkpoint("step-0") if "step-0" in self.checkpoints else self.untrained(seed)

    def ids(self, text: str, *, bos: bool = False) -> Tensor:
        """Token ids of ``text``, ``(T,)``, with ``bos`` behind the token that starts a document.

        Raises:
            BadPrompt: some of the text is outside the vocabulary, or no token starts a document.
        """
        ids = [*([self.tokens.begin()] if bos else []), *self.tokens.ids(text)]
        return torch.tensor(ids, dtype=torch.long, device=self.device)

    def continuation_ids(self, prefix_ids: Tensor, continuations: Sequence[str]) -> Tensor:
        """One id for each continuation, ``(k,)``, after checking that it extends the prefix by one
        token.

        Raises:
            BadPrompt: the continuation is several tokens, or merges with the prefix when read
                together.
        """
        prefix = prefix_ids[0].tolist() if len(prefix_ids) == 1 else None
        found = self.tokens.following(prefix, continuations)
        return torch.tensor(found, dtype=torch.long, device=self.device)

    def at(self, prefix: str | Tensor, *, bos: bool | None = None) -> PromptNetwork:
        """The network R^d -> R^d at the position after ``prefix``.

        Args:
            prefix: a text, or token ids ``(T,)`` or ``(P, T)`` for P prefixes evaluated side by
                side.
            bos: begin with the token that starts a document. By default a text begins as the
                tokeniser was published to begin one, and ids are taken as they are.

        Raises:
            BadPrompt: ids that the model does not have, or more of them than it can read.
        """
        if isinstance(prefix, str):
            ids = self.ids(prefix, bos=self.tokens.begins if bos is None else bos)[None]
        else:
            try:
                ids = torch.atleast_2d(torch.as_tensor(prefix, device=self.device))
            except (TypeError, ValueError, RuntimeError):
                raise BadPrompt(
                    f"A prefix is a text or token ids, got {prefix!r}: give one of these."
                ) from None
            if bos:
                ids = torch.cat([ids.new_full((len(ids), 1), self.tokens.begin()), ids], dim=1)
        self._check(ids, more=1)
        ids = ids.long()
        kept = keep(self.bridge, ids)
        blocks = tuple(
            PromptBlock(layer=layer, index=i, prefix=kept, side_by_side=self.side_by_side)
            for i, layer in enumerate(self.bridge.blocks)
        )

        def enter(continuations: Sequence[str] | Tensor) -> Tensor:
            found = continuations
            if not isinstance(found, Tensor):
                found = self.continuation_ids(ids, continuations)
            return self.embed(found.reshape(-1), position=kept.tokens).reshape(*found.shape, -1)

        return PromptNetwork(
            blocks=blocks,
            dims=(self.d,) * (len(self) + 1),
            name=self.name,
            dtype=self.dtype,
            device=self.device,
            readouts={"normed": self.normed, "logits": self.unembed, "probabilities": softmax},
            prefix=kept,
            prefix_ids=ids,
            enter=enter,
        )

    def embed(self, ids: Tensor, *, position: int) -> Tensor:
        """What enters block 0 for each token id at ``position``; ids ``(k,)`` to ``(k, d)``."""
        self._check(ids[:, None], more=position)
        reached: list[Tensor] = []

        def stop(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            reached.append(args[0] if args else kwargs["hidden_states"])
            raise _Reached

        # Only the last position is read, and it sees no other before the first block.
        filler = ids[:, None].expand(-1, position + 1)
        first = self.bridge.blocks[0]
        with torch.no_grad(), first.register_forward_pre_hook(stop, with_kwargs=True):
            try:
                self.bridge.original_model(filler)
            except _Reached:
                pass
        return reached[0][:, -1].clone()

    @takes("the last stream (..., d) of the model, a tensor")
    def normed(self, x: Tensor) -> Tensor:
        """The final norm's output; ``(..., d)``."""
        return self.bridge.ln_final(x)

    @takes("what the final norm of the model gave, (..., d), a tensor")
    def unembed(self, normed: Tensor) -> Tensor:
        """Logits of what the final norm gave, scaled and capped as the architecture does."""
        return self.bridge.adapter.apply_output_logits_transform(self.bridge.unembed(normed))

    def logits(self, x: Tensor) -> Tensor:
        """Logits ``(..., vocabulary)`` of the last stream."""
        return self.unembed(self.normed(x))

    @takes("token ids of whole prompts, (P, T), a tensor")
    def clean_run(self, ids: Tensor) -> tuple[list[Tensor], Tensor]:
        """The whole prompts once, with no patch and no cache: the reference that patched runs are
        held to.

        Returns:
            x_0 ... x_n at the last position, each ``(P, d)``, and the logits ``(P, vocabulary)``.
        """
        states: list[Tensor] = []

        def note(_module: Any, _args: Any, out: Any) -> None:
            out = out if isinstance(out, Tensor) else out[0]
            states.append(out[:, -1].clone())

        ids = ids.reshape(-1, ids.shape[-1])
        self._check(ids)
        with ExitStack() as hooks, torch.no_grad():
            for place in (self.bridge.blocks[0].hook_in, *self.bridge.blocks):
                hooks.enter_context(place.register_forward_hook(note))
            logits = self.bridge.original_model(ids).logits[:, -1]
        return states, logits

    def _check(self, ids: Tensor, more: int = 0) -> None:
        """Refuse ids ``(P, T)`` that the model does not have, or too many with ``more`` to come."""
        if ids.ndim != 2 or not len(ids) or ids.is_floating_point() or ids.is_complex():
            raise BadPrompt(
                f"{self.name} takes token ids as whole numbers of shape (tokens,) or (prompts, "
                f"tokens), got {str(ids.dtype).removeprefix('torch.')} of shape "
                f"{tuple(ids.shape)}: give a text, or ids of its tokeniser."
            )
        length = ids.shape[1] + more
        if self.positions is not None and length > self.positions:
            raise BadPrompt(
                f"{self.name} reads at most {self.positions} tokens, got {length}: give a shorter "
                "prompt."
            )
        if ids.numel() and not 0 <= ids.min() <= ids.max() < self.vocabulary:
            raise BadPrompt(
                f"{self.name} has the tokens 0 to {self.vocabulary - 1}, got ids from {ids.min()} "
                f"to {ids.max()}: give ids of its own tokeniser."
            )
