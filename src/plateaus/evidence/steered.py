"""Does a vector do what it is for? From ``experiments.steering``: its own token, on top of all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from plateaus.experiments.steering import Origin
from plateaus.measures.statistics import NOTHING, Measured, share
from plateaus.networks.language_model import LanguageModel

CONTROL = "random 2"
"""The vector along which every token is looked for too: as long, and as real activations spread."""


def on_top(result: xr.Dataset, vector: str, token: int) -> Measured:
    """Of the prompts that do not predict ``token`` by themselves, the share of those that do at
    some dose of the vector.
    """
    top = result.top.sel(vector=vector).values
    others = top[top[:, 0] != token]
    return share((others == token).any(1)) if len(others) else NOTHING


def towards(result: xr.Dataset, origins: Mapping[str, Origin]) -> xr.Dataset:
    """The same with another ``flip``: the dose at which a vector's own token first is on top, half
    a step before it is seen; NaN where it never is, or is without the vector. Vectors that are for
    no token are left out.
    """
    named = [v for v in result.vector.values if origins[v].token is not None]
    some = result.sel(vector=named)
    tokens = np.array([origins[v].token for v in named])
    own = some.top.transpose("pair", "vector", "part").values == tokens[:, None]
    first, part = own.argmax(-1), result.part.values
    at = (part[first] + part[first - 1]) / 2
    dose = np.where(own.any(-1) & ~own[..., 0], at, np.nan) * some.largest.values
    return some.assign(flip=(("pair", "vector"), dose))


def described(lm: LanguageModel, result: xr.Dataset, origins: Mapping[str, Origin]) -> pd.DataFrame:
    """One row for each vector: what it is, how long in median activations, of how many prompts it
    changes the prediction at any dose, and of how many to its own token, along it and along
    ``CONTROL``.
    """
    rows = {}
    for name, (words, token) in origins.items():
        one = result.sel(vector=name)
        rows[name] = {
            "what it is": words,
            "its token": "" if token is None else repr(lm.tokenizer.decode([token])),
            "length": f"{result.attrs['full'] / float(one.largest):.2f}",
            "changes": f"{float(np.isfinite(one.flip).mean()):.2f}",
            "to its token": "" if token is None else f"{on_top(result, name, token):.2f}",
            f"along {CONTROL}": "" if token is None else f"{on_top(result, CONTROL, token):.2f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("vector")
