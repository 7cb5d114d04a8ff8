"""Steering in growing doses: when does the prediction change, when is the plateau left?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadPoints, BadPrompt
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.runs import Part
from plateaus.measures import curves, dynamics
from plateaus.networks.dictionary import Dictionary
from plateaus.networks.language_model import LanguageModel

QUARTER = 0.25
"""Of the distance to the fully steered output: where the plateau ends."""
FULL = 2.0
"""Lengths of a median activation that a vector is added up to: fully steered."""
SMALL = 0.01
"""The same, to both sides: the step of a derivative."""
COMMON = 0.05, 0.5
"""Share of prompts on which a feature is active, if it is to steer: neither rare nor everywhere."""


class Origin(NamedTuple):
    """Where a steering vector comes from, and what it is for."""

    words: str
    token: int | None
    """What it is to make the model predict; None if it is to do nothing in particular."""


@checked
def vectors(lm: LanguageModel, ids: Tensor, dictionary: Dictionary, *, block: int = 1,
            seed: int = 0) -> dict[str, Tensor]:  # fmt: skip
    """Steering vectors ``(d,)`` from prompts ``(n, tokens)``, each of the norm that it comes with.

    "means": the mean activation of the prompts after which the model predicts one token minus that
    of all others, for the two commonest predictions. "feature": two features of the dictionary that
    are common but not everywhere, at the mean of their activity. "random": an isotropic direction,
    and one with the covariance of the activations, both as long as the first of the means.

    Raises:
        BadPrompt: these prompts have one prediction, or fewer than two features that are common.
    """
    states, logits = lm.clean_run(ids)
    x, top = states[block], logits.argmax(-1)
    if (different := len(top.unique())) < 3:
        raise BadPrompt(
            f"{lm.name} predicts {different} different tokens after these {len(ids)} prompts, "
            "and at least 3 are needed for vectors from one to the others: give more prompts."
        )
    found = {}
    for i, token in enumerate(_commonest(top)):
        found[f"means {i + 1}"] = x[top == token].mean(0) - x[top != token].mean(0)
    for i, (j, size) in enumerate(_strongest(dictionary, dictionary.encode(x)).items()):
        found[f"feature {i + 1}"] = size * dictionary.W_dec[j]
    drawn = torch.from_numpy(np.random.default_rng(seed).standard_normal(len(x[0]))).to(x)
    matched = dynamics.matched(x, 1, seed=seed + 1)[0] - x.mean(0)
    for name, v in (("random 1", drawn), ("random 2", matched)):
        found[name] = v / v.norm() * found["means 1"].norm()
    return found


def origins(
    lm: LanguageModel, ids: Tensor, dictionary: Dictionary, *, block: int = 1
) -> dict[str, Origin]:
    """What the ``vectors`` of these prompts are.

    Means are for the token that their prompts are followed by. A feature is for the one that is
    predicted more often where it is active than elsewhere, by the largest difference of shares.
    """
    states, logits = lm.clean_run(ids)
    x, top = states[block], logits.argmax(-1)
    found = {}
    for i, token in enumerate(_commonest(top)):
        words = f"predicted after {int((top == token).sum())} of {len(top)} prompts"
        found[f"means {i + 1}"] = Origin(words, int(token))
    active = dictionary.encode(x) > 0
    for i, j in enumerate(_strongest(dictionary, dictionary.encode(x))):
        on, tokens = active[:, j], top.unique()
        more = [(top[on] == t).double().mean() - (top[~on] == t).double().mean() for t in tokens]
        words = f"number {j}, active on {100 * float(on.double().mean()):.0f}% of them"
        found[f"feature {i + 1}"] = Origin(words, int(tokens[torch.stack(more).argmax()]))
    found["random 1"] = Origin("isotropic", None)
    found["random 2"] = Origin("with the covariance of activations", None)
    return found


def _commonest(top: Tensor) -> Tensor:
    """The two tokens that are predicted most often."""
    tokens, counts = top.unique(return_counts=True)
    return tokens[counts.argsort(descending=True, stable=True)[:2]]


def _strongest(dictionary: Dictionary, z: Tensor) -> dict[int, Tensor]:
    """Of the features that are common in activities ``(n, f)`` the two that are strongest where
    they are active: number -> mean there.
    """
    share, size = (z > 0).double().mean(0), z.sum(0) / (z > 0).sum(0).clamp_min(1)
    usable = (share >= COMMON[0]) & (share <= COMMON[1])
    if usable.sum() < 2:
        raise BadPrompt(
            f"The dictionary {dictionary.name} has {int(usable.sum())} features that are active on "
            f"{COMMON[0]:.0%} to {COMMON[1]:.0%} of the prompts, and 2 are needed: give another."
        )
    return {int(j): size[j] for j in torch.where(usable, size, -1).topk(2).indices}


@checked
def steer(ends: Ends, given: dict[str, Tensor], *, steps: int = 40) -> xr.Dataset:
    """Every first end, in its own context, plus a growing dose of every vector.

    A dose of 1 is the vector once. The largest is that at which its length is ``FULL`` times the
    median activation's.

    Returns:
        Dims ``pair, vector`` (and ``part``, the share of the largest dose): ``distance`` that the
        stream after the last block has moved; ``top``, the token that is predicted; ``same``,
        whether it is still the first; ``flip`` and ``exit``, the doses at which it changes and at
        which a quarter of the full distance is reached; ``gradient``, the dose at which it would
        change if logits were straight; NaN where they never do. ``norm`` of each vector,
        ``largest`` dose.
    """
    whole = FULL * float(ends.a.norm(dim=-1).median())
    shape = tuple(ends.a.shape[1:])
    bad = [n for n, v in given.items() if tuple(v.shape) != shape or not 0 < v.norm() < torch.inf]
    if bad or not given:
        raise BadPoints(
            f"Vectors to steer along have the shape {shape} and a length above 0, got "
            f"{f'{bad[0]} of shape {tuple(given[bad[0]].shape)}' if bad else 'none'}: give one "
            "or more such vectors by name."
        )
    rows = []
    for v in given.values():
        unit = v / v.norm()
        parts = [_steered(part, unit, whole, steps) for part in ends.parts(steps + 3)]
        rows.append(xr.concat(parts, "pair"))
    names = xr.DataArray(list(given), dims="vector", name="vector")
    found = xr.concat(rows, names).transpose("pair", "vector", ...)
    norm = xr.DataArray([float(v.norm()) for v in given.values()], dims="vector")
    for name in ("flip", "exit", "gradient"):  # so far lengths
        found[name] = found[name] / norm
    return found.assign(norm=norm, largest=whole / norm).assign_coords(
        pair=list(ends.labels), part=np.linspace(0, 1, steps + 1)
    ).assign_attrs(ends.attrs, length=whole, full=FULL, steps=steps)  # fmt: skip


def _steered(part: Part, unit: Tensor, whole: float, steps: int) -> xr.Dataset:
    lengths = torch.linspace(0, whole, steps + 1).to(unit)
    h = SMALL * whole / FULL
    lengths = torch.cat([lengths, lengths.new_tensor([-h, h])])
    with torch.no_grad():
        stream = part.net.reading("stream")(part.a[:, None] + lengths[:, None] * unit)
        logits = stream
        for read in list(part.net.readouts.values())[:2]:
            logits = read(logits)
    moved = curves.distance(stream[:, :-2])
    gaps, slopes = _gaps(logits[:, :-2]), (logits[:, -1] - logits[:, -2]).double() / (2 * h)
    return xr.Dataset({
        "distance": (("pair", "part"), moved.cpu().numpy()),
        "same": (("pair", "part"), (gaps > 0).cpu().numpy()),
        "top": (("pair", "part"), logits[:, :-2].argmax(-1).cpu().numpy()),
        "exit": ("pair", whole * curves.crossing(moved / moved[:, -1:], QUARTER).cpu().numpy()),
        "flip": ("pair", whole * first_change(gaps).cpu().numpy()),
        "gradient": ("pair", straight_change(logits[:, 0].double(), slopes).cpu().numpy()),
    })  # fmt: skip


def _gaps(logits: Tensor) -> Tensor:
    """By how much the first point's top token leads every other, ``(pairs, steps)``."""
    top = logits[:, 0].argmax(-1)[:, None, None].expand(-1, logits.shape[1], 1)
    own = logits.gather(-1, top)
    others = logits.scatter(-1, top, -torch.inf).amax(-1)
    return (own[..., 0] - others).double()


def first_change(gaps: Tensor) -> Tensor:
    """Share of the way at which a lead ``(pairs, steps)`` is first lost, straight between steps."""
    return curves.crossing(-gaps, 0.0)


def straight_change(logits: Tensor, slopes: Tensor) -> Tensor:
    """Where the top of ``logits`` ``(pairs, v)`` is overtaken if all keep their slopes; NaN where
    none ever does.
    """
    top = logits.argmax(-1, keepdim=True)
    lead, closing = logits.gather(-1, top) - logits, slopes - slopes.gather(-1, top)
    at = torch.where(closing > 0, lead / closing, torch.inf)
    first = at.scatter(-1, top, torch.inf).amin(-1)
    return torch.where(first.isfinite(), first, torch.nan)


def together(found: dict[str, xr.Dataset]) -> xr.Dataset:
    """The doses of all models, dims ``model, pair, vector``, float32."""
    names = xr.DataArray(list(found), dims="model", name="model")
    kept = [result.drop_vars(["distance", "same", "top", "part"]) for result in found.values()]
    joined = xr.concat(kept, names, combine_attrs="drop_conflicts")
    return joined.astype("float32")
