"""Pairs of prompts: the published ones by name, and any number of unrelated or context-sharing
ones.
"""

from __future__ import annotations

import itertools
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from plateaus.data.derivation import story
from plateaus.data.facts import UNKNOWN
from plateaus.errors import BadParameter, BadPrompt
from plateaus.networks.language_model import LanguageModel

DISSIMILAR = {
    "D1": ("The house at the end of the street was", " very", " in"),
    "D2": ("He suddenly looked at his watch and realized he", " was", " had"),
    "D3": ("And then she picked up the phone to call", " her", " him"),
}
"""Janiak et al. 2024, appendix B: (shared context, last word of A, last word of B)."""
SIMILAR = {
    "S1": ("She opened the dusty book and a cloud of", " mist", " dust"),
    "S2": ("In the quiet library, students flipped through pages", " of", " in"),
    "S3": ("The hiker reached the peak and admired the", " breathtaking", " spectacular"),
}
"""As above, the pairs whose curves were published as near linear."""
HOUSE = {
    "big-in": ("The house was", " big", " in"),
    "big-large": ("The house was", " big", " large"),
}
"""Shinkle & Heimersheim 2025: a plateau pair and a pair without one."""
STORIES_FROM = 10_000_000
"""Seeds of the stories that prompts come from, away from the seeds that models are trained on."""
NAMED = {**DISSIMILAR, **SIMILAR, **HOUSE}


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """P pairs of prompts of T tokens each. Position T - 1 is where activations are moved."""

    a: Tensor
    """Token ids of the prompts A, ``(P, T)``; their first T - 1 tokens are the context everything
    runs in.
    """
    b: Tensor
    """Token ids of the prompts B, ``(P, T)``."""
    labels: tuple[str, ...]
    source: str
    """Where the prompts come from, for the provenance."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice) -> Pairs:
        return Pairs(
            a=self.a[index], b=self.b[index], labels=self.labels[index], source=self.source
        )


def named(
    lm: LanguageModel, names: tuple[str, ...] = tuple(NAMED)
) -> tuple[list[Pairs], dict[str, str]]:
    """The published pairs that this tokeniser can serve, one ``Pairs`` each, and why the others are
    skipped.
    """
    served, skipped = [], {}
    for name in names:
        context, last_a, last_b = NAMED[name]
        try:
            served.append(pair(lm, context, last_a, last_b, label=name))
        except BadPrompt as error:
            skipped[name] = str(error)
    return served, skipped


def pair(lm: LanguageModel, context: str, last_a: str, last_b: str, *, label: str = "") -> Pairs:
    """One pair that shares every token but the last.

    Raises:
        BadPrompt: an unknown word, or a last word that is not one token after this context.
    """
    prefix = lm.ids(context)
    last = lm.continuation_ids(prefix[None], [last_a, last_b])
    if last[0] == last[1]:
        raise BadPrompt(
            f"{last_a!r} and {last_b!r} are the same token for {lm.name}: the two end points must differ."
        )
    a, b = (torch.cat([prefix, token[None]])[None] for token in last)
    return Pairs(a=a, b=b, labels=(label or f"{context}|{last_a}|{last_b}",), source="named")


def unrelated(
    lm: LanguageModel, count: int, *, tokens: int = 10, seed: int = 0, source: str = "auto"
) -> Pairs:
    """Pairs of unrelated prompts of ``tokens`` tokens (Janiak et al.: 1,000 pairs of 10), no BOS.

    Args:
        source: "grammar" (stories of the laboratory language), "samples" (the model's own), a
            directory of text, or "auto": the grammar for a model that speaks it, else samples. The
            default needs neither a corpus nor a network, and does not depend on what lies on this
            machine.
    """
    source = _source(lm, source)
    windows = _windows(lm, 2 * count, tokens, seed, source)
    a, b = windows[:count], windows[count:]
    same = (a[:, -1] == b[:, -1]) & (a == b).all(
        -1
    )  # a pair of equal prompts has no path between its ends
    b = torch.where(same[:, None], b.roll(1, 0), b)
    return Pairs(a=a, b=b, labels=tuple(f"pair {i}" for i in range(count)), source=source)


def sharing_context(
    lm: LanguageModel, count: int, *, tokens: int = 10, seed: int = 0, source: str = "auto"
) -> Pairs:
    """Pairs that share every token but the last; both last tokens are drawn from the model's own
    prediction.

    So both are plausible there, and alpha = 1 is the clean run of B, which unrelated prompts cannot
    give.
    """
    source = _source(lm, source)
    context = _windows(lm, count, tokens - 1, seed, source)
    probabilities = torch.cat(
        [lm.clean_run(part)[1].double().softmax(-1) for part in context.split(64)]
    ).cpu()
    # Drawn without replacement: the two last tokens differ. The floor keeps two choices where one
    # has all the mass.
    last = torch.multinomial(probabilities + 1e-9, 2, generator=_generator(seed)).to(context.device)
    a, b = (torch.cat([context, last[:, k : k + 1]], dim=1) for k in (0, 1))
    return Pairs(a=a, b=b, labels=tuple(f"pair {i}" for i in range(count)), source=source)


def _source(lm: LanguageModel, source: str) -> str:
    if source != "auto":
        return source
    return "grammar" if speaks_grammar(lm) else "samples"


def speaks_grammar(lm: LanguageModel) -> bool:
    """Whether the model's tokeniser is the laboratory language's: its mark for unknown words, and
    every word of some stories.
    """
    words = {word for i in range(20) for word in story(i)}
    return lm.tokenizer.unk_token == UNKNOWN and words <= set(lm.tokenizer.get_vocab())


def _windows(lm: LanguageModel, count: int, tokens: int, seed: int, source: str) -> Tensor:
    """``(count, tokens)`` ids, each from another place of the source."""
    if source == "samples":
        return _samples(lm, count, tokens, seed)
    texts = _stories(seed) if source == "grammar" else _texts(Path(source))
    generator, windows = _generator(seed), []
    for text in texts:
        ids = torch.tensor(lm.tokenizer.encode(text, add_special_tokens=False))
        spare = len(ids) - tokens
        if spare < 1:
            continue
        # A story is read from its beginning, where the true distribution of the next word is known.
        start = 0 if source == "grammar" else int(torch.randint(spare, (), generator=generator))
        windows.append(ids[start : start + tokens].to(lm.device))
        if len(windows) == count:
            return torch.stack(windows)
    raise BadPrompt(
        f"{source} yields {len(windows)} prompts of {tokens} tokens and {count} are needed: give more text or ask for fewer pairs."
    )


def _samples(lm: LanguageModel, count: int, tokens: int, seed: int, lead: int = 8) -> Tensor:
    """The model's own text: ancestral samples after a random first token; the first ``lead`` tokens
    are dropped.
    """
    generator = _generator(seed)
    ids = torch.randint(lm.bridge.cfg.d_vocab, (count, 1), generator=generator).to(lm.device)
    for _ in range(lead + tokens - 1):
        logits = torch.cat([lm.clean_run(part)[1] for part in ids.split(256)])
        drawn = torch.multinomial(logits.double().softmax(-1).cpu(), 1, generator=generator)
        ids = torch.cat([ids, drawn.to(ids.device)], dim=1)
    return ids[:, -tokens:]


def _stories(seed: int) -> Iterator[str]:
    """Stories of the laboratory language, each from a stream of its own."""
    for i in itertools.count(seed * 1_000_000 + STORIES_FROM):
        yield " ".join(story(i))


def _texts(folder: Path) -> Iterator[str]:
    """Pieces of about 2,000 characters from every text of a directory, files that look held out
    first.
    """
    files = sorted(
        [*folder.glob("**/*.txt"), *folder.glob("**/*.txt.xz")],
        key=lambda f: ("val" not in f.name, f.name),
    )
    if not files:
        raise BadParameter(
            f'The source of prompts "{folder}" is no directory with .txt or .txt.xz files: give one, or "samples" or "grammar".'
        )
    for file in files:
        with (lzma.open if file.suffix == ".xz" else open)(file, "rt", encoding="utf-8") as handle:
            while piece := handle.read(
                20_000
            ):  # spread over the books, not the first pages of the first one
                yield piece[9_000:11_000]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
