"""What is wrong or left out in the public code, and the difference that each makes on one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from plateaus.bench.published_code import Answer, Code, Words
from plateaus.data import prompts
from plateaus.experiments import Ends
from plateaus.experiments.one_pair import one_pair
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load

CANDIDATES, PATCHES = 300, 6
"""Pairs among which the widest angle is looked for, and the first blocks at which."""
GAPS = (1, 4, 8, 16, 24)
"""Blocks between patch and reading, of which there is a figure each."""
EVERY = 7
"""Steps between the Jacobians with centred weights."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One line of the table."""

    name: str
    measured: str
    """What the two numbers are."""
    public: float
    ours: float


def faults(
    code: Code, model: Path, words: Sequence[Words], *, long: Words, plain: Answer
) -> xr.Dataset:
    """Dim ``fault``: ``public`` and ``ours``, the two numbers that ``measured`` names; in float64.

    Args:
        long: words of which the second is more than one token of this model.
        plain: what the public code says of ``words`` in float64, with all Jacobians.
    """
    lm = load(str(model), device="cpu", dtype=torch.float64)
    steps = len(plain["0/chain"])
    few = {"steps": steps, "patches": [0], "modes": ["none"]}
    centred = code.ask(model, words, **few, centred=True, jacobians=range(0, steps, EVERY))
    split = code.ask(model, [words[0], long], **few)
    found = [
        *_of_path(code, model, lm, steps),
        *_of_chains(plain, lm, words, steps),
        *_of_figures(plain, lm, words, steps),
        *_of_prompts(plain, split, len(lm)),
        *_of_loading(plain, centred, len(lm)),
    ]
    data = {key: ("fault", [getattr(f, key) for f in found]) for key in ("public", "ours")}
    names = {"fault": [f.name for f in found], "measured": ("fault", [f.measured for f in found])}
    return xr.Dataset(data, coords=names)


def _of_path(code: Code, model: Path, lm: LanguageModel, steps: int) -> Iterator[Fault]:
    words, block, cosine = widest(lm)
    answer = code.ask(model, [words], steps=steps, patches=[block - 1], modes=["none"])
    angle = np.degrees(np.arccos(cosine))
    if cosine < 0:
        ours = one_pair(lm, answer.pairs([words]), steps=steps, jacobians=False).isel(pair=0)
        last = len(lm) - 1
        mine = ours.rho.sel(frozen="none", block_in=block, block_out=last).values
        at = int(np.abs(mine - answer[f"0/rho/none/{block - 1}/{last}"]).argmax())
        yield Fault(
            name="angle as arccosine of |cosine|: ρ",
            measured=f"where it differs most, ends {angle:.0f}° apart at block {block}",
            public=answer[f"0/rho/none/{block - 1}/{last}"][at],
            ours=mine[at],
        )
    x = torch.tensor([[1.0, 0.0], [-0.5, 0.75**0.5]], dtype=torch.float64)
    yield Fault(
        name="angle as arccosine of |cosine|",
        measured="norm half-way between unit vectors 120° apart; the widest angle of "
        f"{CANDIDATES} pairs of this model at {PATCHES} blocks is {angle:.0f}°",
        public=float(np.linalg.norm(answer["obtuse"])),
        ours=float(paths.slerp(*x, steps=3)[1].norm()),
    )
    yield Fault(
        name="parallel ends",
        measured="share of coordinates that are NaN half-way between x and 2x",
        public=float(np.isnan(answer["parallel"]).mean()),
        ours=float(torch.isnan(paths.slerp(x[0], 2 * x[0], steps=3)[1]).double().mean()),
    )


def widest(lm: LanguageModel) -> tuple[Words, int, float]:
    """The pair with the widest angle between its ends, as words that the public code can put
    together; the block that it enters, and the cosine.
    """
    pairs = prompts.sharing_context(lm, CANDIDATES, tokens=6, seed=0)
    ends, best = Ends.of_prompts(lm, pairs), None
    for block in range(1, 1 + PATCHES):
        here = ends.at(block)
        cosines = torch.cosine_similarity(here.a, here.b, dim=-1)
        for i in cosines.argsort()[:20].tolist():
            words = _text(lm, pairs.a[i], pairs.b[i])
            if words and (best is None or cosines[i] < best[2]):
                best = words, block, float(cosines[i])
    return best


