"""Texts as token ids: how a document begins, and which token a continuation is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plateaus.errors import BadPrompt


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The tokeniser of one model, as published."""

    tokenizer: Any
    name: str
    """The model's, for the sentences about what does not fit."""

    @property
    def begins(self) -> bool:
        """Does the tokeniser itself put a token before a text?"""
        return self._first is not None

    def begin(self) -> int:
        """Id of the token that starts a document: the one that the tokeniser puts first, else its
        BOS, else the separator of documents (EOS).

        Raises:
            BadPrompt: it has none of them.
        """
        for found in (self._first, self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if found is not None:
                return found
        raise BadPrompt(
            f"The tokeniser of {self.name} has no token that starts a document: leave bos=True out."
        )

    def ids(self, text: str) -> list[int]:
        """Token ids of ``text`` without special tokens.

        Raises:
            BadPrompt: not a text, or some of it is outside the vocabulary.
        """
        if not isinstance(text, str):
            raise BadPrompt(f"A prompt is a text, got {text!r}: give a string, or ids as a tensor.")
        ids = self._encode(text)
        unknown = self.tokenizer.unk_token_id
        if unknown is not None and unknown in ids:
            raise BadPrompt(
                f"The tokeniser of {self.name} has no token for part of {text!r}: use words that "
                "the model knows."
            )
        return ids

    def following(self, prefix: list[int] | None, continuations: Sequence[str]) -> list[int]:
        """One id for each continuation of ``prefix``; None: of any text.

        Raises:
            BadPrompt: a continuation is several tokens, or merges with the prefix.
        """
        if isinstance(continuations, str):
            raise BadPrompt(
                f"Continuations are a list of strings, got the string {continuations!r}: write "
                f"[{continuations!r}]."
            )
        if not continuations or not isinstance(continuations, Sequence):
            raise BadPrompt(
                f"Continuations are a list of at least one string, got {continuations!r}: write "
                "a list of words."
            )
        text = self._text(prefix)
        return [self._one(text, continuation) for continuation in continuations]

    def _one(self, prefix: str | None, text: str) -> int:
        """The id of ``text`` after ``prefix``; some tokenisers read it otherwise than alone."""
        alone = self.ids(text)
        if prefix is None and len(alone) == 1:
            return alone[0]
        before = "." if prefix is None else prefix  # any text, to see a leading space in its place
        first, both = self._encode(before), self._encode(before + text)
        if both[: len(first)] == first and len(both) == len(first) + 1:
            return both[-1]
        if len(alone) != 1:
            raise BadPrompt(
                f"The continuation {text!r} is {len(alone)} tokens for {self.name}, and one is "
                "needed: choose a word that is a single token there (a leading space usually "
                "matters)."
            )
        raise BadPrompt(
            f"{self.name} tokenises {prefix + text!r} differently from its prefix followed by "
            f"{text!r}: choose a continuation that does not merge with the word before it."
        )

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def _text(self, prefix: list[int] | None) -> str | None:
        """The text of ``prefix`` if it is made of just these ids, after the start of a document."""
        if prefix is None:
            return None
        starts = {self._first, self.tokenizer.bos_token_id, self.tokenizer.eos_token_id}
        body = prefix[1:] if prefix and prefix[0] in starts else prefix
        text = self.tokenizer.decode(body)
        return text if self._encode(text) == body else None

    @property
    def _first(self) -> int | None:
        """What the tokeniser puts before a text of its own accord."""
        empty, full = self.tokenizer.encode(""), self.tokenizer.encode("a")
        return empty[0] if empty and full[0] == empty[0] else None
