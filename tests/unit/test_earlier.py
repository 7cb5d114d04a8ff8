"""Paths at an earlier position, against the last one's own experiment and clean runs."""

import numpy as np
import pytest
import torch

from plateaus.data.prompts import Pairs
from plateaus.errors import BadParameter, BadPath
from plateaus.experiments import Ends, interpolate, slopes
from plateaus.experiments.earlier import earlier


def pairs_of(a, b):
    return Pairs(a=a, b=b, labels=tuple(map(str, range(len(a)))), source="test")


@pytest.fixture(scope="module")
def ids():
    return torch.randint(3, 200, (2, 4, 7), generator=torch.Generator().manual_seed(0))


def test_no_position_back_is_the_last_position(gpt2_lm, ids):
    pairs = pairs_of(*ids)
    ours = earlier(gpt2_lm, pairs, back=0, steps=9)
    known = slopes(interpolate(Ends.of_prompts(gpt2_lm, pairs), steps=9, readouts=False))
    np.testing.assert_allclose(ours.slope, known, rtol=1e-4)
    assert not np.allclose(earlier(gpt2_lm, pairs, back=1, steps=9).slope, known, rtol=1e-4)


def test_one_word_exchanged_where_it_enters_ends_in_the_other_prompt(gpt2_lm, ids):
    a, b = ids[0], ids[0].clone()
    b[:, -3] = ids[1, :, -3]
    ours = earlier(gpt2_lm, pairs_of(a, b), back=2, block=0, steps=5).moved
    of_a, of_b = (gpt2_lm.clean_run(p)[0][-1] for p in (a, b))
    np.testing.assert_allclose(ours, (of_b - of_a).norm(dim=-1) / of_a.norm(dim=-1), rtol=1e-4)
    with pytest.raises(BadPath):  # the twin, a position off, goes nowhere
        earlier(gpt2_lm, pairs_of(a, b), back=1, block=0, steps=5)


def test_positions_and_blocks_that_are_not_there_are_refused(gpt2_lm, ids):
    with pytest.raises(BadParameter, match="of 7 tokens have none 7 before"):
        earlier(gpt2_lm, pairs_of(*ids), back=7)
    with pytest.raises(BadParameter, match="has blocks 0 to 2, got block=3"):
        earlier(gpt2_lm, pairs_of(*ids), back=1, block=3)
