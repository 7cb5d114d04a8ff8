"""Certified paths through transformers against dense sampling, and the wrong twins that it tells
apart.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_transformers import D, transformer
from twins import slips

from plateaus.errors import BadParameter, BadPath, BadPoints, NotCertifiable
from plateaus.geometry.bounds import tube
from plateaus.geometry.bounds.chain import maps
from plateaus.geometry.bounds.interval import around
from plateaus.geometry.bounds.program import program
from plateaus.geometry.bounds.propagate import states
from plateaus.geometry.certified import certify_path
from plateaus.geometry.height import Height
from plateaus.geometry.metrics import heights
from plateaus.geometry.minimax import certify, search
from plateaus.networks.network import Network
from plateaus.networks.residual import PlainMLP, network

SEEDS = st.integers(0, 10_000)


def outside(net: Network, seed: int, *, length: float, pieces: int = 6) -> float:
    """How far sampled outputs lie outside their tubes, relative to the bulge; <= 0 if nowhere."""
    torch.manual_seed(seed)
    start, step = torch.randn(2, pieces, D, dtype=torch.float64)
    end = start + length * step
    found = tube.bulges(maps(program(net)), start.numpy(), end.numpy())
    t = torch.linspace(0, 1, 33, dtype=torch.float64)[:, None, None]
    y = net(start + t * (end - start)).numpy()
    chord = found.start + t.numpy() * (found.end - found.start)
    away = np.linalg.norm(y - chord, axis=-1).max(axis=0)
    return float((away / found.bulge).max() - 1)


@settings(max_examples=30)
@given(SEEDS, st.sampled_from([1e-5, 1e-3, 3e-2]))
def test_outputs_stay_in_their_tubes(seed, length):
    assert outside(transformer(seed), seed, length=length) <= 0


def test_tubes_narrow_with_the_square_of_their_length():
    net = transformer(1)
    chain = maps(program(net))
    torch.manual_seed(1)
    start, step = (x.numpy() for x in torch.randn(2, 40, D, dtype=torch.float64))
    wide, narrow = (tube.bulges(chain, start, start + h * step).bulge for h in (2e-4, 1e-4))
    assert np.median(wide / narrow) == pytest.approx(4, rel=0.2)
    assert tube.bulges(chain, start, start).bulge.max() < 1e-9  # rounding alone


@pytest.mark.parametrize("slip", [slips.no_bulge, slips.no_jacobians])
def test_wrong_tubes_are_caught(slip, monkeypatch):
    nets = [transformer(seed, blocks=3, size=0.9) for seed in range(12)]

    def breaks() -> bool:
        return any(outside(net, seed, length=1e-4) > 0 for seed, net in enumerate(nets))

    assert not breaks()
    slip(monkeypatch)
    assert breaks()


def test_norms_of_matrices_are_upper_bounds():
    matrices = (
        np.random.default_rng(0).normal(size=(20, 5, 8)) * np.logspace(-180, 180, 20)[:, None, None]
    )
    true = np.linalg.norm(matrices, ord=2, axis=(1, 2))
    found = tube.operator_norms(matrices)
    assert (true <= found).all() and (found <= 1.2 * true).all()
    assert (tube.operator_norms(np.zeros((2, 3, 3))) == 0).all()


# --- paths


@pytest.mark.parametrize("metric", ["l1", "l2", "linf", "kl"])
@pytest.mark.parametrize("seed", range(3))
def test_paths_are_below_their_ceilings_everywhere(metric, seed):
    net = transformer(seed)
    torch.manual_seed(seed)
    nodes = torch.cumsum(0.5 * torch.randn(4, D, dtype=torch.float64), dim=0)
    path = certify_path(net, nodes, metric=metric, tolerance=0.05)
    t = torch.linspace(0, 1, 400, dtype=torch.float64)[:, None]
    dense = torch.cat([u + t * (v - u) for u, v in zip(nodes, nodes[1:], strict=False)])
    y = net(dense)
    highest = float(heights(y, net(nodes[0]), metric).max())
    assert highest <= path.ceiling <= 1.05 * path.highest + 1e-9
    assert path.highest <= highest * (1 + 1e-6) and len(path.lengths) == len(path.ceilings)
    assert "proved on" in path.statement()


def test_nodes_alone_prove_nothing():
    """A leg whose ends are both at a's height has its hill in the middle, and it is found."""
    net = transformer(3)
    torch.manual_seed(3)
    a, u = torch.randn(2, D, dtype=torch.float64)
    nodes = torch.stack([a, a + u, a])
    path = certify_path(net, nodes, pieces=1)
    assert path.ceiling >= float(heights(net(a + u), net(a)))
    naive = max(float(h) for h in heights(net(nodes[[0, 2]]), net(a)))
    assert naive < 1e-9 < path.ceiling


