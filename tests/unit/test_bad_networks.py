"""What is given to networks by mistake: one sentence each, of a class that a reader can act on."""

from __future__ import annotations

import pytest
import torch

import plateaus as pl
from plateaus.errors import PlateauError
from plateaus.networks import nulls

freeze = pl.interventions.freeze
BAD = {
    # Loading.
    "a precision of whole numbers": lambda lm, net: pl.load("laboratory-3l", dtype=torch.int8),
    "a precision by name": lambda lm, net: pl.load("laboratory-3l", dtype="float32"),
    "no device": lambda lm, net: pl.load("laboratory-3l", device=None),
    "a device by number": lambda lm, net: pl.load("laboratory-3l", device=5),
    "a map of no devices": lambda lm, net: pl.load("laboratory-3l", device_map="nosuch"),
    "a checkpoint by number": lambda lm, net: pl.load("prose-12l", checkpoint=76),
    "a name too long for a path": lambda lm, net: pl.load("x" * 5000),
    "a name with a zero byte": lambda lm, net: pl.load("a\0b"),
    "a name of two lines": lambda lm, net: pl.load("prose\n12l"),
    "a seed by name": lambda lm, net: lm.untrained("one"),
    "a seed below zero": lambda lm, net: lm.untrained(-1),
    "a checkpoint that is not stored": lambda lm, net: lm.checkpoint("step-0"),
    # Prompts.
    "a prefix that is a mapping": lambda lm, net: lm.at({}),
    "no prefix": lambda lm, net: lm.at(None),
    "a list of texts": lambda lm, net: lm.at(["w3", "w4"]),
    "no continuations": lambda lm, net: net.embed(None),
    "continuations by number in a list": lambda lm, net: net.embed([1, 2]),
    "a word and a number": lambda lm, net: net.embed(["w3", 3]),
    "a word instead of words": lambda lm, net: net.states("w3", block=1),
    # Places.
    "a block by name": lambda lm, net: net.states(torch.tensor([7]), block="1"),
    "half a block": lambda lm, net: net.states(torch.tensor([7]), block=1.5),
    "no block": lambda lm, net: net.states(torch.tensor([7]), block=None),
    "a block too deep": lambda lm, net: net.states(torch.tensor([7]), block=99),
    "a block before the first": lambda lm, net: net.states(torch.tensor([7]), block=-1),
    "a slice by name": lambda lm, net: net["a":],
    "half a slice": lambda lm, net: net[1.5:],
    "a slice too deep": lambda lm, net: net[9:],
    "a reading by number": lambda lm, net: net.reading(5),
    "a reading unknown": lambda lm, net: net.reading("logit"),
    # Points.
    "points that are a word": lambda lm, net: net("x"),
    "no points": lambda lm, net: net(None),
    "points that are words": lambda lm, net: net(["a", "b"]),
    "complex points": lambda lm, net: net(torch.zeros(3, 32, dtype=torch.complex64)),
    "points of another width": lambda lm, net: net(torch.zeros(3, 31)),
    # Interventions.
    "no sublayer": lambda lm, net: freeze(net, None, at=torch.zeros(3, 32)),
    "frozen at a word": lambda lm, net: freeze(net, "mlp", at="x"),
    "frozen at no point": lambda lm, net: freeze(net, "mlp", at=torch.zeros(0, 32)),
    "frozen at one point": lambda lm, net: freeze(net, "mlp", at=torch.zeros(32)),
    "frozen at NaN": lambda lm, net: freeze(net, "mlp", at=torch.full((3, 32), torch.nan)),
    "linear around another width": lambda lm, net: nulls.linearised(net, at=torch.zeros(31)),
    # Networks of one's own.
    "no width": lambda lm, net: pl.ResidualMLP(width=0),
    "half a width": lambda lm, net: pl.ResidualMLP(width=2.5),
    "a normalisation unknown": lambda lm, net: pl.ResidualMLP(normalisation="batch"),
    "an activation unknown": lambda lm, net: pl.ResidualMLP(activation="nosuch"),
    "a perceptron of one layer": lambda lm, net: pl.PlainMLP((3,)),
    "a perceptron of letters": lambda lm, net: pl.PlainMLP("ab"),
    "another module": lambda lm, net: pl.network(torch.nn.Linear(2, 2)),
    "no module": lambda lm, net: pl.network(None),
    "modules that do not fit": lambda lm, net: pl.from_modules(
        [torch.nn.Linear(2, 2)], torch.zeros(3)
    ),
    "modules that are none": lambda lm, net: pl.from_modules([None], torch.zeros(3)),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_mistake_is_answered_in_one_sentence(gpt2_lm, kind):
    net = gpt2_lm.at("w5 w6")
    with pytest.raises(PlateauError) as refused:
        BAD[kind](gpt2_lm, net)
    said = str(refused.value)
    assert "\n" not in said and said.endswith(".") and 30 < len(said) < 600, said
    assert ":" in said, "what to do instead"


def test_no_points_at_all_are_no_mistake(gpt2_lm):
    net = gpt2_lm.at("w5 w6")
    assert net(torch.zeros(0, 32)).shape == (0, 32)
    assert net.reading("logits")(torch.zeros(0, 32)).shape == (0, gpt2_lm.vocabulary)
    assert net.blocks[0].with_parts(torch.zeros(0, 32))[1]["mlp"].shape == (0, 32)
