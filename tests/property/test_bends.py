"""First and second derivatives of a transformer's layers: bounds against automatic differentiation,
and the wrong twins that it tells apart.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_transformers import SUBLAYERS, D, attention, sublayer
from torch import Tensor
from torch.func import hessian, jacrev, vmap
from twins import slips

from plateaus.geometry.bounds import tube
from plateaus.geometry.bounds.interval import Box
from plateaus.geometry.bounds.program import program
from plateaus.geometry.bounds.propagate import states
from plateaus.networks.network import Network

SEEDS = st.integers(0, 10_000)


def in_ball(x: Tensor, r: float, count: int) -> Tensor:
    u = torch.randn(count, D, dtype=torch.float64)
    return x + r * u / u.norm(dim=1, keepdim=True) * torch.rand(count, 1, dtype=torch.float64)


def derivatives_are_bounded(kind: str, seed: int, r: float) -> None:
    """The Jacobian at a point, and sup |D^2 g| on a ball and |D^2 g[v, v]| on a segment."""
    module, g = sublayer(kind, seed)
    x = (0.0 if kind.startswith("own") else 1.5) * torch.randn(D, dtype=torch.float64)
    true = jacrev(module)(x).numpy()
    blur = g.blur(x.numpy()[None])
    assert blur < 1e-6 and np.linalg.norm(g.jacobian(x.numpy()[None])[0] - true, 2) <= blur
    bent = vmap(hessian(module))(in_ball(x, r, 40))  # (points, outputs, D, D)
    v = torch.nn.functional.normalize(torch.randn(60, D, dtype=torch.float64), dim=1)
    seen = torch.einsum("pcij,vi,vj->pvc", bent, v, v).norm(dim=-1).max()
    assert float(seen) <= g.bend(x.numpy()[None], np.array([r]))
    step = 2 * r * v[:1]
    points = x + torch.linspace(-0.5, 0.5, 21, dtype=torch.float64)[:, None] * step
    along = torch.einsum("pcij,i,j->pc", vmap(hessian(module))(points), step[0], step[0])
    assert float(along.norm(dim=-1).max()) <= g.along(x.numpy()[None], step.numpy())


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([1e-3, 0.05, 0.5]))
@pytest.mark.parametrize("kind", SUBLAYERS)
def test_derivatives_are_bounded(kind, seed, r):
    derivatives_are_bounded(kind, seed, r)


@pytest.mark.parametrize("kind", SUBLAYERS)
def test_bounds_along_a_segment_are_not_far_above(kind):
    """On short steps the median bound is within a factor of 20 of the largest value seen."""
    shares = []
    for seed in range(30):
        module, g = sublayer(kind, seed)
        x, step = torch.randn(2, 1, D, dtype=torch.float64)
        step = 1e-3 * step
        seen = torch.einsum("pcij,pi,pj->pc", vmap(hessian(module))(x), step, step).norm()
        shares.append(float(g.along(x.numpy(), step.numpy())[0] / seen))
    assert 1 <= min(shares) and np.median(shares) < 20


@pytest.mark.parametrize(
    "slip, kind",
    [
        (slips.straight_gelu, "perceptron"),
        (slips.flat_norm, "head"),
        (slips.no_own_score, "own score"),
        (slips.fixed_values, "own value"),
        (slips.still_weights, "attention"),
        (slips.twice_scaled, "perceptron"),
    ],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_wrong_derivatives_are_caught(slip, kind, monkeypatch):
    def breaks() -> bool:
        for seed in range(15):
            for r in (1e-3, 0.5):
                try:
                    derivatives_are_bounded(kind, seed, r)
                except AssertionError:
                    return True
        return False

    assert not breaks()
    slip(monkeypatch)
    assert breaks()


def test_whitening_bends_as_said():
    """|D^2 n| comes close to BEND / (sqrt(d) s^2), and 1 in its place would be too small."""
    torch.manual_seed(0)

    def whiten(x):
        return (x - x.mean()) / ((x - x.mean()).square().mean() + 1e-9).sqrt()

    x = torch.randn(400, D, dtype=torch.float64)
    v = torch.nn.functional.normalize(torch.randn(400, D, dtype=torch.float64), dim=1)
    bent = torch.einsum("pcij,pi,pj->pc", vmap(hessian(whiten))(x), v, v).norm(dim=1)
    share = bent * D**0.5 * x.var(dim=1, correction=0)
    assert 1 < float(share.max()) <= tube.BEND and float(share.max()) > 0.98 * tube.BEND


@settings(max_examples=30)
@given(SEEDS, st.sampled_from([1e-6, 1e-2, 0.3]))
def test_attention_in_intervals(seed, r):
    torch.manual_seed(seed)
    module = attention(0.8)
    net = Network(blocks=(module,), dims=(D, D), dtype=torch.float64)
    x = torch.randn(D, dtype=torch.float64)
    box = states(program(net), Box(low=x.numpy() - r, high=x.numpy() + r))
    y = module(x + r * (2 * torch.rand(200, D, dtype=torch.float64) - 1)).numpy()
    assert (box.low <= y).all() and (y <= box.high).all()
