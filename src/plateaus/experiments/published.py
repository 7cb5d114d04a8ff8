"""The published experiments on one language model: everything that their claims ask for."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from plateaus.data.meaning import DIFFERENT, SIMILAR
from plateaus.data.prompts import Pairs
from plateaus.errors import BadParameter
from plateaus.experiments.ends import Ends
from plateaus.experiments.interpolation import interpolate
from plateaus.networks.language_model import LanguageModel

EXACT = 20
"""Pairs of the check with everything frozen, which is exact."""


def flat_jump_flat(
    lm: LanguageModel,
    untrained: LanguageModel,
    unrelated: Pairs,
    kinds: Mapping[str, Pairs],
    *,
    steps: int = 50,
) -> dict[str, xr.Dataset]:
    """Results of ``interpolate`` by name; those before training end in "_0".

    Args:
        kinds: pairs that share their context, "different" and perhaps "similar" (see
            ``prompts.by_meaning``).

    Returns:
        "unrelated", "different" and "similar" pairs patched at block 1; "late", unrelated ones
        where a quarter of the blocks has passed; "mlp", "attention" and "both", pairs of different
        meaning with these frozen.
    """
    if DIFFERENT not in kinds:
        raise BadParameter(
            f"Pairs of {DIFFERENT!r} meaning are needed, got {', '.join(kinds) or 'none'}: make "
            "them with prompts.by_meaning."
        )
    quarter, found = max(1, len(lm) // 4), {}
    for name, model in {"": lm, "_0": untrained}.items():
        for kind, pairs in {"unrelated": unrelated, **kinds}.items():
            ends, full = Ends.of_prompts(model, pairs), kind != SIMILAR
            found[kind + name] = interpolate(ends, steps=steps, readouts=full)
        ends = Ends.of_prompts(model, unrelated, block=quarter)
        found["late" + name] = interpolate(ends, steps=steps, readouts=False)
    ends = Ends.of_prompts(lm, kinds[DIFFERENT])
    for frozen in ("mlp", "attention"):
        found[frozen] = interpolate(ends, steps=steps, frozen=[frozen], readouts=False)
    both = {"frozen": ["mlp", "attention"], "readouts": False}
    found["both"] = interpolate(ends[:EXACT], steps=steps, **both)
    return found
