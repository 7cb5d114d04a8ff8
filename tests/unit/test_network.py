"""The vocabulary: slices compose, traces agree, and the toy networks are what they claim to be."""

from __future__ import annotations

import pytest
import torch

import plateaus as pl
from plateaus.errors import BadPoints

X = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=["layernorm", "rmsnorm", None])
def module(request):
    torch.manual_seed(0)
    return pl.ResidualMLP(width=8, blocks=4, normalisation=request.param)


def test_a_network_is_its_module(module):
    net = pl.network(module)
    assert torch.allclose(net(X), module(X), atol=1e-6)
    assert len(net) == 5 and net.dims == (2, 8, 8, 8, 8, 8)


def test_slices_compose_and_keep_the_readout_only_at_the_end(module):
    net = pl.network(module)
    for s in range(len(net)):
        assert torch.allclose(net[s:](net[:s](X)), net(X), atol=1e-6)
    assert net[:3].readout is None and net[2:].readout is net.readout
    assert net[1:-1].dims == net.dims[1:-1]
    assert torch.allclose(net[1:][1:](net[:2](X)), net(X), atol=1e-6)
    assert not torch.allclose(net[2:](net[:1](X)), net(X), atol=1e-3)  # a block left out is seen


def test_traces_hold_every_state(module):
    net = pl.network(module)
    trace = net.trace(X)
    assert len(trace) == len(net) + 1 and torch.equal(trace[0], X)
    for s in range(len(net) + 1):
        assert torch.allclose(net.states(X, block=s), trace[s])
    assert torch.allclose(net.reading(None)(X), trace[-1])
    assert torch.allclose(net.readout(trace[-1]), net(X))


def test_without_skips_the_stream_is_the_branch():
    torch.manual_seed(0)
    net = pl.network(pl.ResidualMLP(width=8, blocks=2, skip=False))
    x = net.states(X, block=1)
    assert torch.allclose(net.blocks[1](x), net.blocks[1].with_parts(x)[1]["mlp"])


def test_freezing_a_branch_makes_the_block_a_translation():
    torch.manual_seed(0)
    net = pl.network(pl.ResidualMLP(width=8, blocks=3))[1:]
    x = torch.randn(6, 8)
    frozen = pl.interventions.freeze(net, "mlp", at=x).reading(None)
    moved = frozen(x) - x
    assert torch.allclose(moved, moved[:1].expand_as(moved), atol=1e-5)
    untouched = pl.interventions.freeze(net, "attention", at=x).reading(None)
    assert torch.equal(untouched(x), net.reading(None)(x))


def test_training_on_does_not_change_a_network():
    module = pl.PlainMLP((2, 4, 3))
    net = pl.network(module)
    before = net(X)
    with torch.no_grad():
        module.layers[0].weight += 1
    assert torch.equal(net(X), before)
    assert torch.allclose(pl.network(module, dtype=torch.float64)(X).float(), module(X), atol=1e-5)


def test_indexing_by_a_number_or_backwards_is_explained():
    net = pl.network(pl.PlainMLP((2, 4, 3)))
    with pytest.raises(TypeError, match="sliced"):
        net[0]
    with pytest.raises(TypeError, match="forwards"):
        net[::-1]


@pytest.mark.parametrize(
    "points, sentence",
    [
        (torch.zeros(3, 3), "dimension 2"),
        (torch.tensor(1.0), "dimension 2"),
        (torch.full((1, 2), torch.nan), "NaN"),
        (torch.full((1, 2), torch.inf), "infinite"),
    ],
)
def test_bad_points_are_refused(points, sentence):
    with pytest.raises(BadPoints, match=sentence):
        pl.network(pl.PlainMLP((2, 4, 3)))(points)
