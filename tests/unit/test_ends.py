"""Ends of paths: what enters a block, for prompts and for inputs, and the wrong ways to get it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import plateaus as pl
from plateaus.data import prompts
from plateaus.errors import BadParameter, BadPoints
from plateaus.experiments import (
    Ends,
    interpolate,
    maximum_slope,
    over,
    read,
    sharpness,
    slopes,
    through_blocks,
    widths,
)
from plateaus.networks import toy
from plateaus.networks.residual import network

D = 8


def toy_net(name="residual", seed=0, blocks=3, **options):
    torch.manual_seed(seed)
    module = toy.build(name, width=D, blocks=blocks, **options)
    return network(module, name=f"seed {seed}", dtype=torch.float64)


@pytest.fixture(scope="module")
def inputs():
    return torch.randn(2, 20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture(scope="module")
def unrelated():
    ids = torch.randint(3, 200, (2, 5, 7), generator=torch.Generator().manual_seed(0))
    return prompts.Pairs(a=ids[0], b=ids[1], labels=tuple("abcde"), source="test")


def test_each_end_is_taken_in_its_own_context_and_moves_in_that_of_a(gpt2_lm, unrelated):
    ends = Ends.of_prompts(gpt2_lm, unrelated, block=2)
    (part,) = ends.parts(1)
    for x, ids in ((part.a, unrelated.a), (part.b, unrelated.b)):
        clean, logits = gpt2_lm.clean_run(ids)
        torch.testing.assert_close(x, clean[2], rtol=1e-4, atol=1e-5)
        own = part.net.reading("logits")(x[:, None])[:, 0]
        same = torch.allclose(own, logits, atol=1e-3)
        assert same == (ids is unrelated.a)  # only A moves in its own context
    foreign = gpt2_lm.at(unrelated.a[:, :-1]).states(unrelated.b[:, -1:], 2)[:, 0]
    assert not torch.allclose(part.b, foreign, atol=1e-2)  # the twin: B's last token after A


def test_ends_elsewhere_are_not_run_to_be_known(inputs):
    ends, made = Ends.of_inputs(toy_net(), *inputs, block=2), []

    def make(rows):
        made.append(len(rows))
        return ends.make(rows)

    there = ends.elsewhere(make)
    assert torch.equal(there.a, ends.a) and torch.equal(there.b, ends.b) and not made
    (part,) = there.parts(1)
    assert torch.equal(part.a, there.a) and made == [len(ends)]
    assert torch.equal(there[3:5].a, ends.a[3:5]) and made == [len(ends), 2]  # the twin is run


def test_inputs_enter_the_block_that_is_asked_for(inputs):
    net = toy_net()
    ends = Ends.of_inputs(net, *inputs, block=2)
    torch.testing.assert_close(ends.a, net.states(inputs[0], 2))
    torch.testing.assert_close(ends.b, net.states(inputs[1], 2))
    (part,) = ends.parts(1)
    assert part.net.first == 2 and len(part.net) == 2
    torch.testing.assert_close(ends.at(1).b, net.states(inputs[1], 1))
    torch.testing.assert_close(ends[3:5].a, ends.a[3:5])
    assert ends[3:5].labels == ("pair 3", "pair 4") and len(ends[3:][1:3]) == 2
    torch.testing.assert_close(ends[3:][1:3].a, ends.a[4:6])
    with pytest.raises(BadParameter, match="blocks 0 to 3, got block=4"):
        ends.at(4)
    with pytest.raises(BadPoints, match="hold no pair"):
        ends[20:]
    with pytest.raises(BadPoints, match=r"one shape \(pairs, 2\)"):
        Ends.of_inputs(net, inputs[0], inputs[1][:3])


def test_points_enter_a_slice_where_it_begins(inputs):
    net = toy_net()
    there = Ends.of_inputs(net, *inputs, block=2)
    here = Ends.of_points(net[2:], there.a, there.b)
    assert here.block == 2 and here.source == "points"
    a, b = (interpolate(e, steps=9).distance for e in (there, here))
    np.testing.assert_allclose(a, b)
    assert b.block_out.values.tolist() == [2, 3, 3, 3]


def test_directions_are_walked_as_far_as_asked(inputs):
    net = toy_net()
    a = net.states(inputs[0], 2)
    directions = 7 * torch.randn(a.shape, generator=torch.Generator().manual_seed(2)).double()
    ends = Ends.of_directions(net[2:], a, directions, length=0.5)
    moved = ends.b - a
    torch.testing.assert_close(moved.norm(dim=-1), torch.full((20,), 0.5).double())
    cosine = torch.cosine_similarity(moved, directions)
    torch.testing.assert_close(cosine, torch.ones(20).double())  # not against, nor beside it
    assert ends.block == 2 and ends.source == "directions"


def test_images_are_normalised_before_they_enter(inputs):
    from plateaus.networks.loaded import ImageNetwork

    shape = (3, 2, 2)
    net = ImageNetwork(
        blocks=(lambda x: 2 * x, torch.tanh), dims=(12, 12, 12), shape=shape,
        mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 1.0), name="tiny",
    )  # fmt: skip
    a, b = torch.rand(2, 4, *shape, generator=torch.Generator().manual_seed(0))
    ends = Ends.of_images(net, a, b)
    scaled = (a - 0.5) / torch.tensor([0.25, 0.5, 1.0])[:, None, None]
    torch.testing.assert_close(ends.a, 2 * scaled.flatten(1))
    with pytest.raises(BadPoints, match="images of shape"):
        Ends.of_images(net, a.flatten(1), b.flatten(1))


def test_an_affine_network_is_straight_in_every_measure(inputs):
    linear = sharpness(interpolate(Ends.of_inputs(toy_net("linear"), *inputs), steps=51))
    assert linear.reading.values.tolist() == ["stream"] * 3 + ["logits", "probabilities"]
    straight = linear.isel(readout=slice(-1))
    for name, value in {"slope": 1, "slope_rho": 1, "half_exit": 1, "width": 0.8}.items():
        assert abs(straight[name] - value).max() < 1e-6
    assert (linear.slope.isel(readout=-1) > 1.01).any()  # the softmax bends it
    bent = sharpness(interpolate(Ends.of_inputs(toy_net(), *inputs)))
    assert (through_blocks(bent).slope.isel(block_out=-1) > 1.01).any()  # a bend is seen


def test_readings_are_found_by_name_not_by_place(inputs):
    result = interpolate(Ends.of_inputs(toy_net(), *inputs), steps=9)
    last = result.isel(readout=2)
    np.testing.assert_array_equal(read(result).distance, last.distance)
    np.testing.assert_array_equal(read(result, "logits").distance, result.distance[:, 3])
    assert through_blocks(result).block_out.values.tolist() == [1, 2, 3]
    with pytest.raises(
        BadParameter, match="read in stream, logits, probabilities, not in 'normed'"
    ):
        read(result, "normed")
    bare = interpolate(Ends.of_inputs(toy_net(), *inputs), steps=9, readouts=False)
    assert set(bare.reading.values) == {"stream"} and "kl" not in bare
    np.testing.assert_array_equal(slopes(bare), maximum_slope(last.distance))
    np.testing.assert_array_equal(slopes(sharpness(bare)), slopes(bare))
    np.testing.assert_array_equal(widths(sharpness(bare)), widths(bare))


def test_seeds_stand_side_by_side(inputs):
    nets = {f"seed {seed}": toy_net(seed=seed) for seed in (0, 1)}
    each = {name: Ends.of_inputs(net, *inputs) for name, net in nets.items()}
    found = over("seed", each, lambda e: sharpness(interpolate(e, steps=20)), model="toy")
    assert found.slope.dims == ("seed", "pair", "readout") and found.attrs["model"] == "toy"
    alone = sharpness(interpolate(each["seed 1"], steps=20))
    np.testing.assert_array_equal(found.slope.sel(seed="seed 1"), alone.slope)
    assert not np.allclose(found.slope.sel(seed="seed 0"), alone.slope)


def test_any_number_of_pairs_fits(monkeypatch, inputs):
    whole = interpolate(Ends.of_inputs(toy_net(), *inputs), steps=9)
    monkeypatch.setattr("plateaus.experiments.runs.AT_ONCE", 7 * 9 * D)
    ends = Ends.of_inputs(toy_net(), *inputs)
    trimmed = []
    monkeypatch.setattr("plateaus.experiments.ends.trim", lambda: trimmed.append(True))
    assert [len(part.a) for part in ends.parts(9)] == [7, 7, 6]
    assert len(trimmed) == 3  # else the peak grows with the number of parts
    split = interpolate(ends, steps=9)
    np.testing.assert_allclose(split.distance, whole.distance)
    assert split.pair.values.tolist() == whole.pair.values.tolist()


def test_a_gpu_is_filled_and_not_fed_by_the_pair(monkeypatch, inputs):
    ends = Ends.of_inputs(toy_net(), *inputs)
    free = 11 * 9 * D * 64  # bytes: eleven pairs of nine points
    monkeypatch.setattr("plateaus.experiments.runs.budget", lambda device: free)
    monkeypatch.setattr("plateaus.experiments.runs.AT_ONCE", 1)
    assert len(list(ends.parts(9))) == 20
    on_gpu = replace(ends, device=torch.device("cuda"))
    assert [len(part.a) for part in on_gpu.parts(9)] == [11, 9]


def test_the_notation_of_the_proposal():
    assert pl.Ends is Ends and pl.experiments.interpolate is interpolate
