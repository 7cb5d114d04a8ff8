"""Arrays that measures, statistics, ends and networks cannot use: each is refused by its shape, in
one sentence; a call that is no call of theirs stays Python's own error.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import plateaus as pl
from plateaus import experiments
from plateaus.data import prompts, toy
from plateaus.errors import PlateauError
from plateaus.measures import chains, curves, dynamics, exponents, jacobians, statistics
from plateaus.networks import toy as toys
from plateaus.networks.network import Network
from plateaus.shapes import takes

NAN, NET = math.nan, pl.network(pl.ResidualMLP(width=4, blocks=2))
ONE, TWO, FOUR = torch.ones(3), torch.ones(3, 2), torch.ones(3, 4)
SAMPLE, UNIT = np.arange(9.0), torch.eye(4)
POINT = jacobians.Normalised.of(FOUR, kind="layernorm", eps=1e-5)
DOWN, UP = torch.ones(4, 8), torch.ones(8, 4)


def each(function, **given):
    return {f"{function.__name__} of {k}": partial(function, v) for k, v in given.items()}


BAD = {
    **each(statistics.interval, none=None, text="x", words=["a"], one=3.0, ragged=[[1], [1, 2]],
           complex=SAMPLE + 1j, nothing=[], NaN=SAMPLE * NAN),
    **each(statistics.median, none=None, text="x", one=3.0, complex=SAMPLE + 1j),
    **each(statistics.nested, line=SAMPLE, nothing=np.zeros((0, 2)), text="x"),
    "no sample": lambda: statistics.interval(),
    "samples of two lengths": lambda: statistics.interval(SAMPLE, SAMPLE[:3]),
    "pairs of two lengths": lambda: statistics.measured(SAMPLE, SAMPLE[:3], statistic=np.median),
    "no resample": lambda: statistics.interval(SAMPLE, resamples=0),
    "a negative seed": lambda: statistics.difference(SAMPLE, SAMPLE, seed=-1),
    "a difference of words": lambda: statistics.difference(["a", "b"], SAMPLE),
    "fewer groups": lambda: statistics.grouped((SAMPLE, SAMPLE[:3]), statistic=np.median),
    "no groups": lambda: statistics.grouped(statistic=np.median),
    "groups of NaN": lambda: statistics.grouped((SAMPLE * NAN, SAMPLE), statistic=np.median),
    "a larger plane": lambda: statistics.larger(np.ones((2, 2)), SAMPLE),
    "a trend of another length": lambda: statistics.trend(SAMPLE[:3], SAMPLE),
    "a trend of one": lambda: statistics.trend(SAMPLE[:1], SAMPLE[:1]),
    **each(curves.maximum_slope, one=torch.ones(1), none=None, text="x"),
    **each(curves.logit_difference, line=ONE, none=None),
    **each(curves.width, none=None, text="x"),
    "a radius of 0 among others": lambda: curves.half_exit_index(TWO, torch.tensor([1.0, 0, 1])),
    "a radius of NaN among others": lambda: curves.half_exit_index(TWO, ONE * NAN),
    "radii of another shape": lambda: curves.half_exit_index(TWO, torch.ones(2)),
    "traces of NaN": lambda: dynamics.contraction([TWO * NAN] * 2, [TWO] * 2),
    "traces without end": lambda: dynamics.contraction([TWO / 0] * 2, [TWO] * 2),
    "pairs of two shapes": lambda: dynamics.of_pairs(NET, TWO, TWO[:2]),
    "pairs of nothing": lambda: dynamics.of_pairs(None, TWO, TWO),
    "sublayers of another width": lambda: dynamics.sublayers(NET[1:], TWO, TWO + 1),
    "a chain without radius": lambda: chains.chain(NET[1:], FOUR[0], 0, UNIT),
    "a chain of a NaN radius": lambda: chains.chain(NET[1:], FOUR[0], NAN, UNIT),
    "a chain of no radii": lambda: chains.chain(NET[1:], FOUR[0], 1.0, UNIT, fine=0),
    "a chain between spaces": lambda: chains.chain(NET, TWO[0], 1.0, torch.eye(2)),
    **each(dynamics.gini, none=None, text="x"),
    **each(dynamics.spacing_gini, line=ONE, none=None),
    "a chord beyond the line": lambda: dynamics.chord_position(TWO, end=9),
    "anchors of other widths": lambda: dynamics.anchors(TWO, FOUR, TWO, torch.zeros(3, 3) > 0),
    "half a sample": lambda: dynamics.matched(TWO, 1.5, seed=0),
    "weights turned round": lambda: jacobians.mlp(UP, UP, torch.ones(3, 8)),
    "slopes of other units": lambda: jacobians.mlp(UP, DOWN, FOUR),
    "no weights": lambda: jacobians.mlp(None, None, None),
    "an unknown norm": lambda: jacobians.Normalised.of(FOUR, kind="batchnorm", eps=1e-5),
    "a negative eps": lambda: jacobians.Normalised.of(FOUR, kind="rmsnorm", eps=-1.0),
    "a gain of another width": lambda: jacobians.normalised_mlp(POINT, ONE, UP, DOWN, ONE),
    "a gate of another width": lambda: jacobians.gated_mlp(POINT, FOUR[0], UP, TWO, DOWN),
    "a frame of nothing": lambda: exponents.frame(),
    "a frame of two spaces": lambda: exponents.frame(ONE, TWO[0]),
    "directions of another space": lambda: exponents.pushed(NET, TWO, UNIT),
    "no block": lambda: exponents.exponents(FOUR[None], 0),
    "a field of one row": lambda: exponents.ridges(np.ones((1, 3))),
    "a mask of another shape": lambda: exponents.overlap(np.ones((3, 3)), np.ones((2, 2)) > 0),
    "prompts for no model": lambda: pl.Ends.of_prompts(NET, None),
    "inputs for no network": lambda: pl.Ends.of_inputs(None, TWO, TWO),
    "fewer labels": lambda: pl.Ends.of_inputs(NET, TWO, TWO + 1, labels=["a"]),
    "one label for all": lambda: pl.Ends.of_inputs(NET, TWO, TWO + 1, labels=["a"] * 3),
    "a fraction of a block": lambda: pl.Ends.of_inputs(NET, TWO, TWO + 1, block=1.0),
    "a dimension too few": lambda: Network(blocks=(nn.Identity(),), dims=(2,)),
    "fewer than no blocks": lambda: pl.ResidualMLP(blocks=-1),
    "blocks as text": lambda: pl.ResidualMLP(blocks="x"),
    "widths as text": lambda: pl.PlainMLP("ab"),
    "widths as one number": lambda: pl.PlainMLP(3),
    "no modules": lambda: pl.from_modules(None, ONE),
    "numbers as modules": lambda: pl.from_modules([1, 2], ONE),
    "a readout as text": lambda: pl.from_modules([nn.Identity()], ONE, readout="x"),
    "an example as a list": lambda: pl.from_modules([nn.Identity()], [1.0]),
    "an example without axes": lambda: pl.from_modules([nn.Identity()], torch.tensor(1.0)),
    "modules that give no arrays": lambda: pl.from_modules([lambda x: 3], ONE),
    "no block but a name": lambda: Network(blocks="ab", dims=(2, 2, 2)),
    "a readout that is no function": lambda: Network(blocks=(), dims=(2,), readout="x"),
    "dimensions as text": lambda: Network(blocks=(nn.Identity(),), dims=("a", "b")),
    "whole numbers as weights": lambda: pl.network(pl.ResidualMLP(), dtype=torch.int32),
    "a precision by name": lambda: pl.network(pl.ResidualMLP(), dtype="float64"),
    "an activation as a function": lambda: pl.ResidualMLP(activation=torch.relu),
    "a width of True": lambda: pl.ResidualMLP(width=True),
    "a list as an architecture": lambda: toys.build([]),
    "noise of NaN": lambda: toy.folded_wave(noise=NAN),
    **each(lambda v: toy.spiral(samples=v), text="x", half=1.5, none=None),
    "half a class": lambda: toy.spiral(classes=2.5),
    "a seed beyond": lambda: toy.spiral(samples=9, seed=2**70),
    "fewer than no pairs": lambda: toy.different_classes(toy.spiral(samples=50), -1),
    "a sector on a line": lambda: toy.spiral_sector(torch.ones(1), classes=2),
    "traces of one depth": lambda: dynamics.contraction([TWO], [TWO + 1]),
    "anchors of their own line alone": lambda: dynamics.anchors(TWO, TWO, TWO, UNIT[:3, :3] >= 0),
    "a frame of NaN": lambda: exponents.frame(ONE * NAN, ONE),
    "images for no network": lambda: pl.Ends.of_images(NET, None, None),
    **each(experiments.read, none=None, text="x"),
    **each(experiments.through_blocks, none=None, nothing=xr.Dataset()),
    **each(experiments.maximum_slope, none=None, array=np.ones(3)),
    "a list side by side": lambda: experiments.over("seed", [1], len),
    "no function side by side": lambda: experiments.over("seed", {1: 2}, None),
    "no kinds of pairs": lambda: experiments.flat_jump_flat(None, None, None, {}),
    "a result for no file": lambda: pl.results.save(xr.Dataset(), None),
    "the origin of text": lambda: pl.results.provenance_of("x"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_one_sentence(kind):
    with pytest.raises(PlateauError) as refused:
        BAD[kind]()
    said = str(refused.value)
    assert "\n" not in said and said.endswith(".") and 30 < len(said) < 500, said
    assert "object at 0x" not in said


def test_ends_need_pairs_of_prompts(gpt2_lm):
    for unfit in (partial(gpt2_lm.logits, ONE), partial(gpt2_lm.clean_run, "text")):
        with pytest.raises(PlateauError, match="takes .*; got "):
            unfit()
    with pytest.raises(PlateauError, match="meanings must be a list"):
        prompts.by_meaning(gpt2_lm, 2, tokens=3, source="samples", meanings=("x",))
    with pytest.raises(PlateauError, match="need a Pairs, got a Tensor"):
        pl.Ends.of_prompts(gpt2_lm, torch.zeros(2, 3))
    pairs = prompts.unrelated(gpt2_lm, 2, tokens=3, source="samples")
    with pytest.raises(PlateauError, match="block='1'"):
        pl.Ends.of_prompts(gpt2_lm, pairs, block="1")
    ends = pl.Ends.of_prompts(gpt2_lm, pairs)
    for a in ("x", ends.a * NAN, ends.a[:1]):
        with pytest.raises(PlateauError):
            ends.moved(a=a)
    for unfit in ({"frozen": 3}, {"frozen": None}):
        with pytest.raises(PlateauError, match="frozen lists what is meant"):
            experiments.interpolate(ends, steps=3, **unfit)
    with pytest.raises(PlateauError, match="blocks lists what is meant"):
        experiments.sweep(ends, steps=3, blocks=2)
    with pytest.raises(PlateauError, match="number of points"):
        next(ends.runs(0))


def test_what_fits_is_taken():
    """Lists and NumPy's numbers too; NaN is left out where that is said, and shown elsewhere."""
    assert statistics.median([1, 2, NAN]).n == 2
    assert statistics.larger([2, 3], [1]) == 1
    rows = statistics.grouped((np.arange(9), np.arange(9)), statistic=lambda i: SAMPLE[i].mean())
    assert rows.value == 4 and rows.n == 9
    assert statistics.difference(SAMPLE, SAMPLE, seed=np.int64(1)).value == 0
    assert pl.Ends.of_inputs(NET, TWO, TWO + 1, labels="abc", block=np.int64(1)).labels[2] == "c"
    assert dynamics.gini(torch.ones(3)) == 0 and len(pl.network(pl.ResidualMLP(blocks=0))) == 1
    assert pl.from_modules(nn.Sequential(nn.Linear(3, 2)), ONE).dims == (3, 2)


def test_a_measure_keeps_its_own_errors_and_its_name():
    @takes("points")
    def measure(x):
        """Words."""
        raise {"memory": torch.OutOfMemoryError, "ours": PlateauError, "stop": StopIteration}[x]

    for x, error in (("memory", torch.OutOfMemoryError), ("ours", PlateauError)):
        with pytest.raises(error):
            measure(x)
    with pytest.raises(StopIteration):  # what arrays do not raise is not explained by them
        measure("stop")
    with pytest.raises(TypeError, match="missing|unexpected"):
        measure()
    with pytest.raises(TypeError, match="unexpected"):
        measure("ours", y=1)
    assert measure.__name__ == "measure" and measure.__doc__ == "Words."
