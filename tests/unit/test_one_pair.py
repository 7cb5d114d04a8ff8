"""All that is published of one pair, against automatic differentiation and the plain experiments;
dense Jacobians of halves of blocks.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import jacrev, vmap

import plateaus as pl
from plateaus.data.pairs import Pairs
from plateaus.errors import NotCertifiable
from plateaus.experiments import Ends, interpolate
from plateaus.experiments.one_pair import one_pair
from plateaus.experiments.passage import passage
from plateaus.geometry import paths
from plateaus.measures import dense
from plateaus.networks.explicit import explicit

STEPS = 9


@pytest.fixture(scope="module")
def lm(save_tiny, tmp_path_factory):
    folder = save_tiny("gpt2", tmp_path_factory.mktemp("gpt2"), scale=0.2)
    return pl.load(folder, device="cpu", dtype=torch.float64)


@pytest.fixture(scope="module")
def pairs():
    ids = torch.randint(3, 200, (2, 2, 5), generator=torch.Generator().manual_seed(0))
    ids[1, :, :-1] = ids[0, :, :-1]
    return Pairs(a=ids[0], b=ids[1], labels=("one", "two"), source="named")


@pytest.fixture(scope="module")
def found(lm, pairs):
    return one_pair(lm, pairs, steps=STEPS)


@pytest.fixture(scope="module", params=[0, 4], ids=["no prefix", "four tokens"])
def halves(request, lm):
    net = explicit(lm.at(torch.arange(5, 5 + request.param)))
    x = torch.randn(6, lm.d, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return *net.blocks[1], x


KINDS = (dense.AttentionJacobians, dense.MLPJacobians)


@pytest.mark.parametrize("number", [0, 1], ids=["attention", "mlp"])
def test_dense_jacobians_of_halves(halves, number):
    half, x = halves[number], halves[2]
    exact = vmap(jacrev(half.branch))(x)
    ours = KINDS[number](half=half, at=x)
    size = exact.flatten(1).norm(dim=1)
    for some in (slice(None), slice(2, 5)):
        assert ((ours(some) - exact[some]).flatten(1).norm(dim=1) / size[some]).max() < 1e-10
    elsewhere = KINDS[number](half=half, at=x.roll(1, 0))(slice(None))
    assert ((elsewhere - exact).flatten(1).norm(dim=1) / size).min() > 1e-3


def test_a_term_of_attention_left_out_would_be_seen(halves, monkeypatch):
    """The twin: an own key that does not move, which is what a kept key would be."""
    half, _, x = halves
    if not half.branch[1].kept.shape[2]:
        pytest.skip("without a prefix the one weight is 1 whatever the score")
    ours, whole = dense.AttentionJacobians(half=half, at=x), dense._heads
    monkeypatch.setattr(dense, "_heads", lambda *a: (0 * whole(*a)[0], *whole(*a)[1:]))
    exact = vmap(jacrev(half.branch))(x)
    assert (ours(slice(None)) - exact).norm() / exact.norm() > 1e-4


def test_slopes_on_a_line_span_few_directions(halves):
    _, half, x = halves
    line = paths.segment(x[0], x[0] + 1e-3 * x[1], steps=40)
    ours = dense.MLPJacobians(half=half, at=line)
    assert len(ours.spanned[1]) < 12 < len(line)
    exact = vmap(jacrev(half.branch))(line)
    assert (ours(slice(None)) - exact).norm() / exact.norm() < 1e-10


def test_curves_are_those_of_the_plain_experiments(lm, pairs, found):
    for mode in ("none", "attention", "mlp"):
        for block in range(1, len(lm)):
            ends = Ends.of_prompts(lm, pairs, block=block)
            frozen = () if mode == "none" else mode
            plain = interpolate(ends, steps=STEPS, path=paths.slerp, frozen=frozen)
            rho = found.rho.sel(frozen=mode, block_in=block, block_out=slice(block, None))
            streams = plain.relative_distance.isel(readout=(plain.reading == "stream").values)
            assert np.allclose(rho.values, streams.values, atol=1e-9)
            if block == 1:
                logits = plain.relative_distance.isel(readout=(plain.reading == "logits").values)
                assert np.allclose(found.rho_logits.sel(frozen=mode), logits[:, 0], atol=1e-9)
    apart = abs(found.rho.sel(frozen="mlp") - found.rho.sel(frozen="none"))
    assert apart.max() > 1e-3  # another mode would be seen
    assert np.isnan(found.rho.sel(block_in=2, block_out=1)).all()


def test_norms_and_densities_are_those_of_a_passage(lm, pairs, found):
    along = passage(Ends.of_prompts(lm, pairs), steps=STEPS, path=paths.slerp)
    assert np.allclose(found.norm.sel(of="mlp"), along.mlp_norm, rtol=1e-9)
    assert np.allclose(found.density, along.switched / along.length, rtol=1e-9)
    assert np.allclose(found.step_size.isel(block_out=-1), along.step_size, rtol=1e-9)
    assert not np.allclose(found.norm.sel(of="attention"), along.mlp_norm, rtol=1e-2)


def test_directions_are_at_most_the_points(found):
    assert ((found.directions >= 1) & (found.directions <= STEPS)).all()


def test_the_chain_is_the_jacobian_of_all_blocks(lm, pairs, found):
    net = explicit(lm.at(pairs.a[0, :-1]))
    a, b = net.states(torch.cat([lm.at(pairs.a[0, :-1]).embed(t[0, -1:][None])[0]
                                 for t in (pairs.a, pairs.b)]), 1)  # fmt: skip
    x = paths.slerp(a, b, steps=STEPS)
    for last in (1, 2):

        def blocks(p, last=last):
            return net.blocks[2](net.blocks[1](p)) if last == 2 else net.blocks[1](p)

        exact = vmap(jacrev(blocks))(x).flatten(1).norm(dim=1)
        mine = found.norm.isel(pair=0).sel(of="chain", block_out=last).values
        assert np.allclose(mine, exact, rtol=1e-9)
    assert not np.allclose(found.norm.sel(of="block").isel(pair=0, block_out=1), exact, rtol=1e-3)


def test_another_architecture_says_so(save_tiny, tmp_path, pairs):
    lm = pl.load(save_tiny("llama", tmp_path), device="cpu")
    with pytest.raises(NotCertifiable, match="GPT-2 at one prompt"):
        one_pair(lm, pairs, steps=3)