def _text(lm: LanguageModel, a: torch.Tensor, b: torch.Tensor) -> Words | None:
    """None where texts put together with a space do not give the same tokens."""
    context, *last = (lm.tokenizer.decode(ids) for ids in (a[:-1], a[-1:], b[-1:]))
    whole = [lm.tokenizer(f"{context} {word.strip()}")["input_ids"] for word in last]
    return (context, *map(str.strip, last)) if whole == [a.tolist(), b.tolist()] else None


def _of_chains(
    plain: Answer, lm: LanguageModel, words: Sequence[Words], steps: int
) -> Iterator[Fault]:
    """The chain from what leaves layer 0 to what leaves the last, where the boundary is."""
    ours = one_pair(lm, plain.pairs(words), steps=steps).isel(pair=0)
    whole = ours.norm.sel(of="chain").isel(block_out=-1)
    rho = ours.rho.sel(frozen="none").isel(block_in=0, block_out=-1)
    at = int(np.abs(rho.values - 0.5).argmin())
    named = {
        "chain with block 0 twice": "0/chain",
        "chain of blocks without block 1": "0/product/block",
        "product of MLPs without the residual connection": "0/product/mlp",
        "product of attentions without the residual connection": "0/product/attention",
    }
    for name, key in named.items():
        said = "norm of the whole chain where ρ of the first pair is nearest to one half"
        yield Fault(name=name, measured=said, public=plain[key][at], ours=float(whole[at]))


def _of_figures(
    plain: Answer, lm: LanguageModel, words: Sequence[Words], steps: int
) -> Iterator[Fault]:
    ours = one_pair(lm, plain.pairs(words), steps=steps, jacobians=False).isel(pair=0)
    rho = ours.rho.sel(frozen="none").isel(block_out=-1)
    widths = [float(curves.width(torch.as_tensor(rho[i].values))) for i in (1, 0)]
    yield Fault(
        name="the first patch is not drawn",
        measured="width of ρ at the earliest patch that a figure over patches shows",
        public=widths[0],
        ours=widths[1],
    )
    yield Fault(
        name="sublayers of layer 0 are those of a dummy token",
        measured="switches counted in the spline line of layer 0",
        public=float(plain["0/density/0"].sum()),
        ours=np.nan,
    )
    yield Fault(
        name="steps are drawn from 0 to 1, not between their points",
        measured="place of the first step, in α",
        public=0.0,
        ours=float(ours.step[0]),
    )
    deep = [gap for gap in GAPS if gap >= len(lm)]
    says = plain.about["empty figure"]
    yield Fault(
        name="gaps deeper than the model",
        measured=f"figures of the gaps {', '.join(map(str, GAPS))} at which it stops: {says!r}",
        public=float(len(deep) if says else 0),
        ours=0.0,
    )


def _of_prompts(plain: Answer, split: Answer, layers: int) -> Iterator[Fault]:
    """The end of a path against the clean run of B, which the code never compares."""

    def apart(answer: Answer, number: int) -> float:
        clean = answer[f"{number}/end/1/{layers - 1}"][0]
        end = answer[f"{number}/rho/none/0/last"][1]
        return float(np.linalg.norm(end - clean) / np.linalg.norm(clean))

    yield Fault(
        name="a last word of two tokens",
        measured="end of the path from the clean run of B, over the norm of that; ours refuses "
        "such a word, and beside it stands a word of one token",
        public=apart(split, 1),
        ours=apart(plain, 0),
    )


def _of_loading(plain: Answer, centred: Answer, layers: int) -> Iterator[Fault]:
    last = layers - 1
    names = {
        "weights centred by the loader: ρ": f"0/rho/none/0/{last}",
        "weights centred by the loader: MLP norm": f"0/norm/mlp/{last}",
        "weights centred by the loader: ρ of logits": "0/rho/none/0/logits",
    }
    for name, key in names.items():
        x, y = centred[key], plain[key]
        y = y if len(x) == len(y) else y[::EVERY]
        at = int(np.abs(x - y).argmax())
        said = "where it differs most along the first pair, last block; ours has them as trained"
        yield Fault(name=name, measured=said, public=x[at], ours=y[at])
