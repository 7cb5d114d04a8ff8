"""The pairs of prompts that were published, and pairs of one's own."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from plateaus.data import sources
from plateaus.data.pairs import Pairs
from plateaus.errors import BadPrompt
from plateaus.networks.language_model import LanguageModel
from plateaus.rules import listing, one_of, text

DISSIMILAR = {
    "D1": (" The house at the end of the street was", " very", " in"),
    "D2": (" He suddenly looked at his watch and realized he", " was", " had"),
    "D3": (" And then she picked up the phone to call", " her", " him"),
}
"""Janiak et al. 2024, appendix B: (shared context, last word of A, last word of B)."""
SIMILAR = {
    "S1": (" She opened the dusty book and a cloud of", " mist", " dust"),
    "S2": (" In the quiet library, students flipped through pages", " of", " in"),
    "S3": (" The hiker reached the peak and admired the", " breathtaking", " spectacular"),
}
"""As above, the pairs whose curves were published as near linear."""
HOUSE = {
    "big-in": ("The house was", " big", " in"),
    "big-large": ("The house was", " big", " large"),
}
"""Shinkle & Heimersheim 2025: a plateau pair and a pair without one."""
NAMED = {**DISSIMILAR, **SIMILAR, **HOUSE}


def named(
    lm: LanguageModel, names: Sequence[str] = tuple(NAMED), *, bos: bool | None = None
) -> tuple[list[Pairs], dict[str, str]]:
    """The published pairs that this tokeniser can serve, one ``Pairs`` each, and for each of the
    others the reason why it cannot.

    Raises:
        BadParameter: a name that no published pair has.
    """
    sources.served(lm)
    served, skipped = [], {}
    for name in listing(one_of(*NAMED)).check("names", names):
        try:
            served.append(pair(lm, *NAMED[name], label=name, bos=bos))
        except BadPrompt as error:
            skipped[name] = str(error)
    return served, skipped


def pair(
    lm: LanguageModel,
    context: str,
    last_a: str,
    last_b: str,
    *,
    label: str = "",
    bos: bool | None = None,
) -> Pairs:
    """One pair that shares every token but the last.

    Context and last word are tokenised together, as the model would read them, and the word must be
    the one token that comes on top of the context's own.

    Raises:
        BadPrompt: an unknown word, a last word that is not one token after this context, or a
            prompt longer than the model's context.
    """
    sources.served(lm)
    for name, given in (("context", context), ("last_a", last_a), ("last_b", last_b)):
        text().check(name, given)
    one_of(True, False, None).check("bos", bos)
    prefix = lm.ids(context)
    last = lm.continuation_ids(prefix[None], [last_a, last_b])
    if last[0] == last[1]:
        raise BadPrompt(
            f"{last_a!r} and {last_b!r} are the same token for {lm.name}: the two end points must "
            "differ."
        )
    first = sources.first(lm, bos)
    sources.fits(lm, len(first) + len(prefix) + 1)
    a, b = (torch.cat([first, prefix, token[None]])[None] for token in last)
    return Pairs(a=a, b=b, labels=(label or f"{context}|{last_a}|{last_b}",), source="named")
