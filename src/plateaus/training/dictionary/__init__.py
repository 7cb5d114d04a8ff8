"""A sparse dictionary of one model's activations: a TopK autoencoder (Gao et al. 2024), the
smallest that is honest.

    plateaus train dictionary --set model=prose-12l
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from plateaus.data import sources
from plateaus.errors import UnsupportedModel
from plateaus.networks import dictionary_files as dictionaries
from plateaus.networks.dictionary import Dictionary
from plateaus.networks.language_model import LanguageModel
from plateaus.training.dictionary.run import DictionaryRun
from plateaus.training.dictionary.settings import PRESETS
from plateaus.training.dictionary.text import activations
from plateaus.training.loop import train


def of(lm: LanguageModel, given: str, *, block: int = 1) -> Dictionary:
    """The dictionary in the folder ``given``; for "auto" the one that comes with a model of the
    book, and for any other model one that is trained now, by the preset "quick".

    Raises:
        UnsupportedModel: it is of what enters another block; and as
            ``networks.dictionary_files.load``.
    """
    if given == sources.AUTO:
        folder = dictionaries.shipped(lm.name)
        if folder is None:
            s = replace(PRESETS["quick"], block=block)
            run = DictionaryRun(s, activations(lm, s))
            train(run)
            return run.found
    else:
        folder = Path(given)
    found = dictionaries.load(folder, like=torch.empty(lm.d, device=lm.device, dtype=lm.dtype))
    if found.block not in (None, block):
        raise UnsupportedModel(
            f"The dictionary {found.name} is of what enters block {found.block}, and activations "
            f"that enter block {block} are needed: give another one."
        )
    return found