def test_a_path_is_refined_only_as_far_as_is_asked():
    net = transformer(5)
    torch.manual_seed(5)
    nodes = torch.cumsum(0.5 * torch.randn(3, D, dtype=torch.float64), dim=0)
    tight = certify_path(net, nodes, tolerance=0.01)
    loose = certify_path(net, nodes, below=2 * tight.ceiling)
    assert loose.ceiling < 2 * tight.ceiling and loose.examined < tight.examined
    short = certify_path(net, nodes, tolerance=0.0, budget=40)
    assert short.examined < 80 and short.ceiling >= tight.highest
    one = certify_path(net, nodes, tolerance=0.01, at_once=1)
    assert one.ceiling == pytest.approx(tight.ceiling, rel=1e-9)


def test_searched_paths_of_smooth_networks_are_certified():
    """`certify` needs no Lipschitz bound where it can follow the network."""
    net = transformer(7)
    torch.manual_seed(7)
    a, b = torch.randn(2, 1, D, dtype=torch.float64)
    found = search(net, a, b, steps=20, nodes=5)
    proved = certify(found, net, a)
    assert proved.ceilings >= found.peaks * (1 - 1e-9) and "certified" in proved.statement()


def test_heights_of_transformers_are_bounded_closely():
    """By Jacobians; plain intervals would be wider by orders of magnitude."""
    net = transformer(2, blocks=4, size=0.9)
    torch.manual_seed(2)
    a, b = torch.randn(2, D, dtype=torch.float64)
    box = Height(net, a).bounds(np.array([[0.3], [1.0]]), (b - a,))
    true = Height(net, a)(torch.stack([a + 0.3 * (b - a), b])).numpy()
    assert (box.low <= true).all() and (true <= box.high).all()
    plain = states(program(net), around(b.numpy()))
    assert (box.high - box.low).max() < 1e-7 < 1e-4 * (plain.high - plain.low).max()


@pytest.mark.parametrize(
    "error, call",
    [
        (BadPath, lambda net, x: certify_path(net, x[:1])),
        (BadPath, lambda net, x: certify_path(net, x[[0, 1, 1]])),
        (BadPoints, lambda net, x: certify_path(net, x[:, :3])),
        (BadPoints, lambda net, x: certify_path(net, x * float("nan"))),
        (BadPoints, lambda net, x: certify_path(net, x + 1j)),
        (BadParameter, lambda net, x: certify_path(net, x, metric="cosine")),
        (BadParameter, lambda net, x: certify_path(net, x, tolerance=-1.0)),
        (BadParameter, lambda net, x: certify_path(net, x, pieces=0)),
        (NotCertifiable, lambda net, x: certify_path(network(PlainMLP((D, 4, 2))), x)),
        (NotCertifiable, lambda net, x: certify_path(replace(net, readout=torch.sin), x)),
    ],
)
def test_what_cannot_be_certified_says_so(error, call):
    with pytest.raises(error):
        call(transformer(0), torch.eye(D, dtype=torch.float64))
