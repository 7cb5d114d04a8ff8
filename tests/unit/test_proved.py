"""Paths of a language model that are proved, beside samples that they must not contradict."""

from __future__ import annotations

import pytest

import plateaus as pl
from plateaus.data import prompts
from plateaus.experiments import Ends, joins, proved
from plateaus.geometry import paths
from plateaus.geometry.metrics import heights
from plateaus.networks.explicit import explicit


@pytest.fixture(scope="module")
def pair():
    """The pair of one context whose straight segment rises most above its end, at block 3 of 6."""
    lm = pl.load("laboratory-6l", device="cpu")
    context = prompts.unrelated(lm, 4, tokens=10, seed=0).a[2:3, :-1]
    ends = Ends.of_prompts(lm, joins.close_words(lm, context, words=50, block=3), block=3)
    return ends, joins.highest(joins.straight(ends, steps=33), 1)


def test_proofs_and_samples_agree(pair):
    ends, chosen = pair
    found, weaker = (proved.prove(ends, chosen, budget=n).squeeze() for n in (1_000, 1))
    sampled = chosen.straight.sel(reading="predictions").item()
    assert found.end * 0.999 < found.found < found.ceiling < found.segment
    assert found.segment == pytest.approx(sampled, rel=0.02)  # at 257 samples, not 33
    assert found.pieces * found.shortest <= found.length <= found.pieces * found.longest
    assert weaker.examined < found.examined  # the control: a budget that does not do
    assert weaker.ceiling > found.segment


def test_pieces_bulge_with_the_square_of_their_length_and_the_blocks_behind(pair):
    ends, _ = pair
    short, long = (proved.bulges(ends, (3, 5), length=x) for x in (0.01, 0.02))
    assert (abs(long / short - 4) < 0.4).all()
    assert short.sel(block=3) > short.sel(block=5) > 0


def test_the_floor_of_a_segment_lies_below_its_highest_sample(pair):
    """By as much as rounding leaves open: the upper end of the bounds would lie above it."""
    (part,) = pair[0][[0]].parts(1)
    plain = explicit(part.net.reading("logits")).reading("logits")
    a, b = part.a[0].double(), part.b[0].double()
    highest = float(heights(plain(paths.segment(a, b, steps=257)), plain(a), "kl").max())
    floor = proved._segment_floor(plain, a, b)
    assert highest * (1 - 1e-3) < floor < highest
