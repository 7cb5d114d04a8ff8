"""The vocabulary: slices compose, traces agree, and the toy networks are what they claim to be."""

from __future__ import annotations

import pytest
import torch

import plateaus as pl
from plateaus.errors import BadParameter, BadPoints

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


def test_a_slice_knows_where_it_was_cut(module):
    net = pl.network(module)
    assert net.first == 0 and net[2:].first == 2 and net[1:][2:].first == 3 and net[-1:].first == 4
    seen = net[1:][2:].readings(net.states(X, 3))
    assert [(r.block, r.name) for r in seen] == [
        (3, "stream"),
        (4, "stream"),
        (4, "logits"),
        (4, "probabilities"),
    ]
    whole = net.readings(X)
    for here, there in zip(seen, whole[-4:], strict=True):
        torch.testing.assert_close(here.value, there.value)
    assert not torch.allclose(seen[0].value, whole[2].value, atol=1e-3)  # one block off is seen


def test_readings_are_the_trace_and_the_chain_of_readouts(module):
    net = pl.network(module)
    read = {r.name: r.value for r in net.readings(X)}
    assert torch.equal(read["stream"], net.trace(X)[-1])
    assert torch.equal(read["logits"], net.reading("logits")(X))
    assert torch.equal(read["probabilities"], net.reading("probabilities")(X))
    assert torch.equal(read["probabilities"], net(X).softmax(-1))
    assert torch.equal(net.reading("stream")(X), read["stream"])
    assert [r.name for r in net[:3].readings(X)] == ["stream"] * 3
    with pytest.raises(BadParameter, match="choose one of stream, or give a function"):
        net[:3].reading("logits")


def test_a_regression_has_an_output_and_so_has_a_function():
    torch.manual_seed(0)
    net = pl.network(pl.ResidualMLP(width=8, blocks=2, outputs=1))
    assert [r.name for r in net[2:].readings(torch.zeros(8))] == ["stream", "output"]
    linear = pl.Network(blocks=(), dims=(2,), readout=lambda x: 2 * x)
    assert [r.name for r in linear.readings(X)] == ["output"]
    assert torch.equal(linear.readings(X)[0].value, 2 * X)


@pytest.mark.parametrize("cut", [slice(9, None), slice(None, 6), slice(-6, None), slice(7, 9)])
def test_slices_beyond_the_blocks_are_refused(cut):
    net = pl.network(pl.ResidualMLP(width=8, blocks=4))
    with pytest.raises(BadParameter, match="has 5 blocks and was sliced at -?[679]"):
        net[cut]
    assert len(net[5:]) == 0 and len(net[-5:]) == 5  # the bounds themselves are inside


@pytest.mark.parametrize("block", [99, 6, -1])
def test_states_beyond_the_blocks_are_refused(block):
    net = pl.network(pl.ResidualMLP(width=8, blocks=4))
    with pytest.raises(BadParameter, match=f"has blocks 0 to 4, got block={block}"):
        net.states(X, block=block)


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


def test_freezing_what_is_not_there_is_refused():
    net = pl.network(pl.ResidualMLP(width=8, blocks=3))[1:]
    x = torch.randn(6, 8)
    with pytest.raises(BadParameter, match="has a sublayer 'attention'.*there is mlp"):
        pl.interventions.freeze(net, "attention", at=x)
    with pytest.raises(BadParameter, match="none in this network"):
        pl.interventions.freeze(pl.network(pl.PlainMLP((8, 8))), "mlp", at=x)
    with pytest.raises(BadParameter, match="means='running'"):
        pl.interventions.freeze(net, "mlp", at=x, means="running")
    with pytest.raises(BadPoints, match="a single point"):
        pl.interventions.freeze(net, "mlp", at=x[0])


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


def test_a_network_says_what_it_is_in_one_line():
    net = pl.network(pl.ResidualMLP(width=8, blocks=4), name="toy")
    said = "<Network toy: 5 blocks on R^2 -> 8, float32, cpu, reads logits, probabilities>"
    assert repr(net) == said
    assert repr(net[1:3]) == "<Network toy[1:3]: 2 blocks on R^8, float32, cpu>"
