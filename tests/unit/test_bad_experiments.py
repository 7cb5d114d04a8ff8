"""What experiments and studies are given by mistake: each is refused in one sentence, before
anything is computed.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr

import plateaus as pl
from plateaus.data import digits, prompts
from plateaus.errors import PlateauError
from plateaus.experiments import (
    Ends,
    contraction,
    directions,
    earlier,
    exponents,
    freezing,
    images,
    interpolate,
    landscape,
    maximum_slope,
    over,
    passage,
    perturbations,
    regions,
    sharpness,
    slopes,
    steering,
    superellipse,
    sweep,
    switching,
    synthetic,
    trajectories,
)
from plateaus.networks.dictionary import Dictionary
from plateaus.studies import Setting, Study
from plateaus.studies.superposition import Sparse

NAN = math.nan
STEPS = (0, 1, -5, 2.5, "9", None, True, NAN)
SEEDS = (-1, "x", 1.5, None, 2**70)
SHARES = (0, -1, 2, NAN, "x", 1)


def dictionary(width: int, scale: float = 1.0) -> Dictionary:
    make = torch.Generator().manual_seed(0)
    weights = {"W_enc": (width, 20), "b_enc": (20,), "W_dec": (20, width), "b_dec": (width,)}
    return Dictionary(
        **{k: scale * torch.randn(*s, generator=make) for k, s in weights.items()}, k=3
    )


@pytest.fixture(scope="module")
def good(gpt2_lm):
    """What each experiment can be given."""
    pairs = prompts.unrelated(gpt2_lm, 6, tokens=4, source="samples")
    ends = Ends.of_prompts(gpt2_lm, pairs)
    net = pl.network(pl.ResidualMLP(width=4, blocks=3))
    vis, shown = pl.load("vision-digits", device="cpu"), digits.images()
    a, b = images.apart(shown, 2)
    words = {"context": torch.tensor([5, 6]), "words": torch.tensor([7, 8, 9])}
    like = {"net": vis, "a": a, "b": b, "block": 1, "like": shown.train[:5]}
    return {
        interpolate: {"ends": ends},
        sweep: {"ends": ends},
        switching.switching: {"ends": ends},
        passage.passage: {"ends": ends},
        directions.perturb: {"ends": ends},
        directions.triangle: {"ends": ends, "corners": ("real", "random", "isotropic")},
        superellipse.edges: {"ends": ends, "corners": ("real", "random", "isotropic")},
        earlier.earlier: {"lm": gpt2_lm, "pairs": pairs, "back": 1},
        freezing.heads_one_by_one: {"ends": ends},
        regions.triples: {"lm": gpt2_lm, "pairs": pairs, "count": 2},
        regions.clusters: {"lm": gpt2_lm, **words},
        synthetic.composed: {"dictionary": dictionary(32), "real": ends.a, "structured": True},
        synthetic.walk: {"ends": ends, "length": 1.0},
        synthetic.walks: {"ends": ends, "dictionary": dictionary(32), "steps": 5},
        steering.vectors: {"lm": gpt2_lm, "ids": pairs.a, "dictionary": dictionary(32)},
        steering.steer: {"ends": ends, "given": {"v": torch.ones(32)}, "steps": 5},
        trajectories.follow: {"ends": ends},
        contraction.identities: {"ends": ends},
        exponents.planes: {"ends": ends, "count": 1},
        landscape.landscape: {"net": net, "anchor": torch.zeros(2)},
        images.apart: {"images": shown, "count": 2},
        images.swept: {"net": vis, "a": a, "b": b, "blocks": [1], "steps": 4},
        perturbations.perturbations: like,
        Ends.__getitem__: {"self": ends, "rows": [0]},
        landscape.within: {"field": xr.Dataset(), "radii": [1.0]},
    }


DEAD = dictionary(32, 0.0)
BAD = [
    *((interpolate, "ends", x) for x in (None, "x", [])),
    *((interpolate, "steps", x) for x in STEPS),
    (sweep, "steps", 0),
    (switching.switching, "ends", None),
    (switching.switching, "steps", 0),
    (passage.passage, "steps", 0),
    (passage.passage, "seed", -1),
    *((directions.perturb, "seed", x) for x in SEEDS),
    (directions.perturb, "steps", 0),
    *((directions.triangle, "corners", x) for x in (("real",), ("real", "real", "nosuch"), None)),
    *((directions.triangle, "side", x) for x in (1, 0, -1, 2.5)),
    *((superellipse.edges, "corners", x) for x in (("real",), None)),
    *((superellipse.edges, "base", x) for x in ("nosuch", None)),
    *((superellipse.edges, "level", x) for x in (0, -1, NAN, "x")),
    *((earlier.earlier, "back", x) for x in (-1, 4, 1.5, "x")),
    *((earlier.earlier, "block", x) for x in (99, -1)),
    (earlier.earlier, "pairs", None),
    (freezing.heads_one_by_one, "held", "middle"),
    *((regions.triples, "count", x) for x in (0, 5, -1, 2.5)),
    *((regions.triples, "block", x) for x in (99, -1, "1", 1.5)),
    *((regions.triples, "resolution", x) for x in (0, 1, "5")),
    *((regions.triples, "lm", x) for x in (None, "laboratory-3l")),
    (regions.triples, "pairs", []),
    *((regions.clusters, "block", x) for x in (9, -1)),
    *((regions.clusters, "shares", x) for x in ([0], [-1], [NAN], ["x"], 0)),
    (regions.clusters, "words", torch.tensor([7])),
    (synthetic.composed, "dictionary", None),
    (synthetic.composed, "dictionary", dictionary(31)),
    (synthetic.composed, "dictionary", DEAD),
    (synthetic.composed, "seed", -1),
    *((synthetic.walk, "length", x) for x in (0, -1, NAN, "x")),
    (synthetic.walks, "ways", ["real, towards nowhere"]),
    (synthetic.walks, "dictionary", DEAD),
    *((steering.vectors, "block", x) for x in (77, -1)),
    (steering.vectors, "dictionary", None),
    *((steering.steer, "given", x) for x in ({}, {"v": torch.ones(31)}, {"v": torch.zeros(32)})),
    (steering.steer, "given", {"v": torch.full((32,), NAN)}),
    (steering.steer, "steps", 0),
    *((trajectories.follow, "share", x) for x in SHARES),
    *((trajectories.follow, "steps", x) for x in (0, 1, 2)),
    (contraction.identities, "share", NAN),
    *((exponents.planes, "count", x) for x in (0, -1, 99)),
    *((landscape.landscape, "half_width", x) for x in (0, -1, NAN, "x")),
    *((landscape.landscape, "net", x) for x in (None, "x")),
    *((images.apart, "count", x) for x in (0, -1, 2.5, "x", 10**9)),
    (images.apart, "seed", -1),
    (images.swept, "blocks", []),
    (images.swept, "paths", {}),
    *((perturbations.perturbations, "window", x) for x in (0, -1, 2.5, 99)),
    *((perturbations.perturbations, "block", x) for x in (99, -1)),
    *((Ends.__getitem__, "rows", x) for x in (0, [99], [-7], "ab", None)),
    *((landscape.within, "radii", x) for x in ([], [NAN], [0], [-1])),
]
SETTING = {"task": "xor", "blocks": 1, "width": 4, "steps": 2}
SPARSE = {"features": 4, "widths": (4,), "blocks": 1, "seeds": (0,), "samples": 50}
ALONE = {
    "nothing side by side": lambda: over("seed", {}, None),
    "sharpness of nothing": lambda: sharpness(xr.Dataset()),
    "slopes of nothing": lambda: slopes(xr.Dataset()),
    "slopes of no result": lambda: slopes(None),
    "a slope along nothing": lambda: maximum_slope(xr.DataArray([1.0], dims="x")),
    "no network to check": lambda: images.check(None, None),
    "a study of nothing": lambda: Study(settings={}),
    "a study without seeds": lambda: Study(settings={"x": Setting()}, seeds=()),
    "a study without pairs": lambda: Study(settings={"x": Setting()}, pairs=0),
    **{
        f"a setting with {name} {value!r}": partial(Setting, **{**SETTING, name: value})
        for name, value in {
            "architecture": "nosuch", "labels": "nosuch", "rows": -5, "steps": -1, "batch": 0,
            "width": 0, "rate": NAN, "bending": -1.0, "decay": -1.0,
        }.items()
    },
    **{
        f"sparse features with {name} {value!r}": partial(Sparse, **{**SPARSE, name: value})
        for name, value in {
            "features": 0, "active": 2.0, "target": "nosuch", "widths": (), "seeds": (),
            "blocks": 0, "samples": 0, "steps": -1, "batch": 0, "rate": 0,
        }.items()
    },
    **{f"digits of {size!r} pixels": partial(digits.images, size) for size in (7, 0, -8, "8")},
}  # fmt: skip


def check(said: str) -> None:
    assert "\n" not in said and said.endswith(".") and 30 < len(said) < 600, said
    assert "object at 0x" not in said


@pytest.mark.parametrize(
    ("experiment", "name", "value"),
    BAD,
    ids=[f"{f.__name__} {name}={str(value)[:20]!r}" for f, name, value in BAD],
)
def test_one_sentence(good, experiment, name, value):
    with pytest.raises(PlateauError) as refused:
        experiment(**{**good[experiment], name: value})
    check(str(refused.value))


@pytest.mark.parametrize("kind", ALONE)
def test_one_sentence_by_itself(kind):
    with pytest.raises(PlateauError) as refused:
        ALONE[kind]()
    check(str(refused.value))


def test_what_is_right_is_taken(good):
    """NumPy's numbers are numbers, and names are what the reader calls them."""
    ends = good[interpolate]["ends"]
    assert interpolate(ends, steps=np.int64(5)).sizes["alpha"] == 5
    assert interpolate(ends[np.array([2, 0])], steps=5).pair.values.tolist() == ["pair 2", "pair 0"]
    assert directions.perturb.__name__ == "perturb" and "Args:" in directions.perturb.__doc__
